"""From logits to the classes of cells and pixels, a row of patches after the other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.codes import UNASSIGNED
from ...segments.marks import Marks, list_marked
from ...segments.patches import OPEN, CodeImage
from ...segments.workers import Tickets, inner, take_ticket
from .cells import Cells, read_probability, read_row
from .classification import Contest, Window, settle_row

_ROWS = 16
"""Rows of patches that a worker takes at once; it reads one more row of cells than those."""
_SPARE = 16
"""Rows of a worker's logits are no power of two apart, which would crowd few lines of a cache."""


class Logits(NamedTuple):
    """The semantic head."""

    values: npt.NDArray[np.float32]
    """(C, h, w) logits."""
    code_of: npt.NDArray[np.uint16]
    """(C,) code of each class: of stuff, or of things that belong to no centre yet."""


class Memory(NamedTuple):
    """What a worker needs for a row of patches."""

    logits: npt.NDArray[np.float32]
    """(2, C, more than w) finite logits of the rows of cells above and below, in turns."""
    best: npt.NDArray[np.float32]
    """(w,) the largest of each cell of the row that was read last ..."""
    winner: npt.NDArray[np.int32]
    """... its class ..."""
    total: npt.NDArray[np.float32]
    """... and (w,) scratch."""
    mixed: Marks
    """The patches of a row between cells that disagree."""
    contest: Contest

    @classmethod
    def new(cls, classes: int, columns: int) -> Memory:
        """Return memory for heads of so many classes and columns."""
        return cls(np.empty((2, classes, columns + _SPARE), np.float32),
                   np.empty(columns, np.float32), np.empty(columns, np.int32),
                   np.empty(columns, np.float32),
                   Marks.new(columns), Contest.new(classes))


@inner
def classify(tickets: Tickets, semantic: Logits, cells: Cells, image: CodeImage,
             has_things: npt.NDArray[np.bool_], memory: Memory) -> None:
    """
    Find the class of each pixel, and write it as a code.

    Where the four cells around a patch agree on its class, so do its pixels: no step of the
    interpolation turns the order of two logits round.  (At most rounding makes a lower class
    equal, which would then win by its id: a difference of less than rounding.)

    Parameters
    ----------
    tickets
        As ``run`` gives them.
    semantic
        The logits.
    cells
        Written.
    image
        Written: a stuff class, or UNASSIGNED + a class of things.
    has_things
        (h, w), written: whether a pixel of the patch belongs to a thing.
    memory
        Scratch.

    """
    values, code_of = semantic
    logits, class_id, y_starts = memory.logits, cells.class_id, image.axes.y.starts
    rows = len(class_id)
    while True:
        first = take_ticket(tickets) * _ROWS
        if first >= rows:
            return
        end = min(first + _ROWS, rows)
        _read(values, first, first < end, cells, memory)
        for row in range(first, end):
            below = min(row + 1, rows - 1)
            if below > row:
                _read(values, below, below < end, cells, memory)
            window = Window(logits[row % 2], logits[below % 2], class_id[row], class_id[below])
            found = _write_plain(window, code_of, image.patches[row], memory.mixed,
                                 has_things[row])
            if found > 0 and y_starts[row] < y_starts[row + 1]:
                settle_row(window, image, row, memory.mixed.places[:found], code_of,
                           memory.contest, has_things[row])


@inner
def _read(values: npt.NDArray[np.float32], row: int, is_own: bool, cells: Cells, memory: Memory
          ) -> None:
    """Read a row of cells; write what others may be writing, too, once it is known."""
    logits, best, winner = memory.logits[row % 2], memory.best, memory.winner
    read_row(values, row, logits, best, winner)
    class_id = cells.class_id[row]
    for x in range(len(class_id)):
        class_id[x] = winner[x]
    if is_own:
        logit = cells.logit[row]
        for x in range(len(logit)):
            logit[x] = best[x]
        read_probability(logits, best, memory.total, cells.probability[row])


@inner
def _write_plain(window: Window, code_of: npt.NDArray[np.uint16],
                 patches: npt.NDArray[np.uint16], mixed: Marks,
                 has_things: npt.NDArray[np.bool_]) -> int:
    """Write the codes of patches whose cells agree; list the others and return how many."""
    agrees = has_things
    _, _, upper, lower = window
    last = len(upper) - 1
    for column in range(last):
        agrees[column] = ((upper[column + 1] == upper[column]) & (lower[column] == upper[column])
                          & (lower[column + 1] == upper[column]))
    agrees[last] = lower[last] == upper[last]
    for column in range(last + 1):
        patches[column] = code_of[upper[column]]
    for column in range(last + 1):
        mixed.marked[column] = not agrees[column]
        has_things[column] &= patches[column] >= UNASSIGNED
    count = list_marked(mixed)
    for place in range(count):
        patches[mixed.places[place]] = OPEN
    return count
