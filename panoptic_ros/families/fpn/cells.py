"""Reading rows of the logits, once: finite, with the likeliest channel of each cell."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.exponential import LIMIT as EXP_LIMIT
from ...segments.tallies import PROBABILITY_ONE
from ...segments.upsampling import LIMIT
from ...segments.vector_exponential import exp
from ...segments.workers import inner

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int32]

ROWS = 3
"""Rows of cells that are kept: a pixel lies between at most so many."""

_SPARE = 16
"""Rows of logits are no power of two apart, which would crowd few lines of a cache."""
_ONE = np.float32(PROBABILITY_ONE)


class Rows(NamedTuple):
    """The rows of cells that a thread works on; row r is kept at r % ROWS."""

    logits: Floats
    """(ROWS, S, more than w) finite logits ..."""
    channel: Numbers
    """... (ROWS, w) the channel of the largest, the first on ties ..."""
    probability: Numbers
    """... and (ROWS, w) its soft-max probability, ``PROBABILITY_ONE`` for 1."""
    best: Floats
    """(w,) scratch"""
    total: Floats
    """(w,) scratch"""

    @classmethod
    def new(cls, channels: int, columns: int) -> Rows:
        """Return memory for rows of so many cells."""
        return cls(np.zeros((ROWS, channels, columns + _SPARE), np.float32),
                   np.zeros((ROWS, columns), np.int32), np.zeros((ROWS, columns), np.int32),
                   np.zeros(columns, np.float32), np.zeros(columns, np.float32))


@inner
def read(semantic: Floats, row: int, left: int, right: int, rows: Rows) -> None:
    """
    Read some cells of a row.

    Parameters
    ----------
    semantic
        (S, h, w) logits.
    row, left, right
        The row and the columns, half-open.
    rows
        Written.

    """
    logits, channel = rows.logits[row % ROWS], rows.channel[row % ROWS, left:right]
    best, total = rows.best[left:right], rows.total[left:right]
    first, values = semantic[0, row, left:right], logits[0, left:right]
    for x in range(len(best)):
        values[x] = best[x] = _finite(first[x])
        channel[x] = 0
    for index in range(1, len(semantic)):
        cells, values = semantic[index, row, left:right], logits[index, left:right]
        for x in range(len(best)):
            logit = _finite(cells[x])
            values[x] = logit
            better = logit > best[x]
            best[x] = logit if better else best[x]
            channel[x] = np.int32(index) if better else channel[x]
    total[:] = 0
    for index in range(len(semantic)):
        values = logits[index, left:right]
        for x in range(len(best)):
            less = values[x] - best[x]
            total[x] += exp(less if less > -EXP_LIMIT else -EXP_LIMIT)
    probability = rows.probability[row % ROWS, left:right]
    for x in range(len(best)):
        probability[x] = np.int32(_ONE * (np.float32(1) / total[x]))


@inner
def _finite(logit: np.float32) -> np.float32:
    """Return a logit within +-LIMIT; NaN is the lowest."""
    logit = logit if logit > -LIMIT else -LIMIT     # also NaN
    return logit if logit < LIMIT else LIMIT
