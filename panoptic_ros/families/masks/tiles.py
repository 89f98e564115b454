"""
The owners of the pixels, tile by tile.

Between cells the logits of a mask lie between those of the cells, because interpolation is a
convex combination.  So the extreme cells of a tile bound score x probability of each query there.
A query whose largest is under another's smallest owns no pixel of the tile.  A query whose logits
are all above or all under the threshold needs no counting.  ``strips`` does the rest.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.patches import OPEN
from ...segments.tallying import tally_row
from ...segments.workers import Tickets, inner, int64, take_ticket
from .bounds import Bounds, find_bounds
from .pixels import sigmoid
from .strips import Place, Strip, add_plain, settle
from .tiling import LANES, Tiling
from .work import Sums, Work

Floats = npt.NDArray[np.float32]


class Memory(NamedTuple):
    """Memory of one thread."""

    bounds: Bounds
    strip: Strip
    most: Floats
    """(K,) no product of a pixel of the tile is above this ..."""
    least: Floats
    """... and none below this."""
    queries: npt.NDArray[np.int32]
    """(K,) the queries that are looked at in the tile, in their order."""

    @classmethod
    def new(cls, tiling: Tiling, queries: int) -> Memory:
        """Return memory for an image with so many queries."""
        return cls(Bounds.new(tiling, queries), Strip.new(queries),
                   np.empty(queries, np.float32), np.empty(queries, np.float32),
                   np.empty(queries, np.int32))


class Tile(NamedTuple):
    """Half-open ranges of patches and of pixels."""

    row: int
    row_end: int
    column: int
    column_end: int
    top: int
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
    patches = work.image.patches[tile.row:tile.row_end, tile.column:tile.column_end]
    pixels = (tile.bottom - tile.top) * (tile.right - tile.left)
    if pixels == 0:
        patches[:] = OPEN
        return
    highest, lowest = memory.bounds.highest[column], memory.bounds.lowest[column]
    count, candidates = _choose(work, pixels, highest, lowest, memory, sums)
    first = memory.queries[0]
    is_plain = (candidates == 1) & (count == 1) & (lowest[first] >= work.rule.cutoff) & (
        len(work.confidence) == 0)
    patches[:] = first if is_plain else OPEN
    if is_plain:
        sums.area[first] += pixels
        sums.original[first] += pixels
    for left in range(tile.left, tile.right, LANES):
        place = Place(tile.row, tile.row_end, left, min(tile.right - left, LANES))
        if is_plain:
            add_plain(work, place, first, memory.strip, sums)
        else:
            settle(work, place, memory.queries[:count], memory.strip, sums)


@inner
def _choose(work: Work, pixels: int, highest: Floats, lowest: Floats, memory: Memory, sums: Sums
            ) -> tuple[int, int]:
    """
    List the queries that can own a pixel, or whose outline may cross the tile.

    Those that own nothing and have all pixels inside of their mask are noted in the sums.  Returns
    how many are listed, and how many of them can own a pixel.
    """
    score, cutoff = work.rule.score, work.rule.cutoff
    most, least = memory.most, memory.least
    for index in range(len(score)):
        most[index] = score[index] * sigmoid(highest[index])
        least[index] = score[index] * sigmoid(lowest[index])
    bound = np.float32(0)
    for index in range(len(score)):
        bound = max(bound, least[index])
    count, candidates = 0, 0
    for index in range(len(score)):
        if most[index] >= bound:
            candidates += 1
        elif lowest[index] >= cutoff:
            sums.original[index] += pixels
            continue
        elif highest[index] < cutoff:
            continue
        memory.queries[count] = index
        count += 1
    return count, candidates
