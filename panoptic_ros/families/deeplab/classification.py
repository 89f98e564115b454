"""
The class of the pixels between cells that disagree.

No logit is interpolated but those of the few classes that can win there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.codes import UNASSIGNED
from ...segments.marks import whole
from ...segments.patches import CodeImage
from ...segments.workers import inner, int64
from .contenders import Contenders, Window, list_contenders

_SIDE = 4
"""Open patches are cut into blocks of at most _SIDE x _SIDE pixels ..."""
_LANES = 128
"""... and those of so many patches are worked on at a time: vectors run over the patches."""
_TURNS = 2
"""Most patches have no more contenders."""


class Contest(NamedTuple):
    """Memory of ``settle_row``; the last axis is that of the patches."""

    contenders: Contenders
    """The classes that can win in _LANES patches."""
    shares: npt.NDArray[np.float32]
    """(2, _SIDE, _LANES) weights of the pixels along x."""
    logits: npt.NDArray[np.float32]
    """(4, _LANES) logits of the contender whose turn it is in the four cells ..."""
    edges: npt.NDArray[np.float32]
    """... (2, _SIDE * _LANES) and along the upper and the lower edge of a block ..."""
    code: npt.NDArray[np.int32]
    """... (_SIDE * _LANES,) and its code, once for each column of the block."""
    best: npt.NDArray[np.float32]
    """(_SIDE, _SIDE * _LANES) the largest logit of each pixel of a block ..."""
    winner: npt.NDArray[np.int32]
    """... and the code of its class."""

    @classmethod
    def new(cls, classes: int) -> Contest:
        """Return memory for ``settle_row``."""
        return cls(Contenders(np.empty(_LANES, np.int32), np.empty((classes, _LANES), np.int32)),
                   np.zeros((2, _SIDE, _LANES), np.float32), np.zeros((4, _LANES), np.float32),
                   np.empty((2, _SIDE * _LANES), np.float32), np.zeros(_SIDE * _LANES, np.int32),
                   np.empty((_SIDE, _SIDE * _LANES), np.float32),
                   np.zeros((_SIDE, _SIDE * _LANES), np.int32))


@inner
def settle_row(window: Window, image: CodeImage, row: int, mixed: npt.NDArray[np.uint32],
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
        The patches: their row, (N,) their columns.
    code_of
        (C,) code of each class.
    contest
        Scratch.
    has_things
        (w,), written: whether a pixel of the patch belongs to a thing.

    """
    y, x = image.axes
    starts = x.starts
    top, bottom = y.starts[row], y.starts[row + 1]
    for first in range(0, len(mixed), _LANES):
        columns = mixed[first:first + _LANES]
        rounds = list_contenders(window, columns, contest.contenders)
        lanes = whole(len(columns))
        width = 0
        for column in columns:
            width = max(width, starts[column + 1] - starts[column])
        for left in range(0, width, _SIDE):
            _share(x.weights, starts, columns, left, contest.shares)
            for upper in range(top, bottom, _SIDE):
                weights = y.weights[:, upper:min(upper + _SIDE, bottom)]
                block = min(_SIDE, width - left), lanes
                for turn in range(min(rounds, _TURNS)):
                    _look_up(window, columns, turn, code_of, contest)
                    _contend(weights, block, turn == 0, contest)
                if rounds > _TURNS:
                    _contend_late(window, columns, code_of, weights, block, contest)
                pixels = image.pixels[upper:upper + weights.shape[1]]
                _write(contest.winner, columns, starts, (left, lanes), pixels, has_things)


@inner
def _share(weights: npt.NDArray[np.float32], starts: npt.NDArray[np.int32],
           columns: npt.NDArray[np.uint32], left: int, shares: npt.NDArray[np.float32]
           ) -> None:
    """Note the weights along x of a block of each patch; a narrow one repeats its last."""
    for lane in range(len(columns)):
        start, end = starts[columns[lane]], starts[columns[lane] + 1]
        for step in range(_SIDE):
            pixel = max(min(start + left + step, end - 1), 0)   # of a patch without pixels: any
            shares[0, step, lane] = weights[0, pixel]
            shares[1, step, lane] = weights[1, pixel]


