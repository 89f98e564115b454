"""Where the heatmap rises: patches without a peak, known from their cells."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...segments.upsampling import Axes
from ...segments.workers import inner, int64
from .cells import finite_heat

_ROUNDED = np.float32(2e-6)     # more than what an interpolation rounds, in parts of the heat


@inner
def leave_slopes(center: npt.NDArray[np.float32], axes: Axes, row: int,
                 warm: npt.NDArray[np.bool_]) -> None:
    """
    Leave out patches that rise to one side, as their neighbours on that side do.

    They rise from each pixel to the next by more than is rounded, so none is a peak.

    Parameters
    ----------
    center
        (h, w) heat.
    axes
        The axes of the image.
    row
        The row of patches.
    warm
        (w,) the patches that can have a peak; those that rise lose the mark.

    """
    y_starts, x_starts = axes.y.starts, axes.x.starts
    rows, columns = center.shape
    if len(axes.y.lower) <= rows or len(axes.x.lower) <= columns:
        return      # the next pixel may lie past the next patch
    rows, columns = axes.y.lower[-1] + 1, axes.x.lower[-1] + 1      # those that have pixels
    below = min(row + 1, rows - 1)
    none, one = int64(0), int64(1)    # of one type, or _rises is compiled for several
    height = y_starts[row + 1] - y_starts[row]
    for column in range(1, columns - 1):    # the outermost pixels are all as hot as their cell
        if not warm[column]:
            continue
        hottest = np.float32(0)
        for y in (row, below):
            for x in (column, column + 1):
                hottest = max(hottest, abs(finite_heat(center[y, x])))
        pixels = max(height, x_starts[column + 1] - x_starts[column]) + 1
        least = hottest * np.float32(pixels) * _ROUNDED
        here, down, right, up, left = (
            (row, column), (one, none), (none, one), (-one, none), (none, -one))
        aside = (below - row, none)
        warm[column] = not (
            (column + 2 < columns and _rises(center, here, right, aside, least))
            or _rises(center, (row, column + 1), left, aside, least)
            or (0 < row < rows - 2 and _rises(center, here, down, right, least))
            or (0 < row < rows - 1 and _rises(center, (row + 1, column), up, right, least)))


@inner
def _rises(center: npt.NDArray[np.float32], start: tuple[int, int], step: tuple[int, int],
           aside: tuple[int, int], least: np.float32) -> bool:
    """Tell whether the heat rises over three cells, and over those beside them."""
    for line in range(2):
        y, x = start[0] + line * aside[0], start[1] + line * aside[1]
        first = finite_heat(center[y, x])
        second = finite_heat(center[y + step[0], x + step[1]])
        third = finite_heat(center[y + 2 * step[0], x + 2 * step[1]])
        if not (second - first > least and third - second > least):
            return False
    return True
