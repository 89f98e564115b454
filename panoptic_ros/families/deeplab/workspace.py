"""The device memory of one batch: what is where, so that one copy brings all results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .codes import INSTANCE
from .task import MOST_CENTERS, TALLY

PICTURES = ('confidence', 'semantic_image', 'instance_image', 'overlay')
"""Images that are computed only when they are asked for."""

_ALIGNMENT = 256


@dataclass(frozen=True)
class Place:
    """Where an array lies: bytes from the start of the workspace, shape and type."""

    start: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def view(self, memory: npt.NDArray[np.uint8], origin: int) -> npt.NDArray[Any]:
        """Return the array in a copy of the workspace that begins at byte ``origin``."""
        size = int(np.prod(self.shape)) * self.dtype.itemsize
        start = self.start - origin
        return memory[start:start + size].view(self.dtype).reshape(self.shape)


class Workspace:
    """
    A layout in one piece of memory: scratch, then what begins at zero, then the other results.

    The tallies are both zero at first and a result, so they lie where the two parts overlap:
    one fill clears everything that is summed, one copy brings everything that the host reads.

    Parameters
    ----------
    sizes
        (height, width) in pixels of each image's labels.
    cells
        (rows, columns) of the heads.
    classes
        How many classes the heads have.
    top_k
        Most instances in an image.
    pictures
        Those of ``PICTURES`` that are asked for.

    """

    def __init__(self, sizes: Sequence[tuple[int, int]], cells: tuple[int, int], classes: int,
                 top_k: int, pictures: frozenset[str]) -> None:
        self.images: list[dict[str, Place]] = [{} for _ in sizes]
        end = 0

        def place(parts: dict[str, tuple[tuple[int, ...], npt.DTypeLike]], image: int) -> None:
            nonlocal end
            for name, (shape, kind) in parts.items():
                dtype = np.dtype(kind)
                self.images[image][name] = Place(end, shape, dtype)
                size = int(np.prod(shape)) * dtype.itemsize
                end += -(-size // _ALIGNMENT) * _ALIGNMENT

        codes = INSTANCE + top_k
        for image, size in enumerate(sizes):
            place({'cell_code': (cells, np.uint16), 'probability': (cells, np.int32),
                   'peaks': (size, np.int32), 'patch_code': (cells, np.uint16),
                   'open_patches': (cells, np.uint32),
                   'center_y': ((MOST_CENTERS,), np.float32),
                   'center_x': ((MOST_CENTERS,), np.float32),
                   'class_of': ((codes,), np.uint16)}, image)
        self.zero_start = end
        for image in range(len(sizes)):
            place({'peak_count': ((1,), np.int32), 'open_count': ((1,), np.int32),
                   'finished': ((2,), np.uint32), 'votes': ((top_k, classes), np.int32)}, image)
        self.result_start = end
        for image in range(len(sizes)):
            place({'tallies': ((classes + top_k,), TALLY)}, image)
        self.zero_end = end
        pixels = {'confidence': ((), np.uint8), 'semantic_image': ((), np.uint8),
                  'instance_image': ((), np.uint16), 'overlay': ((3,), np.uint8)}
        for image, size in enumerate(sizes):
            place({'center_count': ((1,), np.int32), 'heat': ((MOST_CENTERS,), np.float32),
                   'label_of': ((codes,), np.uint16), 'labels': (size, np.uint16)}, image)
            place({name: ((*size, *shape), kind) for name, (shape, kind) in pixels.items()
                   if name in pictures}, image)
        self.size = end

    @property
    def result_size(self) -> int:
        """Bytes that the host reads, from ``result_start`` to the end."""
        return self.size - self.result_start

