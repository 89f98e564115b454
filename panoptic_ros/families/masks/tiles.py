"""
The owners of the pixels, tile by tile.

Between cells the logits of a mask lie between those of the cells, because interpolation is a
convex combination.  So the extreme cells of a tile bound score x probability of each query there.
A query whose largest is under another's smallest owns no pixel of the tile.  A query whose logits
are all above or all under the threshold needs no counting.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.patches import OPEN
from ...segments.tallying import tally_row
from ...segments.workers import Tickets, inner, int64, take_ticket
from .bounds import Bounds, find_bounds
from .pixels import (
    Lines,
    Strip,
    add_probability,
    contend,
    count_inside,
    find_edges,
    find_logits,
    lay_strip,
    sigmoid,
    sum_owned,
)
from .tiling import LANES, Tiling
from .work import Sums, Work

Floats = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int32]

_ONE_BYTE = np.float32(255)
_HALF = np.float32(0.5)


class Memory(NamedTuple):
    """Memory of one thread."""

    bounds: Bounds
    strip: Strip
    most: Floats
    """(K,) no product of a pixel of the tile is above this ..."""
    least: Floats
    """... and none below this."""
    numbers: Numbers
    """(K,) the candidates in their order, and from the end those that are only counted."""
    is_mixed: npt.NDArray[np.bool_]
    """(K,) whether some pixels of a candidate may be inside of its mask, and others outside."""
    who: Numbers
    """(LANES,) the owner of each pixel ..."""
    best: Floats
    """... its product ..."""
    probability: Floats
    """... its probability ..."""
    logits: Floats
    """... and logits of some query."""

    @classmethod
    def new(cls, tiling: Tiling, queries: int) -> Memory:
        """Return memory for an image with so many queries."""
        return cls(Bounds.new(tiling, queries), Strip.new(queries),
                   np.empty(queries, np.float32), np.empty(queries, np.float32),
                   np.empty(queries, np.int32), np.empty(queries, np.bool_),
                   np.zeros(LANES, np.int32),
                   *(np.zeros(LANES, np.float32) for _ in range(3)))


class Tile(NamedTuple):
    """A tile: half-open ranges."""

    row: int
    """Rows of patches."""
    row_end: int
    column: int
    """Columns of patches."""
    column_end: int
    top: int
    """Pixels."""
    bottom: int
    left: int
    right: int


@inner
def find_owners(tickets: Tickets, work: Work, memory: Memory, sums: Sums) -> None:
    """
    Find the code of each pixel, and sum up the pixels of the codes.

    Parameters
    ----------
    tickets
        As ``run`` gives them.
    work
        The image.
    memory
        Scratch.
    sums
        Added to.

    """
    tiling = work.tiling
    rows, columns = tiling.rows, tiling.columns
    y, x = tiling.axes
    while True:
        row = take_ticket(tickets)
        if row >= len(rows) - 1:
            return
        find_bounds(work.cells, tiling, row, memory.bounds)
        first, end = int64(rows[row]), int64(rows[row + 1])
        for column in range(len(columns) - 1):
            left, right = int64(columns[column]), int64(columns[column + 1])
            tile = Tile(first, end, left, right, int64(y.starts[first]), int64(y.starts[end]),
                        int64(x.starts[left]), int64(x.starts[right]))
            _settle(work, tile, column, memory, sums)
        for line in range(first, end):
            tally_row(work.image, line, sums.tallies)


@inner
def _settle(work: Work, tile: Tile, column: int, memory: Memory, sums: Sums) -> None:
    """Find the codes of a tile."""
    highest, lowest = memory.bounds.highest[column], memory.bounds.lowest[column]
    patches = work.image.patches[tile.row:tile.row_end, tile.column:tile.column_end]
    pixels = (tile.bottom - tile.top) * (tile.right - tile.left)
    if pixels == 0:
        patches[:] = OPEN
        return
    candidates, counted = _choose(work, pixels, highest, lowest, memory, sums)
    first = memory.numbers[0]
    is_plain = (candidates == 1) & (lowest[first] >= work.rule.cutoff)
    patches[:] = first if is_plain else OPEN
    if is_plain:
        sums.area[first] += pixels
    for left in range(tile.left, tile.right, LANES):
        width = min(tile.right - left, LANES)
        lanes = lay_strip(work.tiling.axes.x, left, width, memory.strip)
        place = (left, width, lanes)
        if is_plain & (len(work.confidence) == 0):
            _add_plain(work, tile, place, memory, sums)
        else:
            _decide(work, tile, place, candidates, memory, sums)
        for index in range(counted):
            _count(work, tile, place, len(highest) - 1 - index, memory, sums)


@inner
def _choose(work: Work, pixels: int, highest: Floats, lowest: Floats, memory: Memory, sums: Sums
            ) -> tuple[int, int]:
    """
    List the queries that can own a pixel, and those that can have one inside of their mask.

    Those that have all pixels inside are noted in the sums.
    """
    score, cutoff = work.rule.score, work.rule.cutoff
    most, least, numbers = memory.most, memory.least, memory.numbers
    queries = len(score)
    for index in range(queries):
        most[index] = score[index] * sigmoid(highest[index])
        least[index] = score[index] * sigmoid(lowest[index])
    bound = least[0]
    for index in range(1, queries):
        bound = max(bound, least[index])
    candidates, counted = 0, 0
    for index in range(queries):
        is_candidate = most[index] >= bound
        is_mixed = (highest[index] >= cutoff) & (lowest[index] < cutoff)
        if lowest[index] >= cutoff:
            sums.original[index] += pixels
        if is_candidate:
            numbers[candidates] = index
            memory.is_mixed[candidates] = is_mixed
            candidates += 1
        elif is_mixed:
            counted += 1
            numbers[queries - counted] = index
    return candidates, counted


@inner
def _add_plain(work: Work, tile: Tile, place: tuple[int, int, int], memory: Memory, sums: Sums
               ) -> None:
    """Add the probability of the one query that has a tile."""
    query = memory.numbers[0]
    _find_edges(work, tile, place, query, 0, memory)
    total = int64(0)
    for row in range(tile.row, tile.row_end):
        for y in range(int64(work.tiling.axes.y.starts[row]),
                       int64(work.tiling.axes.y.starts[row + 1])):
            _find_logits(work, tile, (row, y), place, 0, memory)
            total += add_probability(memory.logits, place[2])
    sums.probability[query] += total


@inner
def _count(work: Work, tile: Tile, place: tuple[int, int, int], number: int, memory: Memory,
           sums: Sums) -> None:
    """Count the pixels inside of the mask of a query that owns none of them."""
    query = memory.numbers[number]
    _find_edges(work, tile, place, query, 0, memory)
    total = int64(0)
    for row in range(tile.row, tile.row_end):
        for y in range(int64(work.tiling.axes.y.starts[row]),
                       int64(work.tiling.axes.y.starts[row + 1])):
            _find_logits(work, tile, (row, y), place, 0, memory)
            total += count_inside(memory.logits, place[2], work.rule.cutoff)
    sums.original[query] += total


@inner
def _decide(work: Work, tile: Tile, place: tuple[int, int, int], candidates: int, memory: Memory,
            sums: Sums) -> None:
    """Find the owner of each pixel among the candidates."""
    _, width, lanes = place
    who, best, logits = memory.who, memory.best, memory.logits
    score, cutoff = work.rule.score, work.rule.cutoff
    for slot in range(candidates):
        _find_edges(work, tile, place, memory.numbers[slot], slot, memory)
    for row in range(tile.row, tile.row_end):
        for y in range(int64(work.tiling.axes.y.starts[row]),
                       int64(work.tiling.axes.y.starts[row + 1])):
            best[:lanes] = np.float32(-1)
            for slot in range(candidates):
                query = memory.numbers[slot]
                _find_logits(work, tile, (row, y), place, slot, memory)
                if memory.is_mixed[slot]:
                    sums.original[query] += count_inside(logits, lanes, cutoff)
                contend(logits, lanes, (query, score[query]), who, best, memory.probability)
            who[width:lanes] = -1
            _write(work, y, place, candidates, memory, sums)


@inner
def _write(work: Work, y: int, place: tuple[int, int, int], candidates: int, memory: Memory,
           sums: Sums) -> None:
    """Write the codes of some pixels of a row, and add them to the sums of their owners."""
    left, width, lanes = place
    who, probability, best = memory.who, memory.probability, memory.best
    threshold, void = work.rule.threshold, len(work.rule.score)
    codes = work.image.pixels[y, left:left + width]
    for lane in range(width):
        codes[lane] = who[lane] if probability[lane] >= threshold else void
    if len(work.confidence) > 0:
        confidence = work.confidence[y, left:left + width]
        for lane in range(width):
            confidence[lane] = np.uint8(best[lane] * _ONE_BYTE + _HALF)
    for slot in range(candidates):
        query = memory.numbers[slot]
        area, total = sum_owned(query, who, probability, lanes, threshold)
        sums.area[query] += area
        sums.probability[query] += total


@inner
def _find_edges(work: Work, tile: Tile, place: tuple[int, int, int], query: int, slot: int,
                memory: Memory) -> None:
    """Interpolate the cells of a query along x, for all rows of cells of a tile."""
    left, width, lanes = place
    reach_y, reach_x = int64(work.tiling.reach[0]), int64(work.tiling.reach[1])
    end = min(tile.row_end + reach_y, work.cells.single.shape[1])
    base = int64(work.tiling.axes.x.lower[left])
    find_edges(work.cells, query, (tile.row, end, base), (width, lanes, reach_x), memory.strip,
               memory.strip.edges[slot])


@inner
def _find_logits(work: Work, tile: Tile, line: tuple[int, int], place: tuple[int, int, int],
                 slot: int, memory: Memory) -> None:
    """Interpolate the logits of a query in a row of pixels, along y."""
    row, y = line
    edges, weights = memory.strip.edges[slot], work.tiling.axes.y.weights
    last = work.cells.single.shape[1] - 1
    lines = Lines(edges[row - tile.row], edges[min(row + 1, last) - tile.row],
                  edges[min(row + 2, last) - tile.row],
                  (weights[0, y], weights[1, y], weights[2, y]))
    find_logits(lines, place[2], memory.logits)
