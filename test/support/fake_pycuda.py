"""
What we call of ``pycuda.driver``, on a machine that is all host memory.

It keeps to what PyCUDA 2026.1 does, its own stack of contexts and the destructors of objects in
dead contexts included.
"""

from __future__ import annotations

import ctypes
import functools
import struct
import threading
import types
from collections.abc import Callable
from typing import Any

import numpy as np
from fake_cuda_machine import DriverError, KernelError, Machine, Primary, Queue

Kernels = Callable[[str, tuple[int, ...], tuple[int, ...], list[Any]], None]
"""Executes a kernel: name, grid, block, arguments as ctypes values."""


class Error(Exception):
    """As in ``pycuda.driver``."""


_KINDS = {name: type(name, (Error,), {})
          for name in ('MemoryError', 'LogicError', 'LaunchError', 'RuntimeError')}
_KIND_OF = {2: 'MemoryError', 100: 'RuntimeError', 209: 'RuntimeError', 214: 'RuntimeError',
            701: 'LaunchError', 702: 'LaunchError', 719: 'LaunchError'}


def _raising(function):
    """Let a function raise PyCUDA's exceptions."""
    @functools.wraps(function)
    def call(*arguments, **keywords):
        try:
            return function(*arguments, **keywords)
        except DriverError as error:
            status, text = error.status, str(error)
        # Raised here, as from C++: no frame that holds the object is part of the exception.
        kind = Error if status == 999 else _KINDS[_KIND_OF.get(status, 'LogicError')]
        raise kind(text)
    return call


class FakeCuda:
    """
    The machine with PyCUDA on it.

    Parameters
    ----------
    machine
        Its GPUs.
    kernels
        What executes kernels.

    """

    def __init__(self, machine: Machine, kernels: Kernels | None = None) -> None:
        self.machine, self.kernels = machine, kernels
        self.stacks = threading.local()         # PyCUDA's own
        self.driver = types.ModuleType('pycuda.driver')
        parts = {name: _bind(kind, self) for name, kind in (
            ('Device', _Device), ('Stream', _Stream), ('Event', _Event))}
        self.driver.__dict__.update(
            parts, Error=Error, **_KINDS,
            event_flags=types.SimpleNamespace(BLOCKING_SYNC=1, DISABLE_TIMING=2),
            **{name: _raising(getattr(self, name)) for name in (
                'init', 'mem_alloc', 'mem_get_info', 'pagelocked_empty', 'memcpy_htod_async',
                'memcpy_dtoh_async', 'memset_d8_async', 'module_from_buffer')})

    @property
    def stack(self) -> list[_Context]:
        return self.stacks.__dict__.setdefault('contexts', [])

    def current(self, excepted: _Context | None = None) -> _Context | None:
        """Return the context on top of PyCUDA's stack, which drops those that are not valid."""
        while self.stack:
            if self.stack[-1] is not excepted and self.stack[-1].valid:
                return self.stack[-1]
            self.stack.pop()
        return None

    def init(self, flags: int = 0) -> None:
        self.machine.enter('cuInit', context=False)
        if not self.machine.gpus:
            raise DriverError('cuInit', 100)

    def mem_alloc(self, nbytes: int) -> _Allocation:
        return _Allocation(self, self.machine.allocate('cuMemAlloc', nbytes), 'cuMemFree')

    def mem_get_info(self) -> tuple[int, int]:
        self.machine.enter('cuMemGetInfo')
        primary = self.machine.current('cuMemGetInfo')
        return self.machine.free_bytes(primary), self.machine.memory

    def pagelocked_empty(self, shape, dtype, order='C', mem_flags=0) -> np.ndarray:
        dtype = np.dtype(dtype)
        nbytes = int(np.prod(shape)) * dtype.itemsize
        allocation = _Allocation(self, self.machine.allocate('cuMemHostAlloc', nbytes),
                                 'cuMemFreeHost')
        # An array over memory of a ctypes type has the object itself as its base, as PyCUDA's has.
        kind = type('PagelockedHostAllocation', (ctypes.c_uint8 * nbytes,),
                    {'free': lambda self: self.allocation.free()})
        owner = kind.from_address(allocation.block.address)
        owner.allocation = allocation
        return np.ndarray(shape, dtype, buffer=owner)

    def memcpy_htod_async(self, dest: int, src: np.ndarray, stream: _Stream) -> None:
        self._copy('cuMemcpyHtoDAsync', dest, src, stream, to_device=True)

    def memcpy_dtoh_async(self, dest: np.ndarray, src: int, stream: _Stream) -> None:
        self._copy('cuMemcpyDtoHAsync', src, dest, stream, to_device=False)

    def _copy(self, name: str, address: int, host: np.ndarray, stream: _Stream,
              to_device: bool) -> None:
        self.machine.enter(name)
        assert host.flags.c_contiguous
        self.machine.check_address(name, address, host.nbytes)
        primary = self.machine.current(name)
        locked = self.machine.is_locked(host.ctypes.data, host.nbytes)
        if not locked and self.machine.find(name, stream.handle, Queue).recording is not None:
            raise DriverError(name, 900)
        if not locked and to_device:    # the driver stages it before it returns
            host = host.copy()
        source = host.reshape(-1).view(np.uint8)

        def work() -> None:
            device = self.machine.view(primary, address, host.nbytes)
            if to_device:
                device[:] = source
            else:
                source[:] = device
        self.machine.enqueue(name, stream.handle, work)
        if not locked and not to_device:
            self.machine.drain(name, stream.handle)

    def memset_d8_async(self, dest: int, data: int, size: int, stream: _Stream) -> None:
        name = 'cuMemsetD8Async'
        self.machine.enter(name)
        self.machine.check_address(name, dest, size)
        primary = self.machine.current(name)

        def work() -> None:
            self.machine.view(primary, dest, size)[:] = data
        self.machine.enqueue(name, stream.handle, work)

    def module_from_buffer(self, buffer: bytes) -> _Module:
        name = 'cuModuleLoadDataEx'
        self.machine.enter(name, unsafe=True)
        if buffer[:4] != b'\x7fELF':
            raise DriverError(name, 200, ' - ')
        flags, = struct.unpack_from('<I', buffer, 48)
        found = (flags >> 8 if buffer[8] >= 8 else flags) & 0xff
        major, minor = self.machine.gpus[self.machine.current(name).index][1]
        if found // 10 != major or found % 10 > minor:
            raise DriverError(name, 209, ' - ')
        return _Module(self, buffer)


