"""
The classes that can win in a patch between cells that disagree: mostly two.

What a class must reach is the mean of the logits of the four cells' classes: interpolation keeps
order, and in each pixel one of them is at least their mean.  So a class that is under the mean in
each of the four cells, by more than is rounded, is the likeliest nowhere between them.

Cells that disagree mostly have two classes.  The largest logit of all others is then known from
the second and the third largest of each cell.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.workers import inner, int64

_ROUNDED = np.float32(2e-5)     # more than what an interpolation rounds, in parts of the logits
_TINY = np.float32(1e-30)


class Row(NamedTuple):
    """A row of cells."""

    logits: npt.NDArray[np.float32]
    """(C, at least w) finite logits."""
    class_id: npt.NDArray[np.uint8]
    """(w,) the class of the largest of each cell ..."""
    second: npt.NDArray[np.float32]
    """... (w,) the second largest logit ..."""
    third: npt.NDArray[np.float32]
    """... and the third."""


class Window(NamedTuple):
    """Two rows of cells, with the pixels of a row of patches between them."""

    upper: Row
    lower: Row


class Contenders(NamedTuple):
    """The classes that can win in some patches; the last axis is that of the patches."""

    counts: npt.NDArray[np.int32]
    """(N,) how many they are ..."""
    class_id: npt.NDArray[np.int32]
    """... and (C, N) which, in ascending order."""


@inner
def list_contenders(window: Window, columns: npt.NDArray[np.uint32], contenders: Contenders
                    ) -> int:
    """
    List the classes that can win in each of some patches; return how many there are at most.

    Parameters
    ----------
    window
        The cells around them.
    columns
        (N,) their columns.
    contenders
        Written.

    """
    counts, class_ids = contenders
    upper, lower = window.upper.class_id, window.lower.class_id
    most = 0
    for lane in range(len(columns)):
        column = columns[lane]
        after = _next(window.upper, column)
        winners = upper[column], upper[after], lower[column], lower[after]
        low, high = min(winners), max(winners)
        are_two = True
        for winner in winners:
            are_two &= (winner == low) | (winner == high)
        if are_two and _beat_others(window, column, (low, high)):
            class_ids[0, lane], class_ids[1, lane] = low, high
            counts[lane] = 2
        else:
            counts[lane] = _list_all(window, column, winners, class_ids[:, lane])
        most = max(most, counts[lane])
    return most


@inner
def _next(row: Row, column: np.uint32) -> np.uint32:
    """Return the column of the next cell, or of the last one."""
    return np.uint32(min(int64(column) + 1, len(row.class_id) - 1))


@inner
def _beat_others(window: Window, column: np.uint32, winners: tuple[np.uint8, np.uint8]) -> bool:
    """Tell whether no class but the winners of a patch's cells, which are two, can win there."""
    after = _next(window.upper, column)
    return (_beat_in(window.upper, column, winners) and _beat_in(window.upper, after, winners)
            and _beat_in(window.lower, column, winners) and _beat_in(window.lower, after, winners))


@inner
def _beat_in(row: Row, column: np.uint32, winners: tuple[np.uint8, np.uint8]) -> bool:
    """Tell whether the other classes are under the mean of the winners in a cell."""
    one, other = row.logits[winners[0], column], row.logits[winners[1], column]
    second = row.second[column]
    # one of the two is the largest in the cell; where the other is the second, the rest follows
    rest = row.third[column] if min(one, other) >= second else second
    return rest < _mean(_lowered(one) + _lowered(other), np.float32(2))


@inner
def _list_all(window: Window, column: np.uint32,
              winners: tuple[np.uint8, np.uint8, np.uint8, np.uint8],
              contenders: npt.NDArray[np.int32]) -> int:
    """List the classes that can win in a patch; return how many."""
    upper, lower = window.upper.logits, window.lower.logits
    after = _next(window.upper, column)
    several = np.float32(0)      # classes; the first is new, so there is no division by 0
    above_0 = above_1 = below_0 = below_1 = np.float32(0)
    for index in range(4):
        class_id = winners[index]
        is_new = True
        for earlier in range(index):
            is_new &= winners[earlier] != class_id
        if is_new:
            several += np.float32(1)
            above_0 += _lowered(upper[class_id, column])
            above_1 += _lowered(upper[class_id, after])
            below_0 += _lowered(lower[class_id, column])
            below_1 += _lowered(lower[class_id, after])
    above_0, above_1 = _mean(above_0, several), _mean(above_1, several)
    below_0, below_1 = _mean(below_0, several), _mean(below_1, several)
    count = 0
    for index in range(len(upper)):
        contenders[count] = index
        count += ((upper[index, column] >= above_0) | (upper[index, after] >= above_1)
                  | (lower[index, column] >= below_0) | (lower[index, after] >= below_1))
    return count


@inner
def _mean(total: np.float32, several: np.float32) -> np.float32:
    """Return the mean of some lowered logits, lowered."""
    return _lowered(total / several)


@inner
def _lowered(logit: np.float32) -> np.float32:
    return logit - abs(logit) * _ROUNDED - _TINY
