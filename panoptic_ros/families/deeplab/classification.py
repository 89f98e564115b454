"""
The class of the pixels between cells that disagree.

No pixel's logit is interpolated but those of the few classes that can win there.  The bound is
the mean of the logits of the likeliest classes of the four cells: interpolation keeps order, and
in each pixel one of them is at least their mean.  So a class that is under the mean in each of
the four cells, by more than is rounded, is the likeliest nowhere between them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.patches import CodeImage
from ...segments.workers import compiled
from .codes import UNASSIGNED

_SIDE = 4
"""Open patches are cut into blocks of at most _SIDE x _SIDE pixels ..."""
_LANES = 128
"""... and those of so many patches are worked on at a time: vectors run over the patches."""
_WORD = 32
_ROUNDED = np.float32(1e-5)     # more than what an interpolation rounds, in parts of the logits
_TINY = np.float32(1e-30)
_LARGEST = np.float32(3.4028235e38)


class Window(NamedTuple):
    """Two rows of cells, with the pixels of a row of patches between them."""

    upper: npt.NDArray[np.float32]
    """(C, at least w) finite logits."""
    lower: npt.NDArray[np.float32]
    """Those of the row below."""
    upper_class: npt.NDArray[np.uint8]
    """(w,) the class of each cell."""
    lower_class: npt.NDArray[np.uint8]
    """That of the cell below."""


class Contest(NamedTuple):
    """Memory of ``settle_row``; the last axis of most is that of the patches."""

    bounds: npt.NDArray[np.float32]
    """(4, w) of each column of patches: what a class must reach in one of its cells."""
    contends: npt.NDArray[np.uint32]
    """(words, w) a bit for each class that does."""
    counts: npt.NDArray[np.int32]
    """(_LANES,) contenders of each patch ..."""
    contenders: npt.NDArray[np.int32]
    """... (C, _LANES) and which."""
    shares: npt.NDArray[np.float32]
    """(2, _SIDE, _LANES) weights of the pixels along x."""
    logits: npt.NDArray[np.float32]
    """(6, _LANES) one contender's in four cells; on the upper and on the lower edge."""
    best: npt.NDArray[np.float32]
    """(_SIDE, _SIDE, _LANES) the largest logit of each pixel of a block ..."""
    winner: npt.NDArray[np.int32]
    """... and its class."""


