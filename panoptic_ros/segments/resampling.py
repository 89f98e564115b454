"""Two bilinear interpolations in a row: from cells to the network's input, and to an image."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .upsampling import Axes, Axis

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Frame(NamedTuple):
    """The sizes, (height, width) each, between a network's cells and the label image."""

    cells: tuple[int, int]
    """Cells of the network's output."""
    input_size: tuple[int, int]
    """Pixels of the network's input, which the cells cover."""
    filled: tuple[int, int]
    """Pixels of its upper left part that the image fills."""
    size: tuple[int, int]
    """Pixels of the label image."""


@lru_cache(maxsize=32)
def resample(frame: Frame) -> Axes:
    """
    Return the axes of two bilinear interpolations in a row, as one with three cells.

    The cells are brought to the network's input, its padding is cut off, and the rest is brought
    to the size of the label image.  A pixel lies between two neighbouring pixels of the input, and
    these lie between at most three neighbouring cells, as there are no more cells than pixels.
    So an axis has three weights; the third is 0 wherever two cells suffice.
    """
    return Axes(*map(_axis, *frame))


def _axis(cells: int, full: int, filled: int, pixels: int) -> Axis:
    before, after, share = _bilinear(filled, pixels)
    lower, _, later = _bilinear(cells, full)
    first = lower[before]
    weights = np.zeros((3, pixels))
    for pixel, part in ((before, 1 - share), (after, share)):
        step, columns = lower[pixel] - first, np.arange(pixels)
        step = np.where(part > 0, step, 0)      # a pixel that has no part may lie anywhere
        weights[step, columns] += part * (1 - later[pixel])
        weights[np.minimum(step + 1, 2), columns] += part * later[pixel]
    edges = np.arange(cells + 1)
    middle = (np.arange(pixels) + 0.5) * filled * cells / (pixels * full)
    cell = np.minimum(middle.astype(np.int64), cells - 1)
    places = np.stack([(edges[:-1] + 0.5) * full * pixels / (cells * filled) - 0.5] * 2)
    places[0, 0], places[1, -1] = min(places[0, 0], 0), max(places[1, -1], pixels - 1)
    arrays = (first.astype(np.int32), np.minimum(first + 1, cells - 1).astype(np.int32),
              weights.astype(np.float32), np.searchsorted(first, edges).astype(np.int32),
              cell.astype(np.int32), np.searchsorted(cell, edges).astype(np.int32),
              places.astype(np.float32))
    for array in arrays:
        array.setflags(write=False)
    return Axis(*arrays)


def _bilinear(cells: int, pixels: int) -> tuple[Integers, Integers, Floats]:
    """Return the cell before each pixel, the one after it, and the weight of that one."""
    position = np.maximum((np.arange(pixels) + 0.5) * cells / pixels - 0.5, 0)
    before = np.minimum(position.astype(np.int64), cells - 1)
    after = np.minimum(before + 1, cells - 1)
    return before, after, np.where(before < after, position - before, 0.0)
