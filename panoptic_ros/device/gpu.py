"""One GPU, as one thread uses it."""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from .array import DeviceArray
from .context import Context
from .driver import Driver
from .errors import DeviceError
from .event import Event
from .graph import Graph, capture
from .memory import Memory
from .module import Module


class Resource(Protocol):
    """Something that lives no longer than its device."""

    def close(self) -> None:
        """Release it; closing it again is no error."""


_Owned = TypeVar('_Owned', bound=Resource)


class Device:
    """
    One GPU in its primary context, which TensorRT and PyTorch share, and one stream on it.

    Only the thread that opened a device may use it.  That thread must close the device before it
    ends; otherwise PyCUDA aborts the process.

    Attributes
    ----------
    name
        The product, such as 'NVIDIA H200'.
    capability
        Compute capability, (major, minor).
    target
        The architecture to compile kernels for, such as 'sm_89'.
    stream_handle
        The CUDA stream as a number, for libraries that take only numbers.

    """

    @classmethod
    def open(cls, index: int = 0) -> Device:
        """
        Open a GPU for the calling thread.

        Parameters
        ----------
        index
            Its number among those that CUDA_VISIBLE_DEVICES leaves visible.

        Raises
        ------
        DeviceError
            There is no driver, no PyCUDA or no such GPU, or the GPU cannot be opened.
        RuntimeError
            The thread has another GPU open.

        """
        return cls(Context(Driver(), index))

    def __init__(self, context: Context) -> None:
        self._context = context
        self._memory = Memory(context)
        self._resources: dict[int, Resource] = {}
        self.name, self.capability, self.target = context.name, context.capability, context.target
        self.stream_handle = context.stream_handle
        atexit.register(self._close_at_exit)

    @property
    def capturing(self) -> bool:
        """Whether a graph is being recorded."""
        return self._context.capturing

    @property
    def lost(self) -> bool:
        """Whether an error destroyed the context; then only ``close`` works."""
        return self._context.lost

    def empty(self, shape: Sequence[int], dtype: npt.DTypeLike) -> DeviceArray:
        """
        Allocate an array on the GPU; its content is undefined.

        Raises
        ------
        ValueError
            An array of that shape would be empty.
        DeviceError
            There is not enough memory; the message says how much was asked and how much is free.

        """
        return self._memory.empty(shape, dtype)

    def pinned(self, shape: Sequence[int], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """
        Allocate an array in page-locked host memory, which asynchronous copies need.

        Neither the array nor a view of it may be read once it is freed or the device is closed.

        Raises
        ------
        ValueError
            An array of that shape would be empty.
        DeviceError
            So much memory cannot be locked.

        """
        return self._memory.pinned(shape, dtype)

    def free(self, array: DeviceArray | npt.NDArray[Any]) -> None:
        """
        Wait for the stream, and free what ``empty`` or ``pinned`` allocated.

        Raises
        ------
        ValueError
            The array was not allocated here, or is freed already.

        """
        self._memory.free(array)

    def all_or_nothing(self) -> AbstractContextManager[None]:
        """Free what a block allocates if the block raises."""
        return self._memory.all_or_nothing()

    def upload(self, target: DeviceArray, source: npt.NDArray[Any]) -> None:
        """
        Copy from the host.  Asynchronous if the source is page-locked.

        Raises
        ------
        ValueError
            The arrays differ in form, or a graph is being recorded and the source is not
            page-locked.
        DeviceError
            Earlier work on the device failed.

        """
        self._check_copy(target, source)
        with self._context.using('copying to the GPU') as cuda:
            cuda.memcpy_htod_async(target.pointer, source, self._context.stream)

    def download(self, source: DeviceArray, target: npt.NDArray[Any]) -> None:
        """Copy to the host.  Asynchronous if the target is page-locked; raises as ``upload``."""
        self._check_copy(source, target)
        with self._context.using('copying from the GPU') as cuda:
            cuda.memcpy_dtoh_async(target, source.pointer, self._context.stream)

    def put(self, source: npt.NDArray[Any]) -> DeviceArray:
        """Copy an array of the host into memory of its own, and wait; raises as ``empty``."""
        target = self.empty(source.shape, source.dtype)
        self.upload(target, np.ascontiguousarray(source))
        self.synchronize()
        return target

    def zero(self, array: DeviceArray) -> None:
        """Fill an array with zero bytes.  Asynchronous."""
        with self._context.using('filling with zeros') as cuda:
            cuda.memset_d8_async(array.pointer, 0, array.nbytes, self._context.stream)

    def load(self, cubin: bytes) -> Module:
        """
        Load compiled kernels.

        Raises
        ------
        DeviceError
            They are for another architecture, or not kernels.

        """
        return self.own(Module(self._context, cubin))

    def event(self) -> Event:
        """Return an event, to measure time on the stream."""
        return self.own(Event(self._context))

    @contextmanager
    def capture(self) -> Iterator[Graph]:
        """
        Record what a block enqueues instead of executing it.

        ``with device.capture() as graph: ...``, then ``graph.launch()`` as often as needed.  In
        the block nothing may be allocated, loaded or waited for.

        Raises
        ------
        DeviceError
            CUDA cannot record something in the block; what was recorded is dropped.

        """
        with capture(self._context) as graph:
            yield graph
        self.own(graph)

    def synchronize(self) -> None:
        """
        Wait for all work on the stream: other Python threads run meanwhile, and no core spins.

        Raises
        ------
        DeviceError
            The work failed.

        """
        with self._context.using('waiting for the GPU'):
            self._context.wait()

    def memory(self) -> tuple[int, int]:
        """Return the free and total bytes of the GPU's memory."""
        return self._context.memory()

    def hold_context(self) -> None:
        """
        Keep the primary context until the process ends, also when the device is closed.

        TensorRT and PyTorch leave things of their own in the context, and the driver destroys it
        with the last reference.  One call in a process is enough; more are no error.

        Raises
        ------
        DeviceError
            The device is closed or lost, or CUDA refuses.

        """
        self._context.hold()

    def own(self, resource: _Owned) -> _Owned:
        """Take a resource and return it; ``close`` will close it before it frees the memory."""
        self._resources[id(resource)] = resource
        return resource

    def disown(self, resource: Resource) -> None:
        """Forget a resource that was closed."""
        self._resources.pop(id(resource), None)

    def close(self) -> None:
        """
        Close what the device owns, free all memory and release the context.

        It can be called twice, and after an error that lost the context.  A device that is opened
        afterwards is a new one.

        Raises
        ------
        RuntimeError
            Another thread opened the device.

        """
        if self._context.closed:
            return
        self._context.check_thread()
        if not self.lost:
            with suppress(DeviceError):         # wait first: work in flight still uses the memory
                self.synchronize()
        for resource in reversed(tuple(self._resources.values())):
            with suppress(DeviceError):
                resource.close()
        self._resources.clear()
        self._memory.free_all()
        self._context.release()
        atexit.unregister(self._close_at_exit)

    def _check_copy(self, array: DeviceArray, host: npt.NDArray[Any]) -> None:
        if host.shape != array.shape or host.dtype != array.dtype or not host.flags.c_contiguous:
            raise ValueError(f'the array on the host is {host.dtype} {host.shape}, strides '
                             f'{host.strides}: expected {array.dtype} {array.shape}, contiguous')
        if self.capturing and not self._memory.is_pinned(host):
            raise ValueError('a graph copies only from and to page-locked memory: allocate it '
                             'with Device.pinned')

    def _close_at_exit(self) -> None:
        if threading.current_thread() is self._context.thread:
            self.close()
