"""The instance of each thing pixel: the centre nearest to where its offset points."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.codes import INSTANCE, UNASSIGNED
from ...segments.patches import OPEN, CodeImage
from ...segments.tallying import tally_row
from ...segments.workers import Tickets, inlined, inner, int64, take_ticket
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
    sure: npt.NDArray[np.bool_]
    """(w,) those that are near to one centre only."""
    nearby: Nearby
    """The candidates of a group of patches."""
    batch: Batch
    """For ``assign_pixels``."""

    @classmethod
    def new(cls, columns: int, centers: int) -> Aim:
        """Return memory for heads of so many columns, and so many centres."""
        return cls(Boxes.new(columns), np.empty(columns, np.bool_), Nearby.new(centers),
                   Batch.new())


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


@inlined
def _assign_group(field: Field, image: CodeImage, group: tuple[int, int, int],
                  has_things: npt.NDArray[np.bool_], aim: Aim, votes: npt.NDArray[np.int64]
                  ) -> None:
    """Assign neighbouring patches: their row, their columns, half-open."""
    boxes, nearby, sure = aim.boxes, aim.nearby, aim.sure
    y, x, number, near, chosen = nearby
    starts, y_starts = image.axes.x.starts, image.axes.y.starts
    row, start, end = group
    patches = image.patches[row]
    lines = image.pixels[y_starts[row]:y_starts[row + 1]]
    center, count = int64(number[0]), int64(0)      # mostly the center of the last patch
    column, is_open = start, False
    _reach(field.centers, center, boxes, sure, column, end)
    while column < end:
        first, code = column, patches[column]
        if not sure[column]:
            if count == 0:
                count = choose_nearby(field.centers, united(boxes, has_things, start, end),
                                      nearby)
            box = Box(boxes.top[column], boxes.bottom[column], boxes.left[column],
                      boxes.right[column])
            column += 1
            if choose(y[:count], x[:count], box, near, chosen) > 1:
                is_open = True
                if code != OPEN:
                    patches[first] = OPEN
                    lines[:, starts[first]:starts[column]] = code
                continue
            center = int64(number[chosen[0]])
            _reach(field.centers, center, boxes, sure, column, end)
        while column < end and sure[column] and patches[column] == code:
            column += 1
        has_things[first:column] = False
        pixels = lines[:, starts[first]:starts[column]]
        if code == OPEN:
            _assign_things(pixels, INSTANCE + center, votes[center])
        else:
            patches[first:column] = INSTANCE + center
            votes[center, code - UNASSIGNED] += pixels.size
    if is_open:
        assign_pixels(field.offsets, image, group, has_things, Candidates(nearby, count),
                      aim.batch, votes)
    number[0] = center


@inner
def _reach(centers: Centers, center: int, boxes: Boxes, sure: npt.NDArray[np.bool_],
           start: int, end: int) -> None:
    """Tell the boxes that are nearer to a centre than any other centre can be."""
    y, x, reach = centers.y[center], centers.x[center], centers.reach[center]
    top, bottom = boxes.top[start:end], boxes.bottom[start:end]
    left, right = boxes.left[start:end], boxes.right[start:end]
    sure = sure[start:end]
    for column in range(len(sure)):
        box = Box(top[column], bottom[column], left[column], right[column])
        sure[column] = farthest(box, y, x) < reach


@inner
def _assign_things(pixels: npt.NDArray[np.uint16], instance: int, votes: npt.NDArray[np.int64]
                   ) -> None:
    """Assign all pixels of things to one instance; count their classes."""
    last, count = np.uint16(UNASSIGNED), int64(0)
    for y in range(pixels.shape[0]):
        for x in range(pixels.shape[1]):
            code = pixels[y, x]
            is_thing = code >= UNASSIGNED
            if is_thing & (code != last):
                votes[last - UNASSIGNED] += count
                last, count = code, int64(0)
            pixels[y, x] = instance if is_thing else code
            count += is_thing
    votes[last - UNASSIGNED] += count
