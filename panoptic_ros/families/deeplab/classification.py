"""The class of each pixel."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...segments.workers import Tickets, compiled, finite, take_ticket
from .codes import UNASSIGNED

_SIDE = 4
"""Pixels between cells that disagree are cut into blocks of at most _SIDE x _SIDE ..."""
_BATCH = 256
"""... and so many blocks are worked on at a time: vectors run over the blocks."""
_LOWEST = np.float32(-3.4028235e38)


@compiled
def classify(tickets: Tickets, worker: int, semantic: npt.NDArray[np.float32],
             is_thing: npt.NDArray[np.bool_], code_of_cell: npt.NDArray[np.uint16],
             y_starts: npt.NDArray[np.int32], y_weights: npt.NDArray[np.float32],
             x_starts: npt.NDArray[np.int32], x_weights: npt.NDArray[np.float32],
             codes: npt.NDArray[np.uint16], areas: npt.NDArray[np.int64]) -> None:
    """
    Find the class whose upsampled logit is the largest.

    Where the four cells around a pixel agree, so does it: no step of the interpolation turns
    the order of two values round.  (At most rounding makes a lower class equal, which would then
    win by its id: a difference of less than rounding.)  Only the other pixels look at the logits.

    Parameters
    ----------
    tickets, worker
        As ``run`` gives them.
    semantic
        (C, h, w) logits.
    is_thing
        (C,) is the class countable?
    code_of_cell
        (h, w) codes of the cells.
    y_starts, y_weights, x_starts, x_weights
        The axes, see ``upsampling.Axis``.
    codes
        (H, W), written: the code of each pixel.
    areas
        (workers, UNASSIGNED + C), added to: the pixels of each code.

    """
    rows, columns = code_of_cell.shape
    mixed = np.empty(columns, np.int32)
    blocks = np.empty((6, _BATCH), np.int32)        # y0, y1, x0, x1; row and column of cells
    y_shares = np.empty((2, _SIDE, _BATCH), np.float32)
    x_shares = np.empty((2, _SIDE, _BATCH), np.float32)
    values = np.empty((6, _BATCH), np.float32)      # four corners; the upper and the lower edge
    best = np.empty((_SIDE, _SIDE, _BATCH), np.float32)
    winner = np.empty((_SIDE, _SIDE, _BATCH), np.int32)
    area = areas[worker]
    count = 0
    while True:
        row = take_ticket(tickets)
        if row >= rows:
            break
        top, bottom = y_starts[row], y_starts[row + 1]
        if top == bottom:
            continue
        below = min(row + 1, rows - 1)
        found = _fill_plain(code_of_cell[row], code_of_cell[below], x_starts, codes[top:bottom],
                            mixed, area)
        for column in mixed[:found]:
            for y in range(top, bottom, _SIDE):
                for x in range(x_starts[column], x_starts[column + 1], _SIDE):
                    if count == _BATCH:
                        _contest(semantic, blocks, count, y_shares, x_shares, values, best,
                                 winner)
                        _write(blocks, count, winner, is_thing, codes, area)
                        count = 0
                    blocks[0, count], blocks[1, count] = y, min(y + _SIDE, bottom)
                    blocks[2, count] = x
                    blocks[3, count] = min(x + _SIDE, x_starts[column + 1])
                    blocks[4, count], blocks[5, count] = row, column
                    _share(y_weights, y, blocks[1, count], y_shares, count)
                    _share(x_weights, x, blocks[3, count], x_shares, count)
                    count += 1
    _contest(semantic, blocks, count, y_shares, x_shares, values, best, winner)
    _write(blocks, count, winner, is_thing, codes, area)


@compiled
def _fill_plain(upper: npt.NDArray[np.uint16], lower: npt.NDArray[np.uint16],
                x_starts: npt.NDArray[np.int32], codes: npt.NDArray[np.uint16],
                mixed: npt.NDArray[np.int32], area: npt.NDArray[np.int64]) -> int:
    """Write the pixels between cells that agree; list the other columns and return how many."""
    columns = len(upper)
    count = 0
    column = 0
    while column < columns:
        first = column
        code = upper[column]
        while column < columns:
            after = min(column + 1, columns - 1)
            if (upper[column] != code or upper[after] != code
                    or lower[column] != code or lower[after] != code):
                break
            column += 1
        if column > first:
            left, right = x_starts[first], x_starts[column]
            codes[:, left:right] = code
            area[code] += np.int64(right - left) * len(codes)
        else:
            mixed[count] = column
            count += 1
            column += 1
    return count


@compiled
def _share(weights: npt.NDArray[np.float32], start: int, end: int,
           shares: npt.NDArray[np.float32], block: int) -> None:
    """Note the weights of a block's pixels along one axis; a small block repeats its last."""
    for step in range(_SIDE):
        pixel = min(start + step, end - 1)
        shares[0, step, block] = weights[0, pixel]
        shares[1, step, block] = weights[1, pixel]


@compiled
def _contest(semantic: npt.NDArray[np.float32], blocks: npt.NDArray[np.int32], count: int,
             y_shares: npt.NDArray[np.float32], x_shares: npt.NDArray[np.float32],
             values: npt.NDArray[np.float32], best: npt.NDArray[np.float32],
             winner: npt.NDArray[np.int32]) -> None:
    """Find the winning class of each pixel of the blocks, (row, column, block)."""
    height = width = 0
    for block in range(count):
        height = max(height, blocks[1, block] - blocks[0, block])
        width = max(width, blocks[3, block] - blocks[2, block])
    best[:] = _LOWEST
    last_row, last_column = semantic.shape[1] - 1, semantic.shape[2] - 1
    for class_id in range(semantic.shape[0]):
        for block in range(count):
            row, column = blocks[4, block], blocks[5, block]
            below, after = min(row + 1, last_row), min(column + 1, last_column)
            values[0, block] = semantic[class_id, row, column]
            values[1, block] = semantic[class_id, row, after]
            values[2, block] = semantic[class_id, below, column]
            values[3, block] = semantic[class_id, below, after]
        for corner in range(4):
            for block in range(count):
                values[corner, block] = finite(values[corner, block])
        for x in range(width):
            for block in range(count):
                left, right = x_shares[0, x, block], x_shares[1, x, block]
                values[4, block] = left * values[0, block] + right * values[1, block]
                values[5, block] = left * values[2, block] + right * values[3, block]
            for y in range(height):
                for block in range(count):
                    logit = (y_shares[0, y, block] * values[4, block]
                             + y_shares[1, y, block] * values[5, block])
                    better = logit > best[y, x, block]
                    best[y, x, block] = logit if better else best[y, x, block]
                    winner[y, x, block] = (np.int32(class_id) if better
                                           else winner[y, x, block])


@compiled
def _write(blocks: npt.NDArray[np.int32], count: int, winner: npt.NDArray[np.int32],
           is_thing: npt.NDArray[np.bool_], codes: npt.NDArray[np.uint16],
           area: npt.NDArray[np.int64]) -> None:
    """Write and count the codes of the blocks' pixels."""
    for block in range(count):
        top, left = blocks[0, block], blocks[2, block]
        for y in range(top, blocks[1, block]):
            for x in range(left, blocks[3, block]):
                class_id = winner[y - top, x - left, block]
                code = class_id + UNASSIGNED if is_thing[class_id] else class_id
                codes[y, x] = code
                area[code] += 1