def _bind(kind: type, cuda: FakeCuda) -> type:
    """Return a class of ``pycuda.driver``, whose constructor knows the machine."""
    return type(kind.__name__.strip('_'), (kind,), {'cuda': cuda})


class _Context:
    def __init__(self, cuda: FakeCuda, primary: Primary) -> None:
        self.cuda, self.primary, self.valid = cuda, primary, True
        self.thread = threading.get_ident()

    @_raising
    def push(self) -> None:
        machine = self.cuda.machine
        if self.cuda.stack:
            machine.stack.pop()
        machine.enter('cuCtxPushCurrent', context=False)
        machine.stack.append(self.primary)
        self.cuda.stack.append(self)

    @_raising
    def detach(self) -> None:
        if not self.valid:
            raise DriverError('context::detach', 201)
        machine, active = self.cuda.machine, self.cuda.current() is self
        if active or threading.get_ident() == self.thread:
            if not active:
                machine.stack.append(self.primary)
            machine.release(self.primary.index)
        self.valid = False
        if active and (below := self.cuda.current(self)):
            machine.stack.append(below.primary)


class _Dependent:
    """Something in a context, released by its destructor unless the context is dead."""

    def __init__(self, cuda: FakeCuda) -> None:
        self.cuda, self.context = cuda, cuda.current()
        if self.context is None:
            raise DriverError('explicit_context_dependent', 201,
                          ' - no currently active context?')

    def hold(self, held: object) -> int:
        self.machine = self.cuda.machine
        return self.machine.add_handle(self.context.primary, held)

    def __del__(self) -> None:
        context = getattr(self, 'context', None)
        if context is not None and context.valid and hasattr(self, 'handle'):
            context.primary.handles.pop(self.handle, None)


