"""Labels, and the probability of each segment's class, summed over its pixels."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...labels import UNLABELED
from ...segments.marks import Marks, list_marked, list_runs
from ...segments.painting import paint_lines
from ...segments.patches import OPEN, CodeImage
from ...segments.workers import Tickets, inlined, inner, int64, take_ticket
from .cells import Cells, finite

_ROWS = 4
"""Rows of cells that a worker takes at once: it looks at their pixels while they are at hand."""


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

    marks: Marks
    """Which they are."""
    changes: npt.NDArray[np.bool_]
    """(W,) the columns of pixels, along the row, that have more than one label."""

    @classmethod
    def new(cls, image: CodeImage) -> Others:
        """Return memory for an image."""
        return cls(Marks.new(image.patches.shape[1]), np.empty(image.pixels.shape[1], np.bool_))


class Labels(NamedTuple):
    """The labels of codes; each but UNLABELED is that of one code."""

    label_of: npt.NDArray[np.uint16]
    """(codes,) label of each code."""
    code_of: npt.NDArray[np.uint16]
    """(65536,) code of each label."""

    @classmethod
    def of(cls, label_of: npt.NDArray[np.uint16]) -> Labels:
        """Return the labels of codes, (codes,)."""
        code_of = np.zeros(UNLABELED + 1, np.uint16)
        code_of[label_of] = np.arange(len(label_of))
        return cls(label_of, code_of)


class Area(NamedTuple):
    """The pixels that are nearest to a cell."""

    row: int
    column: int
    top: int
    bottom: int
    left: int
    right: int


@inner
def label_pixels(tickets: Tickets, classes: Classes, image: CodeImage, labels: Labels,
                 tallies: npt.NDArray[Any], others: Others) -> None:
    """
    Turn the code image into labels, and add the probability of the codes' classes.

    Each pixel has the probability of its nearest cell.

    Parameters
    ----------
    tickets
        As ``run`` gives them.
    classes
        The classes of cells and codes.
    image
        The codes; ``pixels`` become labels.
    labels
        The labels.
    tallies
        (codes,) of ``tallies.TALLY``, whose ``probability`` is added to.
    others
        Scratch.

    """
    y_starts, y_lower = image.axes.y.starts, image.axes.y.lower
    cell_starts = image.axes.y.cell_starts
    rows = len(image.patches)
    while True:
        first = take_ticket(tickets) * _ROWS
        if first >= rows:
            return
        end = min(first + _ROWS, rows)
        top, bottom = int64(cell_starts[first]), int64(cell_starts[end])
        if top == bottom:
            continue
        for row in range(y_lower[top], y_lower[bottom - 1] + 1):
            paint_lines(image, row, max(int64(y_starts[row]), top),
                        min(int64(y_starts[row + 1]), bottom), labels.label_of, others.marks)
        for row in range(first, end):
            if cell_starts[row] < cell_starts[row + 1]:
                _add_plain(classes, image, row, tallies, others)
                _add_others(classes, image, labels, row, others, tallies)


@inner
def _add_plain(classes: Classes, image: CodeImage, row: int, tallies: npt.NDArray[Any],
               others: Others) -> None:
    """Add the cells that lie between patches of one code and of their class; mark the others."""
    above, here = image.patches[max(row - 1, 0)], image.patches[row]
    y_starts, starts = image.axes.y.cell_starts, image.axes.x.cell_starts
    height = int64(y_starts[row + 1]) - y_starts[row]
    _, is_other, places = others.marks
    for run in range(list_runs(here, others.marks)):
        start, end = int64(places[run]), int64(places[run + 1])
        code = here[start]
        is_other[start:end] = True
        start += 1          # that cell lies beside another code
        if code != OPEN and start < end:
            tallies[code].probability += height * _sum_plain(
                (code, classes.class_of[code]), above[start - 1:end],
                classes.cells.class_id[row, start:end], classes.cells.probability[row, start:end],
                starts[start:end + 1], is_other[start:end])


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
def _add_others(classes: Classes, image: CodeImage, labels: Labels, row: int,
                others: Others, tallies: npt.NDArray[Any]) -> None:
    """Add the marked cells of a row, whose pixels are labels."""
    starts, class_of = image.axes.x.cell_starts, classes.class_of
    top, bottom = int64(image.axes.y.cell_starts[row]), int64(image.axes.y.cell_starts[row + 1])
    class_id, probability = classes.cells.class_id[row], classes.cells.probability[row]
    upper, code_of, changes = image.pixels[top], labels.code_of, others.changes
    columns = others.marks.places[:list_marked(others.marks)]
    if len(columns) > 0:
        _find_changes(image.pixels[top:bottom], changes)
    for column in columns:
        left, right = int64(starts[column]), int64(starts[column + 1])
        if left == right:
            continue
        label, differs = upper[left], changes[left]
        for x in range(left + 1, right):
            differs |= changes[x] | (upper[x] != label)
        code = code_of[label]
        if differs or class_of[code] != class_id[column]:
            _add_runs(classes, image.pixels, code_of,
                      Area(row, int64(column), top, bottom, left, right), tallies)
        else:
            tallies[code].probability += (int64(probability[column])
                                          * ((bottom - top) * (right - left)))


@inner
def _find_changes(lines: npt.NDArray[np.uint16], changes: npt.NDArray[np.bool_]) -> None:
    """Tell the columns of some lines that have more than one label."""
    changes[:] = False
    for y in range(1, len(lines)):
        above, here = lines[y - 1], lines[y]
        for x in range(len(changes)):
            changes[x] |= here[x] != above[x]


@inlined
def _add_runs(classes: Classes, labels: npt.NDArray[np.uint16], code_of: npt.NDArray[np.uint16],
              area: Area, tallies: npt.NDArray[Any]) -> None:
    """Add the pixels of a cell, run by run."""
    semantic, cells, class_of = classes
    row, column, top, bottom, first, end = area
    winner = cells.class_id[row, column]
    probability = int64(cells.probability[row, column])
    best = cells.logit[row, column]
    known, share = winner, np.float32(1)        # of the class that was looked up last
    for y in range(top, bottom):
        left = first
        while left < end:
            label, right = labels[y, left], left + 1
            while right < end and labels[y, right] == label:
                right += 1
            part = probability * (right - left)
            left = right
            if label == UNLABELED:
                continue
            code = code_of[label]
            class_id = class_of[code]
            if class_id != winner:
                if class_id != known:
                    known = class_id
                    share = np.exp(finite(semantic[class_id, row, column]) - best)
                part = int64(part * share)
            tallies[code].probability += part
