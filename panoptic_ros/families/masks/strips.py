"""
The owners of the pixels of a strip: the part of a tile that is worked on at a time.

The cells of a strip are interpolated along x, for all rows of cells.  Then each row of patches is
bounded as the tile was, by its own cells: fewer queries can own a pixel there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.extremes import larger, smaller
from ...segments.upsampling import LIMIT
from ...segments.workers import inner, int64
from .bounds import raised
from .cells import read
from .pixels import (
    Lines,
    add_probability,
    contend,
    count_inside,
    find_logits,
    interpolate,
    sigmoid,
    sum_owned,
)
from .tiling import LANES, ROWS
from .work import Sums, Work

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int32]

_VECTORS = 16       # what is computed of a row is a multiple of these
_ONE_BYTE, _HALF = np.float32(255), np.float32(0.5)


class Strip(NamedTuple):
    """Memory for a strip; S stands for the queries that are looked at in the tile."""

    values: Floats
    """(LANES + 2,) the cells of a row that the pixels lie between."""
    offset: Numbers
    """(LANES,) the first cell of each pixel among these ..."""
    shares: Floats
    """... (3, LANES) and the weights of the pixel along x."""
    edges: Floats
    """(S, ROWS + 2, LANES) logits in the rows of cells, at the pixels' columns ..."""
    high: Floats
    """... (S, ROWS + 2) the largest of them ..."""
    low: Floats
    """... and the smallest."""
    highest: Floats
    """(S,) bounds of the logits in a row of patches ..."""
    lowest: Floats
    most: Floats
    """... and of their products with the score."""
    least: Floats
    rivals: Numbers
    """(S,) which of the S can own a pixel of the row of patches."""
    who: Numbers
    """(LANES,) the owner of each pixel ..."""
    best: Floats
    """... its product ..."""
    probability: Floats
    """... its probability ..."""
    logits: Floats
    """... and logits of some query."""

    @classmethod
    def new(cls, queries: int) -> Strip:
        """Return memory for at most so many queries."""
        high, low = np.zeros((2, queries, ROWS + 2), np.float32)
        highest, lowest, most, least = np.zeros((4, queries), np.float32)
        best, probability, logits = np.zeros((3, LANES), np.float32)
        return cls(np.zeros(LANES + 2, np.float32), np.zeros(LANES, np.int32),
                   np.zeros((3, LANES), np.float32),
                   np.zeros((queries, ROWS + 2, LANES), np.float32), high, low, highest, lowest,
                   most, least, np.zeros(queries, np.int32), np.zeros(LANES, np.int32), best,
                   probability, logits)


class Place(NamedTuple):
    """Where a strip is."""

    row: int
    """Its rows of patches, half-open ..."""
    row_end: int
    left: int
    """... its first column of pixels ..."""
    width: int
    """... and how many there are, at most LANES."""


@inner
def add_plain(work: Work, place: Place, query: int, strip: Strip, sums: Sums) -> None:
    """Add the probability of a query that owns all pixels and has them inside of its mask."""
    lanes = _lay(work, place, strip)
    _find_edges(work, place, query, strip, 0)
    starts = work.tiling.axes.y.starts
    total = int64(0)
    for row in range(place.row, place.row_end):
        for y in range(int64(starts[row]), int64(starts[row + 1])):
            _find_logits(work, (row - place.row, row, y), strip, 0, lanes)
            total += add_probability(strip.logits, lanes)
    sums.probability[query] += total


@inner
def settle(work: Work, place: Place, queries: Numbers, strip: Strip, sums: Sums) -> None:
    """
    Find the owners of the pixels.

    Parameters
    ----------
    work
        The image.
    place
        The strip.
    queries
        (S,) the queries that can own a pixel, or whose outline may cross the strip, in order.
    strip
        Scratch.
    sums
        Added to, also the pixels inside of the queries' masks.

    """
    starts, cutoff = work.tiling.axes.y.starts, work.rule.cutoff
    lanes = _lay(work, place, strip)
    for slot in range(len(queries)):
        _find_edges(work, place, queries[slot], strip, slot)
    for row in range(place.row, place.row_end):
        top, bottom = int64(starts[row]), int64(starts[row + 1])
        if top == bottom:
            continue
        line = row - place.row
        rivals = _choose(work, (line, row), queries, strip)
        for slot in range(len(queries)):
            query = queries[slot]
            if strip.lowest[slot] >= cutoff:
                sums.original[query] += (bottom - top) * place.width
            elif strip.highest[slot] >= cutoff:
                total = int64(0)
                for y in range(top, bottom):
                    _find_logits(work, (line, row, y), strip, slot, lanes)
                    total += count_inside(strip.logits, lanes, cutoff)
                sums.original[query] += total
        first = strip.rivals[0]
        if (rivals == 1) & (strip.lowest[first] >= cutoff) & (len(work.confidence) == 0):
            query = queries[first]
            total = int64(0)
            for y in range(top, bottom):
                work.image.pixels[y, place.left:place.left + place.width] = query
                _find_logits(work, (line, row, y), strip, first, lanes)
                total += add_probability(strip.logits, lanes)
            sums.area[query] += (bottom - top) * place.width
            sums.probability[query] += total
        else:
            for y in range(top, bottom):
                _decide(work, (line, row, y), queries, rivals, strip, lanes)
                _write(work, place, y, queries, rivals, strip, sums)


