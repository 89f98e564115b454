"""From heads to codes: a row of patches after the other, class first, then instance."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.patches import OPEN, CodeImage
from ...segments.tallying import tally_row
from ...segments.workers import Tickets, compiled, inner, take_ticket
from .assignment import Field, assign_row, new_aim
from .cells import Cells, read_probability, read_row
from .classification import Window, new_contest, settle_row
from .codes import UNASSIGNED

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


class Counts(NamedTuple):
    """What each worker counts."""

    tallies: npt.NDArray[Any]
    """(workers, codes) of ``tallies.TALLY``."""
    votes: npt.NDArray[np.int64]
    """(workers, K, C) the pixels of each class in each instance."""


@compiled
def group(tickets: Tickets, worker: int, semantic: Logits, field: Field, cells: Cells,
          image: CodeImage, counts: Counts) -> None:
    """
    Write the code of each pixel, and tally them.

    Where the four cells around a patch agree on its class, so do its pixels: no step of the
    interpolation turns the order of two logits round.  (At most rounding makes a lower class
    equal, which would then win by its id: a difference of less than rounding.)

    Parameters
    ----------
    tickets, worker
        As ``run`` gives them.
    semantic
        The logits.
    field
        The offsets and the centres of things.
    cells
        Written.
    image
        Written: a stuff class, UNASSIGNED + a class of things, or INSTANCE + a centre.
    counts
        Added to.

    """
    values, code_of = semantic
    classes, rows, columns = values.shape
    centers = len(field.centers.y)
    patches, class_id, y_starts = image.patches, cells.class_id, image.axes.y.starts
    tallies, votes = counts.tallies[worker], counts.votes[worker]
    logits = np.empty((2, classes, columns + _SPARE), np.float32)
    contest, aim = new_contest(classes), new_aim(columns, centers)
    mixed = np.empty(columns, np.int32)
    has_things = np.empty(columns, np.bool_)
    while True:
        first = take_ticket(tickets) * _ROWS
        if first >= rows:
            return
        end = min(first + _ROWS, rows)
        _read(values, first, True, logits, cells)
        for row in range(first, end):
            below = min(row + 1, rows - 1)
            if below > row:
                _read(values, below, below < end, logits, cells)
            window = Window(logits[row % 2], logits[below % 2], class_id[row], class_id[below])
            found = _write_plain(window, code_of, patches[row], mixed, has_things)
            if y_starts[row] < y_starts[row + 1]:
                if found > 0:
                    settle_row(window, image, row, mixed[:found], code_of, contest, has_things)
                if centers > 0:
                    assign_row(field, image, row, has_things, aim, votes)
                tally_row(image, row, tallies)


@compiled
def _read(values: npt.NDArray[np.float32], row: int, is_own: bool,
          logits: npt.NDArray[np.float32], cells: Cells) -> None:
    """Read a row of cells; the probabilities only where no other worker does."""
    best = np.empty(len(cells.class_id[row]), np.float32)
    read_row(values, row, logits[row % 2], best, cells.class_id[row])
    if is_own:
        read_probability(logits[row % 2], best, cells.probability[row])


@inner
def _write_plain(window: Window, code_of: npt.NDArray[np.uint16],
                 patches: npt.NDArray[np.uint16], mixed: npt.NDArray[np.int32],
                 has_things: npt.NDArray[np.bool_]) -> int:
    """Write the codes of patches whose cells agree; list the others and return how many."""
    agrees = has_things
    _, _, upper, lower = window
    last = len(upper) - 1
    for column in range(last):
        agrees[column] = ((upper[column + 1] == upper[column]) & (lower[column] == upper[column])
                          & (lower[column + 1] == upper[column]))
    agrees[last] = lower[last] == upper[last]
    count = 0
    for column in range(last + 1):
        code, is_plain = code_of[upper[column]], agrees[column]
        patches[column] = code if is_plain else OPEN
        has_things[column] = is_plain & (code >= UNASSIGNED)
        mixed[count] = column
        count += not is_plain
    return count
