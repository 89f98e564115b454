"""Reading the heads, once: finite heat and offsets, the class of each cell, its probability."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...segments.tallies import PROBABILITY_ONE
from ...segments.upsampling import LIMIT, OFFSET_LIMIT
from ...segments.workers import Tickets, compiled, finite, take_ticket
from .codes import UNASSIGNED

_LARGEST = np.float32(3.4028235e38)


@compiled
def read_cells(tickets: Tickets, worker: int, semantic: npt.NDArray[np.float32],
               center: npt.NDArray[np.float32], offset: npt.NDArray[np.float32],
               is_thing: npt.NDArray[np.bool_], code_of_cell: npt.NDArray[np.uint16],
               probability: npt.NDArray[np.int32], heat: npt.NDArray[np.float32],
               shift: npt.NDArray[np.float32]) -> None:
    """
    Find each cell's likeliest class and the soft-max probability of it; clip the other heads.

    Parameters
    ----------
    tickets, worker
        As ``run`` gives them.
    semantic, center, offset
        (C, h, w), (h, w) and (2, h, w), the heads.
    is_thing
        (C,) is the class countable?
    code_of_cell
        (h, w), written: the class of the largest logit, the lower id on ties, as a code.
    probability
        (h, w), written: its probability, ``PROBABILITY_ONE`` for 1.
    heat, shift
        (h, w) and (2, h, w), written: center and offset without NaN and infinities.

    """
    classes, rows, columns = semantic.shape
    best = np.empty(columns, np.float32)
    winner = np.empty(columns, np.int32)
    total = np.empty(columns, np.float32)
    while True:
        row = take_ticket(tickets)
        if row >= rows:
            return
        for x in range(columns):
            best[x] = finite(semantic[0, row, x])
            winner[x] = 0
            total[x] = 0
        for class_id in range(1, classes):
            for x in range(columns):
                logit = finite(semantic[class_id, row, x])
                better = logit > best[x]
                best[x] = logit if better else best[x]
                winner[x] = np.int32(class_id) if better else winner[x]
        for class_id in range(classes):
            for x in range(columns):
                total[x] += _exp(finite(semantic[class_id, row, x]) - best[x])
        for x in range(columns):
            class_id = winner[x]
            code_of_cell[row, x] = class_id + UNASSIGNED if is_thing[class_id] else class_id
            probability[row, x] = np.int32(np.float32(PROBABILITY_ONE) / total[x])
        for x in range(columns):
            heat[row, x] = _finite_or_zero(center[row, x], np.float32(np.inf), LIMIT)
        for axis in range(2):
            for x in range(columns):
                shift[axis, row, x] = _finite_or_zero(offset[axis, row, x], _LARGEST,
                                                      OFFSET_LIMIT)


@compiled
def _finite_or_zero(value: np.float32, largest: np.float32, limit: np.float32) -> np.float32:
    """Return zero for NaN and for what is beyond +-largest, else the value, within +-limit."""
    value = value if abs(value) <= largest else np.float32(0)
    value = value if value > -limit else -limit
    return value if value < limit else limit


@compiled
def _exp(x: np.float32) -> np.float32:
    """Return e to the power of x for x <= 0, to 2e-6, in a form that vectorises."""
    power = x * np.float32(1.4426950408889634)
    power = power if power > np.float32(-126) else np.float32(-126)
    whole = np.floor(power + np.float32(0.5))
    part = power - whole
    result = np.float32(1.5403530e-4) * part + np.float32(1.3333558e-3)
    result = result * part + np.float32(9.6181291e-3)
    result = result * part + np.float32(5.5504109e-2)
    result = result * part + np.float32(2.4022651e-1)
    result = result * part + np.float32(6.9314718e-1)
    result = result * part + np.float32(1)
    exponent = np.int32((np.int32(whole) + np.int32(127)) << 23)
    return result * exponent.view(np.float32)
