"""Between which logits the pixels of a tile lie, for each mask."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.extremes import larger, smaller
from ...segments.workers import inner, int64
from .cells import Cells, find_extremes
from .tiling import Tiling

_ROUNDED = np.float32(4e-6)     # more than what an interpolation rounds, in parts of the logit
_TINY = np.float32(1e-30)

Floats = npt.NDArray[np.float32]


class Bounds(NamedTuple):
    """The bounds of a row of tiles, and memory to find them."""

    highest: Floats
    """(tile columns, K) no logit of a pixel in the tile is above this ..."""
    lowest: Floats
    """... and none below this."""
    high: Floats
    """(levels, w) scratch: the largest logit in 1, 2, 4 ... columns from each one on ..."""
    low: Floats
    """... and the smallest."""

    @classmethod
    def new(cls, tiling: Tiling, queries: int) -> Bounds:
        """Return memory for the bounds of a row of tiles."""
        tiles, cells = len(tiling.level), len(tiling.axes.x.starts) - 1
        levels = int(tiling.level.max()) + 1
        return cls(*(np.empty((tiles, queries), np.float32) for _ in range(2)),
                   *(np.empty((levels, cells), np.float32) for _ in range(2)))


@inner
def find_bounds(cells: Cells, tiling: Tiling, row: int, bounds: Bounds) -> None:
    """
    Find the bounds of the tiles of a row.

    Parameters
    ----------
    cells
        The masks.
    tiling
        The tiles.
    row
        The row of tiles.
    bounds
        Written: ``highest`` and ``lowest``.

    """
    columns, reach_y, reach_x = tiling.columns, int64(tiling.reach[0]), int64(tiling.reach[1])
    height, width = cells.single.shape[1], bounds.high.shape[1]
    first = int64(tiling.rows[row])
    end = min(int64(tiling.rows[row + 1]) + reach_y, height)
    levels = len(bounds.high)
    for index in range(len(cells.query)):
        find_extremes(cells, index, (first, end), bounds.high[0], bounds.low[0])
        for level in range(levels - 1):
            _double(bounds.high[level], bounds.low[level], 1 << level, bounds.high[level + 1],
                    bounds.low[level + 1])
        for column in range(len(columns) - 1):
            left = int64(columns[column])
            right = min(int64(columns[column + 1]) + reach_x, width)
            level = int64(tiling.level[column])
            last = right - (1 << level)
            largest = larger(bounds.high[level, left], bounds.high[level, last])
            smallest = smaller(bounds.low[level, left], bounds.low[level, last])
            bounds.highest[column, index] = raised(largest)
            bounds.lowest[column, index] = -raised(-smallest)


@inner
def _double(high: Floats, low: Floats, span: int, higher: Floats, lower: Floats) -> None:
    """Write the extremes of twice as many columns from each on."""
    high_there, low_there = high[span:], low[span:]     # views, as their loops become vectors
    for x in range(len(high_there)):
        higher[x] = larger(high[x], high_there[x])
    for x in range(len(low_there)):
        lower[x] = smaller(low[x], low_there[x])


@inner
def raised(logit: np.float32) -> np.float32:
    """Return a bound that holds for interpolated logits, too."""
    return logit + abs(logit) * _ROUNDED + _TINY
