"""The probability of each segment's class, summed over its pixels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.marks import list_marked
from ...segments.patches import OPEN, CodeImage
from ...segments.upsampling import Axes
from ...segments.workers import Tickets, inlined, inner, int64, take_ticket
from .cells import Cells, finite


class Classes(NamedTuple):
    """What is known of the classes."""

    semantic: npt.NDArray[np.float32]
    """(C, h, w) logits."""
    cells: Cells
    """The likeliest class of each cell."""
    class_of: npt.NDArray[np.uint8]
    """(codes,) class of each code; any where the code is no segment."""


class Others(NamedTuple):
    """Memory of a worker: the cells of a row that do not lie between patches of their class."""

    marks: npt.NDArray[np.bool_]
    """(w,)"""
    columns: npt.NDArray[np.int32]
    """(w + 1,) where they are."""

    @classmethod
    def new(cls, columns: int) -> Others:
        """Return memory for rows of so many cells."""
        return cls(np.empty(columns, np.bool_), np.empty(columns + 1, np.int32))


class Area(NamedTuple):
    """The pixels that are nearest to a cell; those before the middles lie in earlier patches."""

    row: int
    column: int
    top: int
    y_middle: int
    bottom: int
    left: int
    x_middle: int
    right: int


@inner
def add_probability(tickets: Tickets, classes: Classes, image: CodeImage,
                    tallies: npt.NDArray[Any], others: Others) -> None:
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
    others
        Scratch.

    """
    rows = len(image.patches)
    while True:
        row = take_ticket(tickets)
        if row >= rows:
            return
        _add_plain(classes, image, row, tallies, others.marks)
        _add_others(classes, image, row, others.columns[:list_marked(*others)], tallies)


@inner
def _add_plain(classes: Classes, image: CodeImage, row: int, tallies: npt.NDArray[Any],
               others: npt.NDArray[np.bool_]) -> None:
    """Add the cells that lie between patches of one code and of their class; mark the others."""
    above, here = image.patches[max(row - 1, 0)], image.patches[row]
    y_starts, starts = image.axes.y.cell_starts, image.axes.x.cell_starts
    height = int64(y_starts[row + 1]) - y_starts[row]
    columns = len(here)
    end = 0
    while end < columns:
        start, code = end, here[end]
        while end < columns and here[end] == code:
            end += 1
        others[start:end] = True
        start += 1          # that cell lies beside another code
        if code != OPEN and start < end:
            tallies[code].probability += height * _sum_plain(
                (code, classes.class_of[code]), above[start - 1:end],
                classes.cells.class_id[row, start:end], classes.cells.probability[row, start:end],
                starts[start:end + 1], others[start:end])


@inner
def _sum_plain(wanted: tuple[np.uint16, np.uint8], above: npt.NDArray[np.uint16],
               class_id: npt.NDArray[np.uint8], probability: npt.NDArray[np.int32],
               starts: npt.NDArray[np.int32], others: npt.NDArray[np.bool_]) -> int:
    """Sum up the cells of a code and a class, times their pixels in a line; mark the others."""
    code, own = wanted
    total = int64(0)
    for cell in range(len(class_id)):
        is_plain = (above[cell] == code) & (above[cell + 1] == code) & (class_id[cell] == own)
        part = int64(probability[cell]) * int64(starts[cell + 1] - starts[cell])
        total += part if is_plain else int64(0)
        others[cell] = not is_plain
    return total


@inner
def _add_others(classes: Classes, image: CodeImage, row: int, columns: npt.NDArray[np.int32],
                tallies: npt.NDArray[Any]) -> None:
    """Add some cells of a row."""
    for column in columns:
        _add_cell(classes, image, _pixels_of(image.axes, row, column), tallies)


@inlined
def _pixels_of(axes: Axes, row: int, column: int) -> Area:
    top, bottom = int64(axes.y.cell_starts[row]), int64(axes.y.cell_starts[row + 1])
    left, right = int64(axes.x.cell_starts[column]), int64(axes.x.cell_starts[column + 1])
    return Area(row, column, top, min(max(int64(axes.y.starts[row]), top), bottom), bottom,
                left, min(max(int64(axes.x.starts[column]), left), right), right)


@inlined
def _add_cell(classes: Classes, image: CodeImage, area: Area, tallies: npt.NDArray[Any]) -> None:
    """Add the pixels of a cell: at once where all are of its class, as most are."""
    pixels = (area.bottom - area.top) * (area.right - area.left)
    if pixels == 0:
        return
    code = _only_code(image, area)
    if code != OPEN and classes.class_of[code] == classes.cells.class_id[area.row, area.column]:
        probability = int64(classes.cells.probability[area.row, area.column])
        tallies[code].probability += probability * pixels
    else:
        _add_runs(classes, image, area, tallies)


@inlined
def _only_code(image: CodeImage, area: Area) -> np.uint16:
    """Return the code that all pixels have, or OPEN."""
    row, column, top, y_middle, bottom, left, x_middle, right = area
    _, patches, pixels = image
    only = np.uint16(OPEN)
    for below in range(2):
        start, stop = (y_middle, bottom) if below else (top, y_middle)
        for after in range(2):
            first, end = (x_middle, right) if after else (left, x_middle)
            if start == stop or first == end:
                continue
            patch = patches[max(row - 1 + below, 0), max(column - 1 + after, 0)]
            code = pixels[start, first] if patch == OPEN else patch
            if only != OPEN and only != code:
                return np.uint16(OPEN)
            only = code
            for y in range(start, stop if patch == OPEN else start):
                for x in range(first, end):
                    if pixels[y, x] != code:
                        return np.uint16(OPEN)
    return only


@inlined
def _add_runs(classes: Classes, image: CodeImage, area: Area, tallies: npt.NDArray[Any]) -> None:
    """Add the pixels of a cell, run by run."""
    semantic, cells, class_of = classes
    row, column, top, y_middle, bottom, first, x_middle, end = area
    patches, pixels = image.patches, image.pixels
    winner = cells.class_id[row, column]
    probability = int64(cells.probability[row, column])
    best = finite(semantic[winner, row, column])
    known, share = winner, np.float32(1)        # of the class that was looked up last
    for half in range(2):
        start, stop = (y_middle, bottom) if half else (top, y_middle)
        patch_row = row if half else max(row - 1, 0)
        before, after = patches[patch_row, max(column - 1, 0)], patches[patch_row, column]
        is_open = (before == OPEN) & (x_middle > first) | (after == OPEN) & (x_middle < end)
        times = 1 if is_open else stop - start      # as often as the same line comes
        for line in range(start, stop, max(times, 1)):
            left, code = first, np.uint16(OPEN)
            for right in range(first, end + 1):
                following = np.uint16(OPEN)
                if right < end:
                    following = after if right >= x_middle else before
                    following = pixels[line, right] if following == OPEN else following
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
