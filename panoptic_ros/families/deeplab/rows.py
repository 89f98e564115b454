"""From heads to codes, a row of patches after the other."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.patches import CodeImage
from ...segments.tallying import tally_row
from ...segments.workers import Tickets, inner, take_ticket
from .assignment import Aim, assign_row
from .cells import Cells
from .logits import Logits, Memory, classify_row, read
from .open_patches import Field

_ROWS = 16
"""A worker takes so many rows of patches at once; it reads one row of cells more."""
_LAST_ROWS = 8
"""For the last quarter or somewhat more it takes so many: no worker waits long for another."""


class Counts(NamedTuple):
    """What a worker counts."""

    tallies: npt.NDArray[Any]
    """(codes,) of ``tallies.TALLY``."""
    votes: npt.NDArray[np.int64]
    """(K, C) the pixels of each class in each instance."""


@inner
def group_rows(tickets: Tickets, semantic: Logits, field: Field, found: tuple[Cells, CodeImage],
               memory: Memory, aim: Aim, counts: Counts) -> None:
    """
    Find the code of each pixel, and tally the codes.

    Parameters
    ----------
    tickets
        As ``run`` gives them.
    semantic
        The logits.
    field
        Offsets and centres.
    found
        Written: the cells, and the codes of the image: a stuff class, INSTANCE + a centre or, if
        there are no centres, UNASSIGNED + a class of things.
    memory, aim
        Scratch.
    counts
        Added to.

    """
    cells, codes = found
    y_starts, centers = codes.axes.y.starts, len(field.centers.reach)
    rows = len(cells.class_id)
    while True:
        first, end = _rows_of(take_ticket(tickets), rows)
        if first >= rows:
            return
        read(semantic.values, first, first < end, cells, memory)
        for row in range(first, end):
            if row + 1 < rows:
                read(semantic.values, row + 1, row + 1 < end, cells, memory)
            classify_row(semantic, cells, codes, row, memory)
            if centers > 0 and y_starts[row] < y_starts[row + 1]:
                assign_row(field, codes, row, memory.things, aim, counts.votes)
            tally_row(codes, row, counts.tallies)


@inner
def _rows_of(ticket: int, rows: int) -> tuple[int, int]:
    """Return the rows, half-open, of a ticket."""
    large = rows * 3 // 4 // _ROWS
    if ticket < large:
        return ticket * _ROWS, (ticket + 1) * _ROWS
    first = large * _ROWS + (ticket - large) * _LAST_ROWS
    return first, min(first + _LAST_ROWS, rows)
