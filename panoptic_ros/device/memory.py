"""The memory that a device owns: on the GPU, and page-locked on the host."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from .array import DeviceArray
from .context import Context

_MIB = 1 << 20


class Memory:
    """The allocations in a context, each until it is freed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._allocations: dict[int, Any] = {}
        self._pinned: dict[int, npt.NDArray[Any]] = {}

    def empty(self, shape: Sequence[int], dtype: npt.DTypeLike) -> DeviceArray:
        """Allocate on the GPU; see ``Device.empty``."""
        form, kind, nbytes = _measure(shape, dtype)
        with self._context.using(f'allocating {nbytes / _MIB:.1f} MiB of GPU memory for {kind} '
                                 f'{form}') as cuda:
            allocation = cuda.mem_alloc(nbytes)
        pointer = int(allocation)
        self._allocations[pointer] = allocation
        return DeviceArray(pointer, form, kind, self._context.stream_handle, self.free)

    def pinned(self, shape: Sequence[int], dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """Allocate on the host; see ``Device.pinned``."""
        form, kind, nbytes = _measure(shape, dtype)
        with self._context.using(
                f'locking {nbytes / _MIB:.1f} MiB of host memory for {kind} {form}',
                memory_cure='end programs that use much memory, or raise the limit of the '
                'container') as cuda:
            array: npt.NDArray[Any] = cuda.pagelocked_empty(form, kind)
        self._pinned[array.ctypes.data] = array
        return array

    def free(self, array: DeviceArray | npt.NDArray[Any]) -> None:
        """Free one array; see ``Device.free``."""
        on_gpu = isinstance(array, DeviceArray)
        address = array.pointer if isinstance(array, DeviceArray) else array.ctypes.data
        if address not in (self._allocations if on_gpu else self._pinned):
            raise ValueError(f'the array at {address:#x} is not one that this device holds: free '
                             'the whole of what `empty` or `pinned` returned, once')
        with self._context.using('freeing memory'):
            self._context.wait()
            if on_gpu:
                self._allocations.pop(address).free()
            else:
                _unlock(self._pinned.pop(address))

    @contextmanager
    def all_or_nothing(self) -> Iterator[None]:
        """Free what the block allocates if it raises; see ``Device.all_or_nothing``."""
        before = {*self._allocations, *self._pinned}
        try:
            yield
        except BaseException:
            if not self._context.lost:
                with self._context.using('freeing memory'):
                    self._context.wait()
                    for address in [a for a in self._allocations if a not in before]:
                        self._allocations.pop(address).free()
                    for address in [a for a in self._pinned if a not in before]:
                        _unlock(self._pinned.pop(address))
            raise

    def is_pinned(self, array: npt.NDArray[Any]) -> bool:
        """Tell whether all of an array on the host is page-locked."""
        start = array.ctypes.data
        return any(first <= start and start + array.nbytes <= first + whole.nbytes
                   for first, whole in self._pinned.items())

    def free_all(self) -> None:
        """Free everything; if the context was lost, and all memory with it, only forget it."""
        if not self._context.lost:
            for allocation in self._allocations.values():
                allocation.free()
            for array in self._pinned.values():
                _unlock(array)
        else:
            # The destructors of the allocations must find the context released.
            self._context.keep([self._allocations, self._pinned])
        self._allocations, self._pinned = {}, {}


def _unlock(array: npt.NDArray[Any]) -> None:
    allocation: Any = array.base
    allocation.free()


def _measure(shape: Sequence[int],
             dtype: npt.DTypeLike) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    form, kind = tuple(int(length) for length in shape), np.dtype(dtype)
    nbytes = math.prod(form) * kind.itemsize
    if nbytes <= 0 or min(form, default=1) < 0:
        raise ValueError(f'an array {form} of {kind} is empty: expected lengths of at least 1')
    return form, kind, nbytes