@compiled
def new_contest(classes: int, columns: int) -> Contest:
    """Return memory for ``settle_row``."""
    return Contest(np.empty((4, columns), np.float32),
                   np.empty(((classes + _WORD - 1) // _WORD, columns), np.uint32),
                   np.empty(_LANES, np.int32), np.empty((classes, _LANES), np.int32),
                   np.empty((2, _SIDE, _LANES), np.float32), np.empty((6, _LANES), np.float32),
                   np.empty((_SIDE, _SIDE, _LANES), np.float32),
                   np.empty((_SIDE, _SIDE, _LANES), np.int32))


@compiled
def settle_row(window: Window, image: CodeImage, row: int, mixed: npt.NDArray[np.int32],
               code_of: npt.NDArray[np.uint16], contest: Contest,
               has_things: npt.NDArray[np.bool_]) -> None:
    """
    Write the class of each pixel of some open patches.

    Parameters
    ----------
    window
        The cells around them.
    image
        Written: the code of the pixels' class.
    row, mixed
        The patches: their row, (N,) their columns in ascending order.
    code_of
        (C,) code of each class.
    contest
        Scratch.
    has_things
        (w,), written: whether a pixel of the patch belongs to a thing.

    """
    y, x = image.axes
    top, bottom = y.starts[row], y.starts[row + 1]
    _find_contenders(window, mixed, contest)
    for first in range(0, len(mixed), _LANES):
        columns = mixed[first:first + _LANES]
        rounds = _list_contenders(columns, contest)
        width = 0
        for column in columns:
            has_things[column] = False
            width = max(width, x.starts[column + 1] - x.starts[column])
        for left in range(0, width, _SIDE):
            _share(x.weights, x.starts, columns, left, contest)
            for upper in range(top, bottom, _SIDE):
                weights = y.weights[:, upper:min(upper + _SIDE, bottom)]
                contest.best[:] = -_LARGEST
                for turn in range(rounds):
                    _look_up(window, columns, turn, contest)
                    _contend(weights, min(_SIDE, width - left), len(columns), turn, contest)
                for lane in range(len(columns)):
                    column = columns[lane]
                    start, end = x.starts[column] + left, x.starts[column + 1]
                    for pixel in range(start, min(start + _SIDE, end)):
                        for line in range(weights.shape[1]):
                            turn = contest.winner[line, pixel - start, lane]
                            code = code_of[contest.contenders[turn, lane]]
                            image.pixels[upper + line, pixel] = code
                            has_things[column] |= code >= UNASSIGNED


@compiled
def _find_contenders(window: Window, mixed: npt.NDArray[np.int32], contest: Contest) -> None:
    """Find the classes that can win in each patch of a row."""
    columns = len(window.upper_class)
    bounds, contends = contest.bounds, contest.contends
    bounds[:] = _LARGEST        # none can where the cells agree
    for column in mixed:
        _bound(window, column, bounds)
    contends[:] = 0
    for class_id in range(len(window.upper)):
        upper, lower = window.upper[class_id], window.lower[class_id]
        bit = np.uint32(1) << np.uint32(class_id % _WORD)
        word = contends[class_id // _WORD]
        for column in range(columns - 1):
            reaches = ((_raised(upper[column]) >= bounds[0, column])
                       | (_raised(upper[column + 1]) >= bounds[1, column])
                       | (_raised(lower[column]) >= bounds[2, column])
                       | (_raised(lower[column + 1]) >= bounds[3, column]))
            word[column] |= bit if reaches else np.uint32(0)
        last = columns - 1
        if (_raised(upper[last]) >= bounds[0, last]) | (_raised(lower[last]) >= bounds[2, last]):
            word[last] |= bit


@compiled
def _raised(logit: np.float32) -> np.float32:
    return logit + abs(logit) * _ROUNDED


@compiled
def _bound(window: Window, column: int, bounds: npt.NDArray[np.float32]) -> None:
    """Write the mean of the logits of the four cells' classes, in each of the cells."""
    after = min(column + 1, len(window.upper_class) - 1)
    winners = (window.upper_class[column], window.upper_class[after],
               window.lower_class[column], window.lower_class[after])
    several = 0
    bounds[:, column] = 0
    for index in range(4):
        class_id = winners[index]
        is_new = True
        for earlier in range(index):
            is_new &= winners[earlier] != class_id
        if is_new:
            several += 1
            upper, lower = window.upper[class_id], window.lower[class_id]
            bounds[0, column] += _lowered(upper[column])
            bounds[1, column] += _lowered(upper[after])
            bounds[2, column] += _lowered(lower[column])
            bounds[3, column] += _lowered(lower[after])
    for corner in range(4):
        bounds[corner, column] = bounds[corner, column] / np.float32(several) - _TINY


@compiled
def _lowered(logit: np.float32) -> np.float32:
    return logit - abs(logit) * _ROUNDED


@compiled
def _list_contenders(columns: npt.NDArray[np.int32], contest: Contest) -> int:
    """List the contenders of some patches; return how many there are at most."""
    most = 0
    for lane in range(len(columns)):
        count = 0
        for class_id in range(len(contest.contenders)):
            word = contest.contends[class_id // _WORD, columns[lane]]
            contest.contenders[count, lane] = class_id
            count += (word >> np.uint32(class_id % _WORD)) & np.uint32(1)
        contest.counts[lane] = count
        most = max(most, count)
    return most


@compiled
def _share(weights: npt.NDArray[np.float32], starts: npt.NDArray[np.int32],
           columns: npt.NDArray[np.int32], left: int, contest: Contest) -> None:
    """Note the weights along x of a block of each patch; a narrow one repeats its last."""
    for lane in range(len(columns)):
        start, end = starts[columns[lane]], starts[columns[lane] + 1]
        for step in range(_SIDE):
            pixel = max(min(start + left + step, end - 1), 0)   # of a patch without pixels: any
            contest.shares[0, step, lane] = weights[0, pixel]
            contest.shares[1, step, lane] = weights[1, pixel]


@compiled
def _look_up(window: Window, columns: npt.NDArray[np.int32], turn: int, contest: Contest
             ) -> None:
    """Look up the logits of the contender of each patch whose turn it is; the last comes again."""
    last = len(window.upper_class) - 1
    logits = contest.logits
    for lane in range(len(columns)):
        class_id = contest.contenders[min(turn, contest.counts[lane] - 1), lane]
        column, after = columns[lane], min(columns[lane] + 1, last)
        logits[0, lane], logits[1, lane] = (window.upper[class_id, column],
                                            window.upper[class_id, after])
        logits[2, lane], logits[3, lane] = (window.lower[class_id, column],
                                            window.lower[class_id, after])


@compiled
def _contend(weights: npt.NDArray[np.float32], width: int, lanes: int, turn: int,
             contest: Contest) -> None:
    """Let the contenders whose turn it is win the pixels where they are the largest yet."""
    logits = contest.logits
    for x in range(width):
        before, after = contest.shares[0, x], contest.shares[1, x]
        for lane in range(lanes):
            logits[4, lane] = before[lane] * logits[0, lane] + after[lane] * logits[1, lane]
            logits[5, lane] = before[lane] * logits[2, lane] + after[lane] * logits[3, lane]
        for y in range(weights.shape[1]):
            upper, lower = weights[0, y], weights[1, y]
            best, winner = contest.best[y, x], contest.winner[y, x]
            for lane in range(lanes):
                logit = upper * logits[4, lane] + lower * logits[5, lane]
                better = logit > best[lane]
                best[lane] = logit if better else best[lane]
                winner[lane] = np.int32(turn) if better else winner[lane]
