"""The probability of each segment's class, summed over its pixels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.patches import OPEN, CodeImage
from ...segments.workers import Tickets, inner, int64, take_ticket
from .cells import Cells, finite


class Classes(NamedTuple):
    """What is known of the classes."""

    semantic: npt.NDArray[np.float32]
    """(C, h, w) logits."""
    cells: Cells
    """The likeliest class of each cell."""
    class_of: npt.NDArray[np.uint8]
    """(codes,) class of each code; any where the code is no segment."""


@inner
def add_probability(tickets: Tickets, classes: Classes, image: CodeImage,
                    tallies: npt.NDArray[Any]) -> None:
    """
    Add the probability of the codes' classes: each pixel has that of its nearest cell.

    Parameters
    ----------
    tickets
        As ``run`` gives them.
    classes
        The classes of cells and codes.
    image
        The codes.
    tallies
        (codes,) of ``tallies.TALLY``, whose ``probability`` is added to.

    """
    patches, cells, class_of = image.patches, classes.cells, classes.class_of
    rows, columns = patches.shape
    y_starts, x_starts = image.axes.y.cell_starts, image.axes.x.cell_starts
    while True:
        row = take_ticket(tickets)
        if row >= rows:
            return
        above, here = patches[max(row - 1, 0)], patches[row]
        class_id, probability = cells.class_id[row], cells.probability[row]
        height = int64(y_starts[row + 1]) - y_starts[row]
        last, total = here[0], int64(0)      # of neighbouring plain cells of one code
        for column in range(columns):
            code = here[column]
            plain = _is_plain(above, here, column)
            if plain and class_of[code] == class_id[column]:
                if code != last:
                    if total > 0:
                        tallies[last].probability += total
                    last, total = code, int64(0)
                total += int64(probability[column]) * (
                    height * (x_starts[column + 1] - x_starts[column]))
            else:
                _add_cell(classes, image, row, column, tallies)
        if total > 0:
            tallies[last].probability += total


@inner
def _is_plain(above: npt.NDArray[np.uint16], here: npt.NDArray[np.uint16], column: int) -> bool:
    """Tell whether a cell lies between patches of one code."""
    code, before = here[column], max(column - 1, 0)
    return ((code != OPEN) & (here[before] == code) & (above[before] == code)
            & (above[column] == code))


@inner
def _add_cell(classes: Classes, image: CodeImage, row: int, column: int,
              tallies: npt.NDArray[Any]) -> None:
    """Add the pixels that are nearest to one cell, run by run."""
    semantic, cells, class_of = classes
    axes, patches, pixels = image
    winner = cells.class_id[row, column]
    probability = int64(cells.probability[row, column])
    best = finite(semantic[winner, row, column])
    top, bottom = int64(axes.y.cell_starts[row]), int64(axes.y.cell_starts[row + 1])
    first, end = int64(axes.x.cell_starts[column]), int64(axes.x.cell_starts[column + 1])
    y_middle = min(max(int64(axes.y.starts[row]), top), bottom)
    x_middle = min(max(int64(axes.x.starts[column]), first), end) - first
    known, share = winner, np.float32(1)        # of the class that was looked up last
    for half in range(2):
        start, stop = (y_middle, bottom) if half else (top, y_middle)
        patch_row = row if half else max(row - 1, 0)
        before, after = patches[patch_row, max(column - 1, 0)], patches[patch_row, column]
        is_open = (before == OPEN) & (x_middle > 0) | (after == OPEN) & (x_middle < end - first)
        times = 1 if is_open else stop - start      # as often as the same line comes
        for line in range(start, stop, max(times, 1)):
            codes = pixels[line, first:end]
            left, code = 0, np.uint16(OPEN)
            for right in range(len(codes) + 1):
                following = np.uint16(OPEN)
                if right < len(codes):
                    following = after if right >= x_middle else before
                    following = codes[right] if following == OPEN else following
                if following == code:
                    continue
                if right > left:
                    part, class_id = probability * (right - left), class_of[code]
                    if class_id != winner:
                        if class_id != known:
                            known = class_id
                            share = np.exp(finite(semantic[class_id, row, column]) - best)
                        part = int64(part * share)
                    tallies[code].probability += part * times
                left, code = right, following
