"""A GPU's primary context, as one thread holds it."""

from __future__ import annotations

import ctypes
import threading
from contextlib import suppress
from types import TracebackType
from typing import Any

from .driver import Driver
from .errors import CURES, OUT_OF_MEMORY, STICKY, DeviceError

_NON_BLOCKING = 1       # CU_STREAM_NON_BLOCKING: the default stream does not wait for ours
_MIB = 1 << 20


class _Held(threading.local):
    """
    What a thread holds of PyCUDA: one context, however many devices it has open.

    PyCUDA ties an allocation to the context on top of its stack.  If each device had a context of
    its own, closing one device would leave memory of another that is never freed.
    """

    def __init__(self) -> None:
        self.index = -1
        self.context: Any = None
        self.users: list[Context] = []


_held = _Held()
_kept: set[int] = set()
"""GPUs whose primary context lives as long as the process."""


class Context:
    """
    The primary context of a GPU, a stream in it, and the errors of the work there.

    Raises
    ------
    DeviceError
        There is no such GPU, or it cannot be opened.
    RuntimeError
        The thread holds the context of another GPU.

    """

    def __init__(self, driver: Driver, index: int) -> None:
        if _held.users and _held.index != index:
            raise RuntimeError(f'this thread has GPU {_held.index} open and asks for GPU {index}: '
                               'use another thread, or close the other device first')
        self.index: int = index
        self.name = f'GPU {index}'
        self.thread = threading.current_thread()
        self.capturing = self.lost = self.closed = False
        self._driver = driver
        self._handles: list[Any] = []
        cuda = driver.cuda
        try:
            count = cuda.Device.count()
            if not 0 <= index < count:
                raise DeviceError(f'there is no GPU {index}: expected 0 to {count - 1}; '
                                  f'{CURES[101]}')
            gpu = cuda.Device(index)
            self.name, self.capability = str(gpu.name()), tuple(gpu.compute_capability())
            self.target = 'sm_{}{}'.format(*self.capability)
            self._enter(gpu)
            self.stream = self.keep(cuda.Stream(_NON_BLOCKING))
            self.stream_handle = int(self.stream.handle)
            self._done = self.keep(cuda.Event(int(cuda.event_flags.BLOCKING_SYNC)
                                              | int(cuda.event_flags.DISABLE_TIMING)))
        except cuda.Error as error:
            code = driver.code(error)
            self.release()
            cure = ('close every Device of this process, or restart it; if that does not help, '
                    '`dmesg` says what ails the GPU'
                    if code in STICKY else CURES.get(code, 'see `dmesg`'))
            raise DeviceError(f'{self.name} cannot be opened: {error}: '
                              f'{cure}') from error.with_traceback(None)

    def keep(self, handle: Any) -> Any:
        """Keep a handle of PyCUDA until the context is released; return it."""
        self._handles.append(handle)
        return handle

    def using(self, doing: str, cure: str = '', memory_cure: str = '') -> Using:
        """
        Make CUDA calls in a block, which gets ``pycuda.driver``.

        Parameters
        ----------
        doing
            What the block does, for the message when it fails.
        cure
            What to do then, if the error does not say it.
        memory_cure
            What to do when memory is lacking that is not the GPU's.

        Raises
        ------
        RuntimeError
            Another thread opened the device.
        DeviceError
            The device is closed or lost, or CUDA fails.

        """
        return Using(self, doing, cure, memory_cure)

    def call(self, name: str, *arguments: Any) -> None:
        """Call a function of the driver that PyCUDA lacks, in a block of ``using``."""
        self._driver.call(name, *arguments)

    def wait(self) -> None:
        """Wait for the stream, without a core that spins, in a block of ``using``."""
        self._done.record(self.stream)
        self._done.synchronize()

    def memory(self) -> tuple[int, int]:
        """Return the free and total bytes of the GPU's memory."""
        with self.using('asking for free memory') as cuda:
            free, total = cuda.mem_get_info()
        return int(free), int(total)

    def hold(self) -> None:
        """
        Keep the primary context until the process ends; see ``Device.hold_context``.

        A reset after a loss does not release it: the reference also counts for the next context.
        """
        if self.index in _kept:
            return
        gpu, context = ctypes.c_int(), ctypes.c_void_p()
        with self.using('holding the primary context'):
            self.call('cuDeviceGet', ctypes.byref(gpu), self.index)
            self.call('cuDevicePrimaryCtxRetain', ctypes.byref(context), gpu)
        _kept.add(self.index)

    def check_usable(self, doing: str) -> Any:
        """Return ``pycuda.driver``, or raise what ``using`` raises before its block."""
        self.check_thread()
        if self.closed:
            raise DeviceError(f'{self.name} is closed ({doing}): open a Device again')
        if self.lost:
            raise DeviceError(f'{self.name} was lost to an earlier error ({doing}): close the '
                              'device and open it again', sticky=True)
        return self._driver.cuda

    def check_thread(self) -> None:
        """Raise RuntimeError in any thread but the one that opened the context."""
        if threading.current_thread() is not self.thread:
            raise RuntimeError(
                f'{self.name} was opened by thread {self.thread.name} and is used by '
                f'{threading.current_thread().name}: open and close a Device in the thread that '
                'uses it')

    def failure(self, doing: str, cure: str, memory_cure: str, error: Exception) -> DeviceError:
        """Return the error that explains one of PyCUDA's; for ``Using``."""
        code = self._driver.code(error)
        self.lost |= code in STICKY
        found = f'{doing} on {self.name}: {error}'
        cure = CURES.get(code) or cure or 'this should not happen: please report it'
        if code == OUT_OF_MEMORY and memory_cure:
            cure = memory_cure
        elif code == OUT_OF_MEMORY:
            with suppress(DeviceError):
                free, total = self.memory()
                found += f' ({free / _MIB:.0f} of {total / _MIB:.0f} MiB are free)'
        return DeviceError(f'{found}: {cure}', sticky=code in STICKY)

    def release(self) -> None:
        """Leave the context; a lost one is reset, so that it can be retained anew."""
        self.closed = True
        if self not in _held.users:
            return
        if not self.lost:
            self._drop_handles()
        _held.users.remove(self)
        if not _held.users:
            context, _held.context = _held.context, None
            self._leave(context)
        # PyCUDA drops what was in a dead context without a call, which would fail.
        self._drop_handles()

    def _enter(self, gpu: Any) -> None:
        if not _held.users:
            context = gpu.retain_primary_context()
            try:
                context.push()
            except self._driver.cuda.Error:
                context.detach()
                self._pop()     # detaching has pushed the context
                raise
            _held.context, _held.index = context, self.index
        _held.users.append(self)

    def _leave(self, context: Any) -> None:
        self._pop()         # PyCUDA would leave the context on CUDA's own stack
        with suppress(self._driver.cuda.Error):
            context.detach()
        if self.lost:
            gpu = ctypes.c_int()
            with suppress(self._driver.cuda.Error):
                self.call('cuDeviceGet', ctypes.byref(gpu), self.index)
                self.call('cuDevicePrimaryCtxReset_v2', gpu)

    def _pop(self) -> None:
        popped = ctypes.c_void_p()
        with suppress(self._driver.cuda.Error):
            self.call('cuCtxPopCurrent_v2', ctypes.byref(popped))

    def _drop_handles(self) -> None:
        self._handles.clear()
        self.stream = self._done = None


class Using:
    """A block of CUDA calls; ``Context.using`` makes it."""

    def __init__(self, context: Context, doing: str, cure: str, memory_cure: str) -> None:
        self._context, self._doing = context, doing
        self._cure, self._memory_cure = cure, memory_cure

    def __enter__(self) -> Any:
        self._cuda = self._context.check_usable(self._doing)
        return self._cuda

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 traceback: TracebackType | None) -> None:
        # The frames of an exception must not keep PyCUDA's objects alive beyond their context.
        del traceback
        if isinstance(error, self._cuda.Error):
            raise self._context.failure(self._doing, self._cure, self._memory_cure,
                                        error) from error.with_traceback(None)
