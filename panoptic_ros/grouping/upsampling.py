"""Where the pixels of an image lie between the cells of the heads."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

LIMIT = np.float32(1e30)
"""Head values are clipped to +-LIMIT, so that no interpolation overflows or becomes NaN."""

OFFSET_LIMIT = np.float32(1e6)
"""Offsets are clipped to +-OFFSET_LIMIT pixels, so that no squared distance overflows."""


@dataclass(frozen=True, eq=False)
class Axis:
    """
    One axis of the bilinear upsampling with ``align_corners=False``, in float32.

    Pixel ``i`` lies at ``(i + 0.5) * cells / pixels - 0.5`` in cells, not under 0.  Its value is
    ``weights[0, i] * value[lower[i]] + weights[1, i] * value[upper[i]]``.
    """

    lower: npt.NDArray[np.int32]
    """(pixels,) the cell at or before each pixel."""
    upper: npt.NDArray[np.int32]
    """(pixels,) the cell after it, or the last."""
    weights: npt.NDArray[np.float32]
    """(2, pixels) their weights."""
    starts: npt.NDArray[np.int32]
    """(cells + 1,) first pixel whose ``lower`` is at least the cell."""
    cell: npt.NDArray[np.int32]
    """(pixels,) the cell that holds the middle of each pixel."""
    cell_starts: npt.NDArray[np.int32]
    """(cells + 1,) first pixel whose ``cell`` is at least the cell."""

    @classmethod
    @lru_cache(maxsize=32)
    def between(cls, cells: int, pixels: int) -> Axis:
        """Return the axis that stretches (or shrinks) so many cells to so many pixels."""
        scale = np.float32(cells) / np.float32(pixels)
        half = np.float32(0.5)
        position = (np.arange(pixels, dtype=np.float32) + half) * scale - half
        position = np.maximum(position, np.float32(0))
        lower = np.minimum(position.astype(np.int32), cells - 1)
        upper_weight = np.minimum(position - lower.astype(np.float32), np.float32(1))
        cell = ((2 * np.arange(pixels, dtype=np.int64) + 1) * cells // (2 * pixels))
        edges = np.arange(cells + 1)
        arrays = (lower, np.minimum(lower + 1, cells - 1),
                  np.stack([np.float32(1) - upper_weight, upper_weight]),
                  np.searchsorted(lower, edges).astype(np.int32), cell.astype(np.int32),
                  np.searchsorted(cell, edges).astype(np.int32))
        for array in arrays:
            array.setflags(write=False)
        return cls(*arrays)
