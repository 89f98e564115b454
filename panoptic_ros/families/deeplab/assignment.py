"""The instance of each thing pixel: the centre nearest to where its offset points."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.codes import INSTANCE, UNASSIGNED
from ...segments.patches import OPEN, CodeImage
from ...segments.tallying import tally_row
from ...segments.workers import Tickets, inner, int64, take_ticket
from .candidates import Centers, Nearby, choose, choose_nearby, farthest
from .open_patches import Batch, Candidates, assign_pixels
from .targets import Box, Boxes, Offsets, bound_targets, united

_GROUP = 32
"""Neighbouring patches whose candidates are chosen among all centres at once."""


class Field(NamedTuple):
    """What the pixels of things point to."""

    offsets: Offsets
    centers: Centers


class Aim(NamedTuple):
    """Memory of a worker."""

    boxes: Boxes
    """Those of a row of patches."""
    nearby: Nearby
    """The candidates of a group of them."""
    batch: Batch
    """For ``assign_pixels``."""

    @classmethod
    def new(cls, columns: int, centers: int) -> Aim:
        """Return memory for heads of so many columns, and so many centres."""
        return cls(Boxes.new(columns), Nearby.new(centers), Batch.new())


class Counts(NamedTuple):
    """What a worker counts."""

    tallies: npt.NDArray[Any]
    """(codes,) of ``tallies.TALLY``."""
    votes: npt.NDArray[np.int64]
    """(K, C) the pixels of each class in each instance."""


@inner
def assign(tickets: Tickets, field: Field, image: CodeImage, has_things: npt.NDArray[np.bool_],
           aim: Aim, counts: Counts) -> None:
    """
    Assign the pixels of things to the nearest centre, and tally all codes.

    Parameters
    ----------
    tickets
        As ``run`` gives them.
    field
        Offsets and centres.
    image
        UNASSIGNED + a class becomes INSTANCE + a centre, if there are any.
    has_things
        (h, w) patches with a pixel of a thing; those that are assigned as a whole lose the mark.
    aim
        Scratch.
    counts
        Added to.

    """
    y_starts, centers = image.axes.y.starts, len(field.centers.reach)
    rows, columns = has_things.shape
    while True:
        row = take_ticket(tickets)
        if row >= rows:
            return
        if y_starts[row] == y_starts[row + 1]:
            continue
        start, end = _next_things(has_things[row], int64(0))
        while centers > 0 and start < columns:
            bound_targets(field.offsets, image.axes, row, start, end, aim.boxes)
            for first in range(start, end, _GROUP):
                _assign_group(field, image, (row, first, min(first + _GROUP, end)),
                              has_things[row], aim, counts.votes)
            start, end = _next_things(has_things[row], end)
        tally_row(image, row, counts.tallies)


@inner
def _next_things(has_things: npt.NDArray[np.bool_], start: int) -> tuple[int, int]:
    """Return the columns, half-open, of the next neighbouring patches with things."""
    columns = len(has_things)
    while start < columns and not has_things[start]:
        start += 1
    end = start
    while end < columns and has_things[end]:
        end += 1
    return start, end


@inner
def _assign_group(field: Field, image: CodeImage, group: tuple[int, int, int],
                  has_things: npt.NDArray[np.bool_], aim: Aim, votes: npt.NDArray[np.int64]
                  ) -> None:
    """Assign neighbouring patches: their row, their columns, half-open."""
    boxes, nearby, patches, pixels = aim.boxes, aim.nearby, image.patches, image.pixels
    top, bottom, left, right = boxes
    all_y, all_x, reach = field.centers
    y, x, number, near, chosen = nearby
    starts, y_starts = image.axes.x.starts, image.axes.y.starts
    row, start, end = group
    first_line, end_line = int64(y_starts[row]), int64(y_starts[row + 1])
    height = end_line - first_line
    center, count = int64(number[0]), 0       # mostly the center of the last patch
    column, is_open = start, False
    while column < end:
        code = patches[row, column]
        if code == OPEN:
            is_open |= has_things[column]
            column += 1
            continue
        first, center_y, center_x = column, all_y[center], all_x[center]
        while column < end and patches[row, column] == code:
            box = Box(top[column], bottom[column], left[column], right[column])
            if farthest(box, center_y, center_x) >= reach[center]:
                break
            column += 1
        if column == first:     # by no means sure: look at the others
            if count == 0:
                count = choose_nearby(field.centers, united(boxes, has_things, start, end),
                                      nearby)
            box = Box(top[column], bottom[column], left[column], right[column])
            column += 1
            if choose(y[:count], x[:count], box, near, chosen) > 1:
                is_open = True
                patches[row, first] = OPEN
                for line in range(first_line, end_line):
                    for pixel in range(starts[first], starts[column]):
                        pixels[line, pixel] = code
                continue
            center = int64(number[chosen[0]])
        for patch in range(first, column):
            has_things[patch] = False
            patches[row, patch] = INSTANCE + center
        votes[center, code - UNASSIGNED] += height * (starts[column] - starts[first])
    if is_open:
        if count == 0:
            count = choose_nearby(field.centers, united(boxes, has_things, start, end), nearby)
        assign_pixels(field.offsets, image, group, has_things, Candidates(nearby, count),
                      aim.batch, votes)
    number[0] = center
