"""From heads to codes: a row of patches after the other, class first, then instance."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.patches import OPEN, CodeImage
from ...segments.tallying import tally_row
from ...segments.workers import Tickets, compiled, take_ticket
from .assignment import assign_row, new_aim
from .candidates import Centers
from .cells import Cells, read_probability, read_row
from .classification import Window, new_contest, settle_row
from .codes import UNASSIGNED
from .targets import Offsets

_ROWS = 16
"""Rows of patches that a worker takes at once; it reads one more row of cells than those."""
_SPARE = 16
"""Rows of a worker's logits are no power of two apart, which would crowd few lines of a cache."""


class Network(NamedTuple):
    """What kernels need of the network."""

    semantic: npt.NDArray[np.float32]
    """(C, h, w) logits."""
    offsets: Offsets
    code_of: npt.NDArray[np.uint16]
    """(C,) code of each class: of stuff, or of things that belong to no centre yet."""


class Counts(NamedTuple):
    """What each worker counts."""

    tallies: npt.NDArray[Any]
    """(workers, codes) of ``tallies.TALLY``."""
    votes: npt.NDArray[np.int64]
    """(workers, K, C) the pixels of each class in each instance."""


@compiled
def group(tickets: Tickets, worker: int, network: Network, centers: Centers, cells: Cells,
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
    network
        The heads.
    centers
        The centres of things.
    cells
        Written.
    image
        Written: a stuff class, UNASSIGNED + a class of things, or INSTANCE + a centre.
    counts
        Added to.

    """
    classes, rows, columns = network.semantic.shape
    logits = np.empty((2, classes, columns + _SPARE), np.float32)
    contest, aim = new_contest(classes, columns), new_aim(columns, len(centers.y))
    mixed = np.empty(columns, np.int32)
    has_things = np.empty(columns, np.bool_)
    while True:
        first = take_ticket(tickets) * _ROWS
        if first >= rows:
            return
        end = min(first + _ROWS, rows)
        _read(network.semantic, first, True, logits, cells)
        for row in range(first, end):
            below = min(row + 1, rows - 1)
            if below > row:
                _read(network.semantic, below, below < end, logits, cells)
            window = Window(logits[row % 2], logits[below % 2], cells.class_id[row],
                            cells.class_id[below])
            patches = image.patches[row]
            found = _write_plain(window, network.code_of, patches, mixed, has_things)
            if image.axes.y.starts[row] < image.axes.y.starts[row + 1]:
                if found > 0:
                    settle_row(window, image, row, mixed[:found], network.code_of, contest,
                               has_things)
                if len(centers.y) > 0:
                    assign_row(network.offsets, centers, image, row, has_things, aim,
                               counts.votes[worker])
                tally_row(image, row, counts.tallies[worker])


@compiled
def _read(semantic: npt.NDArray[np.float32], row: int, is_own: bool,
          logits: npt.NDArray[np.float32], cells: Cells) -> None:
    """Read a row of cells; the probabilities only where no other worker does."""
    best = np.empty(len(cells.class_id[row]), np.float32)
    read_row(semantic, row, logits[row % 2], best, cells.class_id[row])
    if is_own:
        read_probability(logits[row % 2], best, cells.probability[row])


@compiled
def _write_plain(window: Window, code_of: npt.NDArray[np.uint16],
                 patches: npt.NDArray[np.uint16], mixed: npt.NDArray[np.int32],
                 has_things: npt.NDArray[np.bool_]) -> int:
    """Write the codes of patches whose cells agree; list the others and return how many."""
    upper, lower = window.upper_class, window.lower_class
    last = len(upper) - 1
    count = 0
    for column in range(last + 1):
        after = min(column + 1, last)
        class_id = upper[column]
        if (upper[after] == class_id) & (lower[column] == class_id) & (lower[after] == class_id):
            code = code_of[class_id]
            patches[column] = code
            has_things[column] = code >= UNASSIGNED
        else:
            patches[column] = OPEN
            has_things[column] = False
            mixed[count] = column
            count += 1
    return count
