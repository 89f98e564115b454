"""Where the heatmap rises: patches without a peak, known from their cells."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...segments.extremes import larger
from ...segments.upsampling import Axes
from ...segments.workers import inner
from .cells import finite_heat

_ROUNDED = np.float32(2e-6)     # more than what an interpolation rounds, in parts of the heat


@inner
def leave_slopes(center: npt.NDArray[np.float32], axes: Axes, row: int,
                 warm: npt.NDArray[np.bool_], heats: npt.NDArray[np.float32]) -> None:
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
    heats
        (5, w + 1) scratch.

    """
    y_starts, x_starts = axes.y.starts, axes.x.starts
    rows, columns = center.shape
    if len(axes.y.lower) <= rows or len(axes.x.lower) <= columns:
        return      # the next pixel may lie past the next patch
    rows, columns = axes.y.upper[-1] + 1, axes.x.upper[-1] + 1      # those that pixels depend on
    start, end = _span(warm, 1, columns - 1)    # the outermost pixels are all as hot as their cell
    if start >= end:
        return
    _read(center, (max(row - 1, 0), row, min(row + 1, rows - 1), min(row + 2, rows - 1)),
          (start - 1, min(end + 2, columns)), heats)
    is_up, is_down = 0 < row < rows - 1, 0 < row < rows - 2
    height = y_starts[row + 1] - y_starts[row]
    one, two, three, four, least = heats[0], heats[1], heats[2], heats[3], heats[4]
    x_starts, warm = x_starts[start:end + 1], warm[start:end]
    for place in range(len(warm)):      # that column is the one at place + 1 of what was read
        here, after = place + 1, place + 2
        hottest = larger(larger(abs(two[here]), abs(two[after])),
                            larger(abs(three[here]), abs(three[after])))
        width = x_starts[place + 1] - x_starts[place]
        pixels = np.int32(width if width > height else height)
        least[place] = hottest * np.float32(pixels + np.int32(1)) * _ROUNDED
    for place in range(len(warm)):
        before, here, after, later = place, place + 1, place + 2, place + 3
        enough = least[place]
        right = (_rises(two[here], two[after], two[later], enough)
                 & _rises(three[here], three[after], three[later], enough))
        left = (_rises(two[after], two[here], two[before], enough)
                & _rises(three[after], three[here], three[before], enough))
        down = is_down & (_rises(two[here], three[here], four[here], enough)
                          & _rises(two[after], three[after], four[after], enough))
        up = is_up & (_rises(three[here], two[here], one[here], enough)
                      & _rises(three[after], two[after], one[after], enough))
        warm[place] &= not (right | left | down | up)


@inner
def _span(warm: npt.NDArray[np.bool_], start: int, end: int) -> tuple[int, int]:
    """Return the range, half-open, from the first to the last mark in a range."""
    while start < end and not warm[start]:
        start += 1
    while start < end and not warm[end - 1]:
        end -= 1
    return start, end


@inner
def _read(center: npt.NDArray[np.float32], rows: tuple[int, int, int, int],
          columns: tuple[int, int], heats: npt.NDArray[np.float32]) -> None:
    """Read some rows of the heatmap from one column to another, half-open."""
    start, end = columns
    for line in range(4):
        values, read = center[rows[line], start:end], heats[line]
        for column in range(len(values)):
            read[column] = finite_heat(values[column])
        read[end - start] = -np.inf     # no patch rises to where there is no cell


@inner
def _rises(first: np.float32, second: np.float32, third: np.float32, least: np.float32) -> bool:
    """Tell whether the heat rises over three cells."""
    return bool((second - first > least) & (third - second > least))
