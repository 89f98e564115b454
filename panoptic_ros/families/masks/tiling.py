"""The tiles of an image: neighbouring patches whose pixels are worked on together."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.resampling import Frame, resample
from ...segments.upsampling import Axes, Axis

LANES = 64
"""Pixels of a row that are worked on at a time: a multiple of what vectors hold."""

ROWS = 8
"""The most rows of patches of a tile; it has at most LANES columns of them."""

Indices = npt.NDArray[np.int32]


class Tiling(NamedTuple):
    """
    The patches and tiles of an image.

    A patch is the pixels whose first cell is the same in both axes.  A tile has at most LANES
    columns of pixels, or it is one patch wide.
    """

    axes: Axes
    """Where the pixels lie between the cells."""
    rows: Indices
    """(tile rows + 1,) the first row of patches of each row of tiles."""
    columns: Indices
    """(tile columns + 1,) the first column of patches of each column of tiles."""
    reach: Indices
    """(2,) how many cells after its first, along y and x, a pixel may have a part of: 1 or 2."""

    level: Indices
    """(tile columns,) the binary logarithm of how many columns of cells each has, rounded down."""

    @classmethod
    @lru_cache(maxsize=32)
    def of(cls, frame: Frame) -> Tiling:
        """Return the tiles for the sizes of masks and label image."""
        axes = resample(frame)
        rows, columns = frame.cells
        reach = np.array([_reach(axis) for axis in axes], np.int32)
        edges = _edges(axes.x.starts, LANES, LANES)
        cells = np.minimum(edges[1:] + reach[1], columns) - edges[:-1]
        return cls(axes, _edges(np.arange(rows + 1), ROWS, rows), edges, reach,
                   np.array([int(count).bit_length() - 1 for count in cells], np.int32))


def _reach(axis: Axis) -> int:
    return 2 if axis.weights[2].any() else 1


def _edges(starts: npt.NDArray[np.integer], pixels: int, patches: int) -> Indices:
    """Pack patches, each of which begins where ``starts`` says, into tiles of at most so many."""
    edges, last = [0], len(starts) - 1
    while edges[-1] < last:
        first = edges[-1]
        end = int(np.searchsorted(starts, starts[first] + pixels, 'right')) - 1
        edges.append(min(max(end, first + 1), first + patches, last))
    return np.array(edges, np.int32)
