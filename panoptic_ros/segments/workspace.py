"""The device memory of one batch: what is where, so that one copy brings all results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

_ALIGNMENT = 256

Arrays: TypeAlias = Mapping[str, tuple[tuple[int, ...], npt.DTypeLike]]
"""Shapes and types, by the names of a task's pointers."""


class Contents(NamedTuple):
    """What the kernels write for one image."""

    scratch: Arrays
    zeroed: Arrays
    """Zero when the first kernel starts."""
    zeroed_results: Arrays
    """Zero at first, and read by the host."""
    results: Arrays


@dataclass(frozen=True)
class Place:
    """Where an array lies: bytes from the start of the workspace, shape and type."""

    start: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """Bytes."""
        return int(np.prod(self.shape)) * self.dtype.itemsize

    def view(self, memory: npt.NDArray[np.uint8], origin: int) -> npt.NDArray[Any]:
        """Return the array in a copy of the workspace that begins at byte ``origin``."""
        start = self.start - origin
        return memory[start:start + self.size].view(self.dtype).reshape(self.shape)


class Workspace:
    """
    A layout in one piece of memory: scratch, then what begins at zero, then the other results.

    Results that begin at zero lie where the two parts overlap: one fill clears everything that is
    summed, one copy brings everything that the host reads.

    Parameters
    ----------
    contents
        Those of each image.

    """

    def __init__(self, contents: Sequence[Contents]) -> None:
        self.images: list[dict[str, Place]] = [{} for _ in contents]
        """Where each array of an image is, by its name."""
        starts = []
        self.size = 0
        for part in Contents._fields:
            starts.append(self.size)
            for image, arrays in enumerate(contents):
                self._place(self.images[image], getattr(arrays, part))
        _, self.zero_start, self.result_start, self.zero_end = starts

    @property
    def result_size(self) -> int:
        """Bytes that the host reads, from ``result_start`` to the end."""
        return self.size - self.result_start

    def _place(self, places: dict[str, Place], arrays: Arrays) -> None:
        for name, (shape, kind) in arrays.items():
            places[name] = Place(self.size, shape, np.dtype(kind))
            self.size += -(-places[name].size // _ALIGNMENT) * _ALIGNMENT
