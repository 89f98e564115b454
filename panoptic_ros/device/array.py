"""An array in the memory of the GPU."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class DeviceArray:
    """
    An array's place on the device, and its form: contiguous, the last axis fastest.

    The memory belongs to the device that made it, until ``free`` or the end of the device.
    """

    pointer: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    stream: int
    """Handle of the stream on which it is written and read."""
    release: Callable[[DeviceArray], None] | None = field(default=None, compare=False, repr=False)
    """The function that frees the memory; None for a part of another array."""

    @property
    def nbytes(self) -> int:
        """Size in bytes."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        """The description by which PyTorch, CuPy and Numba share it (protocol version 3)."""
        return {'shape': self.shape, 'typestr': self.dtype.str, 'data': (self.pointer, False),
                'version': 3, 'strides': None, 'stream': self.stream}

    def part(self, start: int, end: int) -> DeviceArray:
        """
        Return the elements from ``start`` to before ``end`` of the first axis, in place.

        Raises
        ------
        IndexError
            The array has no such part.

        """
        length = self.shape[0] if self.shape else 0
        if not 0 <= start < end <= length:
            raise IndexError(f'part {start} to {end} of an array {self.shape} on the device: '
                             f'expected a part of 0 to {length}')
        step = self.nbytes // length
        return DeviceArray(self.pointer + start * step, (end - start, *self.shape[1:]),
                           self.dtype, self.stream)

    def __getitem__(self, index: int) -> DeviceArray:
        """Return one element of the first axis, in place; raises as ``part``."""
        one = self.part(index, index + 1)
        return DeviceArray(one.pointer, self.shape[1:], self.dtype, self.stream)

    def free(self) -> None:
        """
        Free the memory, after all work on the stream.

        Raises
        ------
        ValueError
            The array is a part of another one, or free already.

        """
        if self.release is None:
            raise ValueError(f'the array {self.shape} is a part of another one: free that')
        self.release(self)
