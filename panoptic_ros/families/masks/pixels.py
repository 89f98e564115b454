"""The logits and probabilities of pixels, LANES of a row at a time."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.tallies import PROBABILITY_ONE
from ...segments.upsampling import LIMIT, Axis
from ...segments.workers import inner, int64
from . import sigmoid as definition
from .cells import Cells, read
from .tiling import LANES, ROWS

Floats = npt.NDArray[np.float32]

_ONE, _HALF = definition.ONE, definition.HALF
_LIMIT = definition.LIMIT
_LOG2_E, _LOG_2, _REST = definition.LOG2_E, definition.LOG_2, definition.LOG_2_REST
_SIXTH, _FIFTH, _FOURTH, _THIRD, _SECOND = definition.POWERS
_PROBABILITY_ONE = np.float32(PROBABILITY_ONE)
_VECTORS = 16


class Strip(NamedTuple):
    """Columns of pixels of a tile, and what their logits are made of."""

    values: Floats
    """(LANES + 2,) the cells of a row that the pixels lie between."""
    offset: npt.NDArray[np.int32]
    """(LANES,) the first cell of each pixel among these ..."""
    shares: Floats
    """... (3, LANES) and the weights of the pixel along x."""
    edges: Floats
    """(K, ROWS + 2, LANES) logits of some masks in the rows of cells, at the pixels' columns."""

    @classmethod
    def new(cls, queries: int) -> Strip:
        """Return memory for a strip."""
        return cls(np.zeros(LANES + 2, np.float32), np.zeros(LANES, np.int32),
                   np.zeros((3, LANES), np.float32),
                   np.zeros((queries, ROWS + 2, LANES), np.float32))


class Lines(NamedTuple):
    """Three rows of cells at the columns of a strip, and the weights of a row of pixels."""

    upper: Floats
    middle: Floats
    lower: Floats
    weights: tuple[np.float32, np.float32, np.float32]


@inner
def lay_strip(axis: Axis, left: int, width: int, strip: Strip) -> int:
    """Note where pixels lie between their cells; return how many lanes they take."""
    lanes = (width + _VECTORS - 1) // _VECTORS * _VECTORS
    base = axis.lower[left]
    for lane in range(lanes):
        pixel = left + min(lane, width - 1)
        strip.offset[lane] = axis.lower[pixel] - base
        for step in range(3):
            strip.shares[step, lane] = axis.weights[step, pixel]
    return lanes


@inner
def find_edges(cells: Cells, index: int, place: tuple[int, int, int], extent: tuple[int, int, int],
               strip: Strip, edges: Floats) -> None:
    """
    Interpolate rows of cells along x.

    Parameters
    ----------
    cells, index
        The masks, and which of them.
    place
        The first row of cells, past the last, and the first column.
    extent
        The pixels, their lanes, and how many cells after its first a pixel may have a part of.
    strip
        The pixels.
    edges
        (rows, LANES), written; what is no pixel is under every cutoff.

    """
    first, end, base = place
    width, lanes, reach = extent
    offset, shares, values = strip.offset, strip.shares, strip.values
    last = int64(offset[width - 1])
    count = min(last + 1 + reach, cells.single.shape[2] - base)
    for row in range(first, end):
        read(cells, index, row, base, values[:count])
        for step in range(count, last + 3):
            values[step] = values[count - 1]
        line = edges[row - first]
        if reach == 1:
            for lane in range(lanes):
                cell = offset[lane]
                line[lane] = shares[0, lane] * values[cell] + shares[1, lane] * values[cell + 1]
        else:
            for lane in range(lanes):
                cell = offset[lane]
                line[lane] = (shares[0, lane] * values[cell] + shares[1, lane] * values[cell + 1]
                              + shares[2, lane] * values[cell + 2])
        for lane in range(width, lanes):
            line[lane] = -LIMIT


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
def sum_owned(query: int, who: npt.NDArray[np.int32], probability: Floats, lanes: int,
              threshold: np.float32) -> tuple[int, int]:
    """Return how many pixels a query owns, and the probability of those inside of its mask."""
    area, total = np.int32(0), np.int32(0)
    number = np.int32(query)
    for lane in range(lanes):
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
    x = x if x > -_LIMIT else -_LIMIT
    x = x if x < _LIMIT else _LIMIT
    power = np.floor(x * _LOG2_E + _HALF)
    rest = x - power * _LOG_2
    rest = rest - power * _REST
    value = _SIXTH * rest + _FIFTH
    value = value * rest + _FOURTH
    value = value * rest + _THIRD
    value = value * rest + _SECOND
    value = (value * (rest * rest) + rest) + _ONE
    scale = np.int32((np.int32(power) + np.int32(127)) << np.int32(23))
    return _ONE / (_ONE + value * scale.view(np.float32))