@inner
def _look_up(window: Window, columns: npt.NDArray[np.uint32], turn: int,
             code_of: npt.NDArray[np.uint16], contest: Contest) -> None:
    """Look up the logits of the contender of each patch whose turn it is; the last comes again."""
    upper, lower = window.upper.logits, window.lower.logits
    counts, class_ids = contest.contenders
    logits = contest.logits
    code = contest.code
    last = len(window.upper.class_id) - 1
    for lane in range(len(columns)):
        class_id = class_ids[min(turn, counts[lane] - 1), lane]
        column = columns[lane]
        after = min(column + 1, last)
        code[lane] = code_of[class_id]
        logits[0, lane], logits[1, lane] = upper[class_id, column], upper[class_id, after]
        logits[2, lane], logits[3, lane] = lower[class_id, column], lower[class_id, after]


@inner
def _contend(weights: npt.NDArray[np.float32], block: tuple[int, int], is_first: bool,
             contest: Contest) -> None:
    """Let the contenders whose turn it is win the pixels where they are the largest yet."""
    _, shares, logits, edges, code, best, winner = contest
    width, lanes = block
    for x in range(width):
        left, right = shares[0, x], shares[1, x]
        # views, as loops from 0 on become vectors
        above, below = edges[0, x * lanes:(x + 1) * lanes], edges[1, x * lanes:(x + 1) * lanes]
        codes = code[x * lanes:(x + 1) * lanes]
        for lane in range(len(above)):
            above[lane] = left[lane] * logits[0, lane] + right[lane] * logits[1, lane]
        for lane in range(len(below)):
            below[lane] = left[lane] * logits[2, lane] + right[lane] * logits[3, lane]
        for lane in range(len(codes)):
            codes[lane] = code[lane]
    for y in range(weights.shape[1]):
        upper, lower = weights[0, y], weights[1, y]
        if is_first:
            for place in range(width * lanes):
                best[y, place] = upper * edges[0, place] + lower * edges[1, place]
                winner[y, place] = code[place]
            continue
        for place in range(width * lanes):
            logit = upper * edges[0, place] + lower * edges[1, place]
            better = logit > best[y, place]
            best[y, place] = logit if better else best[y, place]
            winner[y, place] = code[place] if better else winner[y, place]


@inner
def _contend_late(window: Window, columns: npt.NDArray[np.uint32],
                  code_of: npt.NDArray[np.uint16], weights: npt.NDArray[np.float32],
                  block: tuple[int, int], contest: Contest) -> None:
    """Let the contenders of few patches, those after _TURNS, win pixels in the same way."""
    upper_row, lower_row = window.upper.logits, window.lower.logits
    (counts, class_ids), shares, _, _, _, best, winner = contest
    width, lanes = block
    last = len(window.upper.class_id) - 1
    for lane in range(len(columns)):
        column = columns[lane]
        after = min(column + 1, last)
        for turn in range(_TURNS, counts[lane]):
            class_id = class_ids[turn, lane]
            code, upper, lower = code_of[class_id], upper_row[class_id], lower_row[class_id]
            for x in range(width):
                left, right, place = shares[0, x, lane], shares[1, x, lane], x * lanes + lane
                above = left * upper[column] + right * upper[after]
                below = left * lower[column] + right * lower[after]
                for y in range(weights.shape[1]):
                    logit = weights[0, y] * above + weights[1, y] * below
                    if logit > best[y, place]:
                        best[y, place], winner[y, place] = logit, code


@inner
def _write(winner: npt.NDArray[np.int32], columns: npt.NDArray[np.uint32],
           starts: npt.NDArray[np.int32], place: tuple[int, int], pixels: npt.NDArray[np.uint16],
           has_things: npt.NDArray[np.bool_]) -> None:
    """Write the codes of a block of each patch; ``place``: its first column, the lanes."""
    left, lanes = place
    for lane in range(len(columns)):
        column = columns[lane]
        start = int64(starts[column]) + left
        largest = np.int32(0)
        block = pixels[:, start:min(start + _SIDE, int64(starts[column + 1]))]
        for y in range(block.shape[0]):
            for x in range(block.shape[1]):
                code = winner[y, x * lanes + lane]
                block[y, x] = code
                largest = max(largest, code)
        has_things[column] |= largest >= UNASSIGNED
