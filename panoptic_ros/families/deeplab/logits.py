"""From logits to the classes of cells and pixels, a row of patches after the other."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.codes import UNASSIGNED
from ...segments.marks import Marks, list_marked, whole
from ...segments.patches import OPEN, CodeImage
from ...segments.workers import inner
from .cells import Cells, Ranks, read_probability, read_row
from .classification import Contest, settle_row
from .contenders import Row, Window

_SPARE = 16
"""
Rows of a worker's logits are so many numbers longer than whole vectors.

So they are no power of two apart, which would crowd few lines of a cache.
"""


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
    seconds: npt.NDArray[np.float32]
    """(2, w) the second largest of each cell of these rows ..."""
    thirds: npt.NDArray[np.float32]
    """... and the third."""
    best: npt.NDArray[np.float32]
    """(w,) the largest of each cell of the row that was read last ..."""
    winner: npt.NDArray[np.int32]
    """... its class ..."""
    total: npt.NDArray[np.float32]
    """... and (w,) scratch."""
    mixed: Marks
    """The patches of a row between cells that disagree ..."""
    things: Marks
    """... and those with a pixel of a thing."""
    contest: Contest

    @classmethod
    def new(cls, classes: int, columns: int) -> Memory:
        """Return memory for heads of so many classes and columns."""
        return cls(np.empty((2, classes, whole(columns) + _SPARE), np.float32),
                   np.empty((2, columns), np.float32), np.empty((2, columns), np.float32),
                   np.empty(columns, np.float32), np.empty(columns, np.int32),
                   np.empty(columns, np.float32),
                   Marks.new(columns), Marks.new(columns), Contest.new(classes))


@inner
def read(values: npt.NDArray[np.float32], row: int, is_own: bool, cells: Cells, memory: Memory
         ) -> None:
    """
    Read a row of cells.

    Parameters
    ----------
    values
        (C, h, w) logits.
    row
        The row.
    is_own
        Whether no other worker reads it, too.
    cells
        Written.  Another worker may write the same classes, so each is written once, at its end.
    memory
        Written.

    """
    logits, best, winner = memory.logits[row % 2], memory.best, memory.winner
    read_row(values, row, logits,
             Ranks(winner, best, memory.seconds[row % 2], memory.thirds[row % 2]))
    class_id = cells.class_id[row]
    for x in range(len(class_id)):
        class_id[x] = winner[x]
    if is_own:
        logit = cells.logit[row]
        for x in range(len(logit)):
            logit[x] = best[x]
        read_probability(logits, best, memory.total, cells.probability[row])


@inner
def classify_row(semantic: Logits, cells: Cells, image: CodeImage, row: int, memory: Memory
                 ) -> None:
    """
    Find the class of each pixel of a row of patches, and write it as a code.

    Where the four cells around a patch agree on its class, so do its pixels: no step of the
    interpolation turns the order of two logits round.  (At most rounding makes a lower class
    equal, which would then win by its id: a difference of less than rounding.)

    Parameters
    ----------
    semantic
        The logits.
    cells
        Those of the row and of the next, if there is one, were read last.
    image
        Written: a stuff class, or UNASSIGNED + a class of things.
    row
        The row.
    memory
        The logits; ``things`` is written.

    """
    below, things = min(row + 1, len(cells.class_id) - 1), memory.things.marked
    window = Window(_row(cells, row, memory), _row(cells, below, memory))
    found = _write_plain(window, semantic.code_of, image.patches[row], memory.mixed, things)
    if found > 0 and image.axes.y.starts[row] < image.axes.y.starts[row + 1]:
        settle_row(window, image, row, memory.mixed.places[:found], semantic.code_of,
                   memory.contest, things)


@inner
def _row(cells: Cells, row: int, memory: Memory) -> Row:
    """Return what was read of a row."""
    turn = row % 2
    return Row(memory.logits[turn], cells.class_id[row], memory.seconds[turn],
               memory.thirds[turn])


@inner
def _write_plain(window: Window, code_of: npt.NDArray[np.uint16],
                 patches: npt.NDArray[np.uint16], mixed: Marks,
                 things: npt.NDArray[np.bool_]) -> int:
    """
    Write the codes of patches whose cells agree; list the others and return how many.

    ``things`` is written: which of the patches with codes belong to things.
    """
    agrees = things     # at first it holds whether the cells agree
    upper, lower = window.upper.class_id, window.lower.class_id
    last = len(upper) - 1
    for column in range(last):
        agrees[column] = ((upper[column + 1] == upper[column]) & (lower[column] == upper[column])
                          & (lower[column + 1] == upper[column]))
    agrees[last] = lower[last] == upper[last]
    for column in range(last + 1):
        patches[column] = code_of[upper[column]]
    for column in range(last + 1):
        mixed.marked[column] = not agrees[column]
        things[column] &= patches[column] >= UNASSIGNED
    count = list_marked(mixed)
    for place in range(count):
        patches[mixed.places[place]] = OPEN
    return count
