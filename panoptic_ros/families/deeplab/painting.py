"""Writing the labels, and measuring the segments on the way."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...segments.tallies import PROBABILITY_ONE
from ...segments.workers import Tickets, compiled, finite, take_ticket
from .codes import UNASSIGNED

AREA, SUM_X, SUM_Y, X0, Y0, X1, Y1, PROBABILITY = range(8)
"""Columns of ``tallies``."""


@compiled
def paint(tickets: Tickets, worker: int, semantic: npt.NDArray[np.float32],
          code_of_cell: npt.NDArray[np.uint16], probability: npt.NDArray[np.int32],
          y_cell_starts: npt.NDArray[np.int32], x_cell: npt.NDArray[np.int32],
          x_cell_starts: npt.NDArray[np.int32], label_of: npt.NDArray[np.uint16],
          class_of: npt.NDArray[np.uint16], unlabeled: np.uint16, codes: npt.NDArray[np.uint16],
          tallies: npt.NDArray[np.int64]) -> None:
    """
    Turn codes into labels, in place, and tally the segments.

    Parameters
    ----------
    tickets, worker
        As ``run`` gives them.
    semantic
        (C, h, w) logits.
    code_of_cell, probability
        (h, w) what ``read_cells`` found.
    y_cell_starts, x_cell, x_cell_starts
        The axes, see ``upsampling.Axis``.
    label_of, class_of
        (codes,) label of each code, and class as the code that its cells have.
    unlabeled
        The label of the codes that make no segment.
    codes
        (H, W) codes, which become labels.
    tallies
        (workers, codes, 8), added to: area, sums of x and y, box, sum of the probabilities of
        the segment's class.

    """
    rows = code_of_cell.shape[0]
    width = codes.shape[1]
    tally = tallies[worker]
    sums = np.zeros(code_of_cell.shape[1] + 1, np.int64)
    ends = np.empty(code_of_cell.shape[1], np.int32)
    while True:
        row = take_ticket(tickets)
        if row >= rows:
            return
        _integrate(code_of_cell[row], probability[row], x_cell_starts, sums, ends)
        for y in range(y_cell_starts[row], y_cell_starts[row + 1]):
            line = codes[y]
            right = 0
            while right < width:
                left = right
                code = line[left]
                while right < width and line[right] == code:
                    right += 1
                label = label_of[code]
                line[left:right] = label
                if label != unlabeled:
                    _measure(tally[code], y, left, right)
                    tally[code, PROBABILITY] += _sum_probability(
                        semantic, code_of_cell, probability, row, x_cell, x_cell_starts, sums,
                        ends, class_of[code], left, right)


@compiled
def _measure(tally: npt.NDArray[np.int64], y: int, left: int, right: int) -> None:
    pixels = right - left
    tally[AREA] += pixels
    tally[SUM_X] += (left + right - 1) * pixels // 2
    tally[SUM_Y] += y * pixels
    tally[X0] = min(tally[X0], left)
    tally[Y0] = min(tally[Y0], y)
    tally[X1] = max(tally[X1], right)
    tally[Y1] = max(tally[Y1], y + 1)


@compiled
def _integrate(codes: npt.NDArray[np.uint16], probability: npt.NDArray[np.int32],
               x_cell_starts: npt.NDArray[np.int32], sums: npt.NDArray[np.int64],
               ends: npt.NDArray[np.int32]) -> None:
    """Sum the probability over the pixels before each cell; find where its class ends."""
    for column in range(len(codes)):
        pixels = x_cell_starts[column + 1] - x_cell_starts[column]
        sums[column + 1] = sums[column] + np.int64(probability[column]) * pixels
    end = len(codes)
    for column in range(len(codes) - 1, -1, -1):
        if end > column + 1 and codes[column] != codes[column + 1]:
            end = column + 1
        ends[column] = end


@compiled
def _sum_probability(semantic: npt.NDArray[np.float32], code_of_cell: npt.NDArray[np.uint16],
                     probability: npt.NDArray[np.int32], row: int,
                     x_cell: npt.NDArray[np.int32], x_cell_starts: npt.NDArray[np.int32],
                     sums: npt.NDArray[np.int64], ends: npt.NDArray[np.int32], code: int,
                     left: int, right: int) -> np.int64:
    """Sum the probability of a class over the pixels of a run."""
    total = np.int64(0)
    column, end = x_cell[left], x_cell[right - 1] + 1
    while column < end:
        winner = code_of_cell[row, column]
        after = min(ends[column], end) if winner == code else column + 1
        part = sums[after] - sums[column]
        before, beyond = left - x_cell_starts[column], x_cell_starts[after] - right
        if before > 0:
            part -= np.int64(probability[row, column]) * before
        if beyond > 0:
            part -= np.int64(probability[row, after - 1]) * beyond
        if winner != code:
            logit = finite(semantic[code % UNASSIGNED, row, column])
            part = np.int64(part * np.exp(
                logit - finite(semantic[winner % UNASSIGNED, row, column])))
        total += part
        column = after
    return total


@compiled
def paint_confidence(tickets: Tickets, worker: int, probability: npt.NDArray[np.int32],
                     y_lower: npt.NDArray[np.int32], y_weights: npt.NDArray[np.float32],
                     x_lower: npt.NDArray[np.int32], x_weights: npt.NDArray[np.float32],
                     confidence: npt.NDArray[np.uint8]) -> None:
    """Upsample the cells' probability, (h, w), to an image, (H, W), 255 for 1."""
    rows, columns = probability.shape
    unit = np.float32(255 / PROBABILITY_ONE)
    while True:
        y = take_ticket(tickets)
        if y >= len(y_lower):
            return
        above = probability[y_lower[y]]
        below = probability[min(y_lower[y] + 1, rows - 1)]
        upper, lower = y_weights[0, y], y_weights[1, y]
        for x in range(len(x_lower)):
            before = x_lower[x]
            after = min(before + 1, columns - 1)
            left, right = x_weights[0, x], x_weights[1, x]
            value = (upper * (left * np.float32(above[before]) + right * np.float32(above[after]))
                     + lower * (left * np.float32(below[before])
                                + right * np.float32(below[after])))
            confidence[y, x] = np.uint8(value * unit + np.float32(0.5))
