"""Where the pixels of an image lie between the cells of the heads."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .grid import Grid

LIMIT = np.float32(1e30)
"""Network outputs are clipped to +-LIMIT, so that no interpolation overflows or becomes NaN."""


class Axis(NamedTuple):
    """
    One axis of the bilinear upsampling, in float32; kernels take it as it is.

    Pixel ``i`` of the output lies at ``(i + 0.5) * step - shift`` in cells, not under 0; ``step``
    is the size of a pixel in cells, ``shift`` that of ``Grid``.  Its value is
    ``weights[0, i] * value[lower[i]] + weights[1, i] * value[upper[i]]``.  Beyond the middle of
    the first and of the last cell the weights are 1 and 0, so that rounding cannot part pixels
    that have the same value.  A family that interpolates otherwise has further weights, for the
    cells that follow.
    """

    lower: npt.NDArray[np.int32]
    """(pixels,) the cell at or before each pixel."""
    upper: npt.NDArray[np.int32]
    """(pixels,) the cell after it, or the image's last."""
    weights: npt.NDArray[np.float32]
    """(2, pixels) their weights; more where a pixel has a part of more cells."""
    starts: npt.NDArray[np.int32]
    """(cells + 1,) first pixel whose ``lower`` is at least the cell."""
    cell: npt.NDArray[np.int32]
    """(pixels,) the cell nearest to the middle of each pixel, the later one of two."""
    cell_starts: npt.NDArray[np.int32]
    """(cells + 1,) first pixel whose ``cell`` is at least the cell."""
    places: npt.NDArray[np.float32]
    """
    (2, cells) where each cell lies, in pixels: from, to.  The first cell reaches to the first
    pixel and the image's last cell to the last, as all pixels beyond have its value.
    """

    @classmethod
    @lru_cache(maxsize=32)
    def both(cls, grid: Grid, size: tuple[int, int]) -> Axes:
        """
        Return the axes y and x that bring heads to an image of (height, width) pixels.

        Of a padded input only the cells of the image take part, as if the network had put out no
        others: its last pixels have the value of its last cells.
        """
        return Axes(*(cls._between(grid, axis, pixels) for axis, pixels in enumerate(size)))

    @classmethod
    def _between(cls, grid: Grid, axis: int, pixels: int) -> Axis:
        cells, last, full = grid.cells[axis], grid.image_cells[axis] - 1, grid.part[axis]
        middle = np.arange(pixels, dtype=np.float32) + np.float32(0.5)
        position = middle * cell_step(full, pixels, grid.stride) - np.float32(grid.shift)
        position = np.maximum(position, np.float32(0))
        lower = np.minimum(position.astype(np.int32), last)
        upper = np.minimum(lower + 1, last)
        upper_weight = np.where(lower < upper, position - lower.astype(np.float32), np.float32(0))
        # floor(position + 0.5), in integers
        later = pixels * (grid.stride - 1) if grid.align_corners else 0
        cell = ((2 * np.arange(pixels, dtype=np.int64) + 1) * full + later) // (
            2 * pixels * grid.stride)
        cell = np.minimum(cell, last)
        edges = np.arange(cells + 1)
        places = np.stack([(edges[:-1] + grid.shift) * grid.stride * pixels / full - 0.5] * 2)
        places[0, 0], places[1, last] = min(places[0, 0], 0), max(places[1, last], pixels - 1)
        arrays = (lower, upper, np.stack([np.float32(1) - upper_weight, upper_weight]),
                  np.searchsorted(lower, edges).astype(np.int32), cell.astype(np.int32),
                  np.searchsorted(cell, edges).astype(np.int32), places.astype(np.float32))
        for array in arrays:
            array.setflags(write=False)
        return cls(*arrays)


class Axes(NamedTuple):
    """The two axes of an image."""

    y: Axis
    x: Axis


def cell_step(full: int, pixels: int, stride: int) -> np.float32:
    """Return the size of an output pixel in cells; the image fills ``full`` input pixels."""
    return np.float32(full) / np.float32(stride * pixels)
