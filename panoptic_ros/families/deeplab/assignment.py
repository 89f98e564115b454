"""The instance of each thing pixel: the centre nearest to where its offset points."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.patches import OPEN, CodeImage
from ...segments.workers import inner, int64
from .candidates import Centers, Nearby, choose, choose_nearby, farthest
from .codes import INSTANCE, UNASSIGNED
from .open_patches import Batch, Candidates, assign_pixels
from .targets import Box, Boxes, Offsets, bound_targets, united

_GROUP = 32
"""Neighbouring patches whose candidates are chosen among all centres at once."""


class Field(NamedTuple):
    """What the pixels of things point to."""

    offsets: Offsets
    centers: Centers


class Aim(NamedTuple):
    """Memory of ``assign_row``."""

    boxes: Boxes
    """Those of a row of patches."""
    nearby: Nearby
    """The candidates of a group of them."""
    batch: Batch
    """For ``assign_pixels``."""

    @classmethod
    def new(cls, columns: int, centers: int) -> Aim:
        """Return memory for ``assign_row``."""
        return cls(Boxes.new(columns), Nearby.new(centers), Batch.new())


@inner
def assign_row(field: Field, image: CodeImage, row: int, has_things: npt.NDArray[np.bool_],
               aim: Aim, votes: npt.NDArray[np.int64]) -> None:
    """
    Assign the thing pixels of a row of patches to the nearest centre, and count their classes.

    Parameters
    ----------
    field
        Offsets, and at least one centre.
    image
        UNASSIGNED + a class becomes INSTANCE + a centre.
    row
        The row of patches.
    has_things
        (w,) patches with a pixel of a thing; those that are assigned as a whole lose the mark.
    aim
        Scratch.
    votes
        (K, C), added to: the pixels of each class in each instance.

    """
    columns = len(has_things)
    end = int64(0)
    while end < columns:
        if not has_things[end]:
            end += 1
            continue
        start = end
        while end < columns and has_things[end]:
            end += 1
        bound_targets(field.offsets, image.axes, row, start, end, aim.boxes)
        for first in range(start, end, _GROUP):
            _assign_group(field, image, (row, first, min(first + _GROUP, end)), has_things, aim,
                          votes)


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
