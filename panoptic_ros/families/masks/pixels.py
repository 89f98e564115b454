"""The logits and probabilities of the pixels of a row, in forms that vectorise."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.exponential import LIMIT, ONE
from ...segments.tallies import PROBABILITY_ONE
from ...segments.vector_exponential import exp
from ...segments.workers import inner, int64

Floats = npt.NDArray[np.float32]

_PROBABILITY_ONE = np.float32(PROBABILITY_ONE)


class Lines(NamedTuple):
    """Three rows of cells at the columns of a strip, and the weights of a row of pixels."""

    upper: Floats
    middle: Floats
    lower: Floats
    weights: tuple[np.float32, np.float32, np.float32]


@inner
def interpolate(values: Floats, offset: npt.NDArray[np.int32], shares: Floats, reach: int,
                line: Floats) -> None:
    """
    Interpolate a row of cells along x.

    Parameters
    ----------
    values
        (cells,) logits.
    offset, shares
        (lanes,) the first cell of each pixel, and (3, LANES) its weights.
    reach
        How many cells after its first a pixel may have a part of: 1 or 2.
    line
        (lanes,), written.

    """
    if reach == 1:
        for lane in range(len(line)):
            cell = offset[lane]
            line[lane] = shares[0, lane] * values[cell] + shares[1, lane] * values[cell + 1]
    else:
        for lane in range(len(line)):
            cell = offset[lane]
            line[lane] = (shares[0, lane] * values[cell] + shares[1, lane] * values[cell + 1]
                          + shares[2, lane] * values[cell + 2])


@inner
def find_logits(lines: Lines, lanes: int, logits: Floats) -> None:
    """Interpolate three rows of cells along y."""
    upper, middle, lower, (first, second, third) = lines
    if third == 0:
        for lane in range(lanes):
            logits[lane] = first * upper[lane] + second * middle[lane]
    else:
        for lane in range(lanes):
            logits[lane] = first * upper[lane] + second * middle[lane] + third * lower[lane]


@inner
def count_inside(logits: Floats, lanes: int, cutoff: np.float32) -> int:
    """Return how many logits are at least ``cutoff``."""
    count = np.int32(0)
    for lane in range(lanes):
        count = np.int32(count + np.int32(logits[lane] >= cutoff))
    return int64(count)


@inner
def contend(logits: Floats, lanes: int, query: tuple[np.int32, np.float32], who: npt.NDArray[
        np.int32], best: Floats, probability: Floats) -> None:
    """
    Let a query own the pixels where its product is the largest yet.

    Parameters
    ----------
    logits, lanes
        Its logits.
    query
        Its number and its score.
    who, best, probability
        (LANES,), updated: the owner of each pixel, its product and its probability.

    """
    index, score = query
    for lane in range(lanes):
        value = sigmoid(logits[lane])
        product = score * value
        better = product > best[lane]
        best[lane] = product if better else best[lane]
        probability[lane] = value if better else probability[lane]
        who[lane] = index if better else who[lane]


@inner
def add_probability(logits: Floats, lanes: int) -> int:
    """Return the sum of the probabilities, ``PROBABILITY_ONE`` for 1."""
    total = np.int32(0)         # enough for LANES
    for lane in range(lanes):
        total = np.int32(total + np.int32(sigmoid(logits[lane]) * _PROBABILITY_ONE))
    return int64(total)


@inner
def sum_owned(query: int, who: npt.NDArray[np.int32], probability: Floats, threshold: np.float32
              ) -> tuple[int, int]:
    """Return how many pixels a query owns, and the probability of those inside of its mask."""
    area, total = np.int32(0), np.int32(0)
    number = np.int32(query)
    for lane in range(len(who)):
        is_owned = who[lane] == number
        value = probability[lane]
        area = np.int32(area + np.int32(is_owned))
        part = value if is_owned & (value >= threshold) else np.float32(0)
        total = np.int32(total + np.int32(part * _PROBABILITY_ONE))
    return int64(area), int64(total)


@inner
def sigmoid(logit: np.float32) -> np.float32:
    """Return ``sigmoid.sigmoid``, to the last bit, in a form that vectorises."""
    x = -logit
    x = x if x > -LIMIT else -LIMIT
    x = x if x < LIMIT else LIMIT
    return ONE / (ONE + exp(x))