@inner
def _lay(work: Work, place: Place, strip: Strip) -> int:
    """Note where the pixels lie between the cells; return how many lanes they take."""
    axis, left, width = work.tiling.axes.x, place.left, place.width
    lanes = (width + _VECTORS - 1) // _VECTORS * _VECTORS
    base = axis.lower[left]
    for lane in range(lanes):
        pixel = left + min(lane, width - 1)
        strip.offset[lane] = axis.lower[pixel] - base
        for step in range(3):
            strip.shares[step, lane] = axis.weights[step, pixel]
    return lanes


@inner
def _find_edges(work: Work, place: Place, query: int, strip: Strip, slot: int) -> None:
    """Interpolate the cells of a query along x; what is no pixel gets a logit under any cutoff."""
    values, width = strip.values, place.width
    reach_y, reach_x = int64(work.tiling.reach[0]), int64(work.tiling.reach[1])
    rows, columns = work.cells.single.shape[1:]
    base = int64(work.tiling.axes.x.lower[place.left])
    lanes = (width + _VECTORS - 1) // _VECTORS * _VECTORS
    last = int64(strip.offset[width - 1])
    count = min(last + 1 + reach_x, columns - base)
    for row in range(place.row, min(place.row_end + reach_y, rows)):
        line = row - place.row
        read(work.cells, query, row, base, values[:count])
        high, low = values[0], values[0]
        for cell in range(1, count):
            high, low = larger(high, values[cell]), smaller(low, values[cell])
        strip.high[slot, line], strip.low[slot, line] = high, low
        for cell in range(count, last + 3):
            values[cell] = values[count - 1]
        edge = strip.edges[slot, line]
        interpolate(values, strip.offset, strip.shares, reach_x, edge[:lanes])
        for lane in range(width, lanes):
            edge[lane] = -LIMIT


@inner
def _choose(work: Work, place: tuple[int, int], queries: Numbers, strip: Strip) -> int:
    """
    List the queries that can own a pixel of a row of patches, and return how many they are.

    ``place`` is the row within the strip and in the image.  The bounds of all are noted.
    """
    line, row = place
    score, most, least = work.rule.score, strip.most, strip.least
    steps = min(int64(work.tiling.reach[0]), work.cells.single.shape[1] - 1 - row)
    bound = np.float32(0)
    for slot in range(len(queries)):
        high, low = strip.high[slot, line], strip.low[slot, line]
        for step in range(1, steps + 1):
            high = larger(high, strip.high[slot, line + step])
            low = smaller(low, strip.low[slot, line + step])
        high, low = raised(high), -raised(-low)
        strip.highest[slot], strip.lowest[slot] = high, low
        most[slot] = score[queries[slot]] * sigmoid(high)
        least[slot] = score[queries[slot]] * sigmoid(low)
        bound = max(bound, least[slot])
    count = 0
    for slot in range(len(queries)):
        strip.rivals[count] = slot
        count += most[slot] >= bound
    return count


@inner
def _find_logits(work: Work, place: tuple[int, int, int], strip: Strip, slot: int, lanes: int
                 ) -> None:
    """Interpolate along y; ``place`` is the row of patches in the strip and image, and the row."""
    line, row, y = place
    edges, weights = strip.edges[slot], work.tiling.axes.y.weights
    last = line + work.cells.single.shape[1] - 1 - row
    lines = Lines(edges[line], edges[min(line + 1, last)], edges[min(line + 2, last)],
                  (weights[0, y], weights[1, y], weights[2, y]))
    find_logits(lines, lanes, strip.logits)


@inner
def _decide(work: Work, place: tuple[int, int, int], queries: Numbers, rivals: int, strip: Strip,
            lanes: int) -> None:
    """Find the owner of each pixel of a row."""
    strip.best[:lanes] = np.float32(-1)
    for index in range(rivals):
        slot = strip.rivals[index]
        query = queries[slot]
        _find_logits(work, place, strip, slot, lanes)
        contend(strip.logits, lanes, (query, work.rule.score[query]), strip.who, strip.best,
                strip.probability)


@inner
def _write(work: Work, place: Place, y: int, queries: Numbers, rivals: int, strip: Strip,
           sums: Sums) -> None:
    """Write the codes of a row of pixels, and add them to the sums of their owners."""
    left, width = place.left, place.width
    who, probability, best = strip.who, strip.probability, strip.best
    threshold, void = work.rule.threshold, len(work.rule.score)
    codes = work.image.pixels[y, left:left + width]
    for lane in range(width):
        codes[lane] = who[lane] if probability[lane] >= threshold else void
    if len(work.confidence) > 0:
        confidence = work.confidence[y, left:left + width]
        for lane in range(width):
            confidence[lane] = np.uint8(best[lane] * _ONE_BYTE + _HALF)
    for index in range(rivals):
        query = queries[strip.rivals[index]]
        area, total = sum_owned(query, who[:width], probability, threshold)
        sums.area[query] += area
        sums.probability[query] += total
