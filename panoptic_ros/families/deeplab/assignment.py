"""The instance of each thing pixel: the centre nearest to where its offset points."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.patches import OPEN, CodeImage
from ...segments.workers import inner
from .candidates import Centers, Nearby, choose, choose_nearby, farthest
from .codes import INSTANCE, UNASSIGNED
from .strips import Tile, assign_strip
from .targets import Box, Boxes, Offsets, bound_targets, united

_GROUP = 16
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
    tile: Tile
    """For ``assign_strip``."""

    @classmethod
    def new(cls, columns: int, centers: int) -> Aim:
        """Return memory for ``assign_row``."""
        return cls(Boxes.new(columns), Nearby.new(centers), Tile.new())


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
    end = np.int64(0)
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
    y, x, index, near, chosen = nearby
    starts, y_starts = image.axes.x.starts, image.axes.y.starts
    row, start, end = group
    first_line, end_line = np.int64(y_starts[row]), np.int64(y_starts[row + 1])
    center, count = np.int64(index[0]), 0       # mostly the center of the last patch
    for column in range(start, end):
        code = patches[row, column]
        if code == OPEN:
            continue
        box = Box(top[column], bottom[column], left[column], right[column])
        is_sure = farthest(box, all_y[center], all_x[center]) < reach[center]
        if not is_sure:
            if count == 0:
                count = choose_nearby(field.centers, united(boxes, start, end), nearby)
            is_sure = choose(y[:count], x[:count], box, near, chosen) == 1
            center = np.int64(index[chosen[0]])
        first, last = np.int64(starts[column]), np.int64(starts[column + 1])
        if is_sure:
            has_things[column] = False
            patches[row, column] = INSTANCE + center
            votes[center, code - UNASSIGNED] += (end_line - first_line) * (last - first)
        else:
            patches[row, column] = OPEN
            for line in range(first_line, end_line):
                for pixel in range(first, last):
                    pixels[line, pixel] = code
    column = start
    while column < end:
        if not has_things[column]:
            column += 1
            continue
        if count == 0:
            count = choose_nearby(field.centers, united(boxes, start, end), nearby)
        first_column = column
        while column < end and has_things[column]:
            column += 1
        several = choose(y[:count], x[:count], united(boxes, first_column, column), near, chosen)
        assign_strip(field.offsets, image, (row, first_column, column), nearby, several,
                     aim.tile, votes)
    index[0] = center
