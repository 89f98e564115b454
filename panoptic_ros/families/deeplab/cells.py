"""Reading the heads: finite numbers, and what is known of each cell of a row."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.tallies import PROBABILITY_ONE
from ...segments.upsampling import LIMIT
from ...segments.workers import inner
from .heads import OFFSET_LIMIT

_LARGEST = np.float32(3.4028235e38)
_Rank = tuple[np.int32, np.float32, np.float32, np.float32]


class Cells(NamedTuple):
    """What is known of each cell of the heads."""

    class_id: npt.NDArray[np.uint8]
    """(h, w) the class of the largest logit, the lower id on ties ..."""
    logit: npt.NDArray[np.float32]
    """... that logit, finite ..."""
    probability: npt.NDArray[np.int32]
    """... and (h, w) its soft-max probability, ``PROBABILITY_ONE`` for 1."""

    @classmethod
    def empty(cls, shape: tuple[int, ...]) -> Cells:
        """Return cells that are still to be read."""
        return cls(np.empty(shape, np.uint8), np.empty(shape, np.float32),
                   np.empty(shape, np.int32))


class Ranks(NamedTuple):
    """The largest logits of each cell of a row."""

    winner: npt.NDArray[np.int32]
    """(w,) the likeliest class, the lower id on ties ..."""
    best: npt.NDArray[np.float32]
    """... its logit ..."""
    second: npt.NDArray[np.float32]
    """... the largest of the other classes ..."""
    third: npt.NDArray[np.float32]
    """... and the next one; -inf where there are no more classes."""


@inner
def read_row(semantic: npt.NDArray[np.float32], row: int, logits: npt.NDArray[np.float32],
             ranks: Ranks) -> None:
    """
    Rank the classes of each cell of a row.

    Parameters
    ----------
    semantic
        (C, h, w) logits.
    row
        The row.
    logits
        (C, at least w), written: the row's logits, all of them finite.
    ranks
        Written.

    """
    winner, best, second, third = ranks
    columns, classes = len(winner), len(semantic)
    for x in range(columns):
        logits[0, x] = best[x] = finite(semantic[0, row, x])
        winner[x] = 0
    for x in range(columns):
        second[x] = third[x] = -np.inf
    threes = 1 + (classes - 1) // 3 * 3
    for index in range(1, threes, 3):
        for x in range(columns):
            one, two = finite(semantic[index, row, x]), finite(semantic[index + 1, row, x])
            three = finite(semantic[index + 2, row, x])
            logits[index, x], logits[index + 1, x], logits[index + 2, x] = one, two, three
            rank = winner[x], best[x], second[x], third[x]
            rank = _ranked(two, index + 1, _ranked(one, index, rank))
            winner[x], best[x], second[x], third[x] = _ranked(three, index + 2, rank)
    for index in range(threes, classes):
        for x in range(columns):
            logits[index, x] = logit = finite(semantic[index, row, x])
            rank = winner[x], best[x], second[x], third[x]
            winner[x], best[x], second[x], third[x] = _ranked(logit, index, rank)


@inner
def _ranked(logit: np.float32, index: int, rank: _Rank) -> _Rank:
    """Return the ranks with one more logit; the earlier class is the winner on ties."""
    winner, best, second, third = rank
    better = logit > best
    winner, less = np.int32(index) if better else winner, best if better else logit
    least = less if less < second else second
    return (winner, logit if better else best, less if less > second else second,
            least if least > third else third)


@inner
def read_probability(logits: npt.NDArray[np.float32], best: npt.NDArray[np.float32],
                     total: npt.NDArray[np.float32], probability: npt.NDArray[np.int32]) -> None:
    """
    Find the soft-max probability of the likeliest class of each cell of a row.

    Parameters
    ----------
    logits, best
        As ``read_row`` wrote them.
    total
        (w,) scratch.
    probability
        (w,), written: ``PROBABILITY_ONE`` for 1.

    """
    columns = len(probability)
    total[:] = 0
    for index in range(0, len(logits) - 1, 2):      # two at a time, in the order of the classes
        one, other = logits[index], logits[index + 1]
        for x in range(columns):
            total[x] = total[x] + _exp(one[x] - best[x]) + _exp(other[x] - best[x])
    if len(logits) % 2 == 1:
        one = logits[len(logits) - 1]
        for x in range(columns):
            total[x] += _exp(one[x] - best[x])
    for x in range(columns):
        probability[x] = np.int32(np.float32(PROBABILITY_ONE) / total[x])


@inner
def finite(logit: np.float32) -> np.float32:
    """Return a logit within +-LIMIT; NaN is the lowest."""
    logit = logit if logit > -LIMIT else -LIMIT     # also NaN
    return logit if logit < LIMIT else LIMIT


@inner
def finite_heat(heat: np.float32) -> np.float32:
    """Return a heat within +-LIMIT; NaN is 0."""
    return _finite_or_zero(heat, np.float32(np.inf), LIMIT)


@inner
def finite_offset(offset: np.float32) -> np.float32:
    """Return an offset within +-OFFSET_LIMIT; NaN and infinities are 0."""
    return _finite_or_zero(offset, _LARGEST, OFFSET_LIMIT)


@inner
def _finite_or_zero(value: np.float32, largest: np.float32, limit: np.float32) -> np.float32:
    """Return zero for NaN and for what is beyond +-largest, else the value, within +-limit."""
    value = value if abs(value) <= largest else np.float32(0)
    value = value if value > -limit else -limit
    return value if value < limit else limit


@inner
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
