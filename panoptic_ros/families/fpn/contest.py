"""
The channel of the pixels between cells that disagree.

What a channel has in these cells bounds what it has between them.  So only few channels can be the
likeliest there, and only those are interpolated.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.upsampling import Axes
from ...segments.workers import inlined, inner, int64
from .cells import ROWS, Rows

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int32]

_ROUNDED = np.float32(4e-6)     # more than what an interpolation rounds, in parts of the logit
_TINY = np.float32(1e-30)


class Contest(NamedTuple):
    """Memory of a thread for the open patches of a row."""

    columns: Numbers
    """(w,) which they are."""
    most: Floats
    """(S, w) the largest logit of each channel in the cells of each of them ..."""
    bound: Floats
    """... and (w,) what the likeliest channel has at least."""
    rivals: Numbers
    """(S,) the channels that may be the likeliest in a patch."""

    @classmethod
    def new(cls, channels: int, columns: int) -> Contest:
        """Return memory for rows of so many cells."""
        return cls(np.zeros(columns, np.int32), np.zeros((channels, columns), np.float32),
                   np.zeros(columns, np.float32), np.zeros(channels, np.int32))


@inner
def find_bounds(rows: Rows, place: tuple[int, int, int, int], count: int, contest: Contest
                ) -> None:
    """
    Find what each channel has at most in some patches, and what the likeliest has at least.

    Parameters
    ----------
    rows
        The cells.
    place
        The row of patches, the last row of cells, and how many cells a pixel reaches along y and
        x after its first.
    count
        How many of ``contest.columns`` are looked at.
    contest
        ``most`` and ``bound`` are written.

    """
    row, last_row, reach_y, reach_x = place
    bound, columns = contest.bound[:count], contest.columns[:count]
    last = rows.channel.shape[1] - 1
    bound[:] = np.float32(-np.inf)
    for channel in range(rows.logits.shape[1]):
        upper = rows.logits[row % ROWS, channel]
        middle = rows.logits[min(row + 1, last_row) % ROWS, channel]
        lower = rows.logits[min(row + reach_y, last_row) % ROWS, channel]
        most = contest.most[channel]
        for place_in_row in range(count):
            column = columns[place_in_row]
            after = min(column + 1, last)
            high = max(max(upper[column], upper[after]), max(middle[column], middle[after]))
            low = min(min(upper[column], upper[after]), min(middle[column], middle[after]))
            if (reach_y == 2) | (reach_x == 2):
                far = min(column + reach_x, last)
                high = max(max(max(high, upper[far]), max(middle[far], lower[far])),
                           max(lower[column], lower[after]))
                low = min(min(min(low, upper[far]), min(middle[far], lower[far])),
                          min(lower[column], lower[after]))
            most[place_in_row] = _raised(high)
            low = -_raised(-low)
            bound[place_in_row] = low if low > bound[place_in_row] else bound[place_in_row]


@inner
def list_rivals(contest: Contest, place: int) -> int:
    """List the channels that may be the likeliest in a patch; return how many they are."""
    count = 0
    bound = contest.bound[place]
    for channel in range(len(contest.most)):
        contest.rivals[count] = channel
        count += contest.most[channel, place] >= bound
    return count


@inlined
def find_channel(rows: Rows, axes: Axes, place: tuple[int, int, int], contest: Contest,
                 rivals: int) -> int:
    """
    Return the likeliest channel of a pixel.

    Parameters
    ----------
    rows
        The cells.
    axes
        Where the pixels lie between them.
    place
        y, x, and the last row of cells.
    contest
        ``rivals`` are the channels that are compared.
    rivals
        How many they are.

    """
    y, x, last_row = place
    row, column = int64(axes.y.lower[y]), int64(axes.x.lower[x])
    last = rows.channel.shape[1] - 1
    after, far = min(column + 1, last), min(column + 2, last)
    above = row % ROWS
    below, low = min(row + 1, last_row) % ROWS, min(row + 2, last_row) % ROWS
    x_first, x_second, x_third = (axes.x.weights[0, x], axes.x.weights[1, x],
                                  axes.x.weights[2, x])
    y_first, y_second, y_third = (axes.y.weights[0, y], axes.y.weights[1, y],
                                  axes.y.weights[2, y])
    winner, best = int64(0), np.float32(-np.inf)
    for index in range(rivals):
        channel = contest.rivals[index]
        upper, lower = rows.logits[above, channel], rows.logits[below, channel]
        one = x_first * upper[column] + x_second * upper[after]
        two = x_first * lower[column] + x_second * lower[after]
        if x_third != 0:
            one = one + x_third * upper[far]
            two = two + x_third * lower[far]
        logit = y_first * one + y_second * two
        if y_third != 0:
            values = rows.logits[low, channel]
            three = x_first * values[column] + x_second * values[after]
            if x_third != 0:
                three = three + x_third * values[far]
            logit = logit + y_third * three
        if logit > best:
            winner, best = int64(channel), logit
    return winner


@inner
def _raised(logit: np.float32) -> np.float32:
    """Return a bound that holds for interpolated logits, too."""
    return logit + abs(logit) * _ROUNDED + _TINY
