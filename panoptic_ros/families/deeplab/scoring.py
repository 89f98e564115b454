"""The probability of each segment's class, summed over its pixels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.patches import OPEN, CodeImage
from ...segments.workers import Tickets, compiled, take_ticket
from .cells import Cells, finite


class Classes(NamedTuple):
    """What is known of the classes."""

    semantic: npt.NDArray[np.float32]
    """(C, h, w) logits."""
    cells: Cells
    """The likeliest class of each cell."""
    class_of: npt.NDArray[np.uint8]
    """(codes,) class of each code; any where the code is no segment."""


class Line(NamedTuple):
    """The pixels of one row that are nearest to a cell; they lie in two patches."""

    row: int
    """The cell: its row ..."""
    column: int
    """... and its column."""
    left: int
    """The first pixel ..."""
    middle: int
    """... the first of the second patch ..."""
    right: int
    """... and past the last."""
    before: np.uint16
    """Code of the first patch ..."""
    after: np.uint16
    """... and of the second."""


@compiled
def add_probability(tickets: Tickets, worker: int, classes: Classes, image: CodeImage,
                    tallies: npt.NDArray[Any]) -> None:
    """
    Add the probability of the codes' classes: each pixel has that of its nearest cell.

    Parameters
    ----------
    tickets, worker
        As ``run`` gives them.
    classes
        The classes of cells and codes.
    image
        The codes.
    tallies
        (workers, codes) of ``tallies.TALLY``, whose ``probability`` is added to.

    """
    rows, columns = image.patches.shape
    tally = tallies[worker]
    y, x = image.axes
    while True:
        row = take_ticket(tickets)
        if row >= rows:
            return
        top, bottom = y.cell_starts[row], y.cell_starts[row + 1]
        middle = max(top, min(y.starts[row], bottom))
        above, here = image.patches[max(row - 1, 0)], image.patches[row]
        for column in range(columns):
            before = max(column - 1, 0)
            left, right = x.cell_starts[column], x.cell_starts[column + 1]
            code = here[column]
            if ((code != OPEN) & (code == here[before]) & (code == above[column])
                    & (code == above[before])):
                if classes.class_of[code] == classes.cells.class_id[row, column]:
                    tally[code].probability += np.int64(
                        classes.cells.probability[row, column]) * (
                            np.int64(bottom - top) * (right - left))
                    continue
            split = max(left, min(x.starts[column], right))
            _add(classes, Line(row, column, left, split, right, above[before], above[column]),
                 image.pixels[top:middle], tally)
            _add(classes, Line(row, column, left, split, right, here[before], here[column]),
                 image.pixels[middle:bottom], tally)


@compiled
def _add(classes: Classes, line: Line, pixels: npt.NDArray[np.uint16], tally: npt.NDArray[Any]
         ) -> None:
    """Add some rows of pixels; where no patch is open they are all the same."""
    is_open = ((line.before == OPEN) & (line.left < line.middle)
               | (line.after == OPEN) & (line.middle < line.right))
    if is_open:
        for y in range(len(pixels)):
            _add_line(classes, line, pixels[y], 1, tally)
    elif len(pixels) > 0:
        _add_line(classes, line, pixels[0], len(pixels), tally)


@compiled
def _add_line(classes: Classes, line: Line, pixels: npt.NDArray[np.uint16], times: int,
              tally: npt.NDArray[Any]) -> None:
    """Add one row of pixels so many times, run by run."""
    winner = classes.cells.class_id[line.row, line.column]
    probability = np.int64(classes.cells.probability[line.row, line.column])
    right = line.left
    while right < line.right:
        left, code = right, _code_at(line, pixels, right)
        while right < line.right and _code_at(line, pixels, right) == code:
            right += 1
        part = probability * (right - left)
        class_id = classes.class_of[code]
        if class_id != winner:
            semantic = classes.semantic[:, line.row, line.column]
            part = np.int64(part * np.exp(finite(semantic[class_id]) - finite(semantic[winner])))
        tally[code].probability += part * times


@compiled
def _code_at(line: Line, pixels: npt.NDArray[np.uint16], x: int) -> np.uint16:
    code = line.before if x < line.middle else line.after
    return pixels[x] if code == OPEN else code