class _Device:
    cuda: FakeCuda

    @_raising
    def __init__(self, index: int) -> None:
        if not 0 <= index < len(self.cuda.machine.gpus):
            raise DriverError('cuDeviceGet', 101)
        self.index = index

    @classmethod
    def count(cls) -> int:
        return len(cls.cuda.machine.gpus)

    def name(self) -> str:
        return self.cuda.machine.gpus[self.index][0]

    def compute_capability(self) -> tuple[int, int]:
        return self.cuda.machine.gpus[self.index][1]

    @_raising
    def retain_primary_context(self) -> _Context:
        self.cuda.machine.enter('cuDevicePrimaryCtxRetain', context=False)
        return _Context(self.cuda, self.cuda.machine.retain(self.index))


class _Stream(_Dependent):
    @_raising
    def __init__(self, flags: int = 0) -> None:
        super().__init__(self.cuda)
        self.cuda.machine.enter('cuStreamCreate')
        self.handle = self.hold(Queue())


class _Event(_Dependent):
    @_raising
    def __init__(self, flags: int = 0) -> None:
        super().__init__(self.cuda)
        self.cuda.machine.enter('cuEventCreate')
        self.stream: int | None = None
        self.handle = self.hold(flags)

    @_raising
    def record(self, stream: _Stream) -> _Event:
        self.machine.enter('cuEventRecord')
        self.stream = stream.handle
        self.machine.enqueue('cuEventRecord', stream.handle, lambda: None)
        return self

    @_raising
    def synchronize(self) -> _Event:
        self.machine.enter('cuEventSynchronize', unsafe=True)
        if self.stream is not None:
            self.machine.drain('cuEventSynchronize', self.stream)
        return self


class _Allocation(_Dependent):
    def __init__(self, cuda: FakeCuda, block, free: str) -> None:
        super().__init__(cuda)
        self.block, self._free = block, free

    def __int__(self) -> int:
        return self.block.address

    @_raising
    def free(self) -> None:
        block, self.block = self.block, None
        if block is None:
            raise DriverError('device_allocation::free', 400)
        if self.context.valid:
            self.cuda.machine.free(self._free, block.address)

    def __del__(self) -> None:
        if getattr(self, 'block', None) is not None:
            self.free()


class _Module(_Dependent):
    def __init__(self, cuda: FakeCuda, cubin: bytes) -> None:
        super().__init__(cuda)
        self._cubin = cubin
        self.handle = self.hold(self._cubin)

    @_raising
    def get_function(self, name: str) -> _Function:
        self.machine.enter('cuModuleGetFunction')
        if b'\0.text.' + name.encode() + b'\0' not in self._cubin:
            raise DriverError('cuModuleGetFunction', 500)
        return _Function(self, name)


class _Function:
    def __init__(self, module: _Module, name: str) -> None:
        self._module, self._name = module, name

    @_raising
    def __call__(self, *arguments, grid, block, stream) -> None:
        for position, argument in enumerate(arguments):
            if not isinstance(argument, np.number):
                raise TypeError(f'invalid type on parameter #{position} (0-based)')
        machine, cuda = self._module.machine, self._module.cuda
        _, _, _ = block             # the real one sets x, y and z, though it need not
        assert all(type(size) is int for size in (*grid, *block))
        machine.enter('cuLaunchKernel')
        if not 0 < np.prod(block) <= 1024 or min(grid) < 1:
            raise DriverError('cuLaunchKernel', 1)
        primary = machine.current('cuLaunchKernel')
        values = [np.ctypeslib.as_ctypes(np.array(argument)) for argument in arguments]

        def work() -> None:
            machine.begin_kernel()
            for argument in arguments:
                if argument.dtype == np.uintp:
                    machine.view(primary, int(argument), 1)
            try:
                cuda.kernels(self._name, tuple(grid), tuple(block), values)
            except RuntimeError as error:       # of cuda_on_cpu
                raise KernelError(getattr(error, 'status', 719)) from error
        machine.enqueue('cuLaunchKernel', stream.handle, work)
