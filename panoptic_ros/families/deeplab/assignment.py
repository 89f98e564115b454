"""The instance of each thing pixel: the centre nearest to where its offset points."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.codes import INSTANCE, UNASSIGNED
from ...segments.marks import VECTORS, WORD, Marks, whole
from ...segments.patches import OPEN, CodeImage
from ...segments.workers import inlined, inner, int64
from .candidates import Centers, Nearby, choose_among, choose_nearby, farthest
from .open_patches import Batch, Field, add_patch, assign_batch
from .targets import Box, Boxes, bound_targets, united

_GROUP = VECTORS
"""Neighbouring patches whose candidates are chosen among all centres at once."""


class Aim(NamedTuple):
    """Memory of a worker."""

    boxes: Boxes
    """Those of a row of patches."""
    sure: npt.NDArray[np.bool_]
    """(_GROUP,) the patches of a group that are near to one centre only."""
    last: npt.NDArray[np.int64]
    """(1,) the centre of the last patch: mostly that of the next."""
    nearby: Nearby
    """The candidates of a group."""
    batch: Batch
    """The columns of open patches."""

    @classmethod
    def new(cls, columns: int, centers: int) -> Aim:
        """Return memory for heads of so many columns, and so many centres."""
        return cls(Boxes.new(whole(columns)), np.empty(_GROUP, np.bool_), np.zeros(1, np.int64),
                   Nearby.new(centers), Batch.new(centers))


@inner
def assign_row(field: Field, image: CodeImage, row: int, things: Marks, aim: Aim,
               votes: npt.NDArray[np.int64]) -> None:
    """
    Assign the pixels of things in a row of patches to the nearest centre.

    Parameters
    ----------
    field
        Offsets and centres, at least one.
    image
        UNASSIGNED + a class becomes INSTANCE + a centre.
    row
        The row.
    things
        The patches with a pixel of a thing.
    aim
        Scratch.
    votes
        (K, C), added to: the pixels of each class in each instance.

    """
    columns, end = len(things.marked), int64(0)
    while end < columns:
        start = end
        while end < columns and _has_any(things.words, end):
            end += _GROUP
        if start < end:
            bound_targets(field.offsets, image.axes, row, start, min(end, columns), aim.boxes)
        for first in range(start, end, _GROUP):
            _assign_group(field, image, (row, first, min(first + _GROUP, columns)),
                          things.marked, aim, votes)
        end += _GROUP       # that one has none
    if aim.batch.size[0] > 0:
        assign_batch(field, image, row, aim.batch, votes)


@inlined
def _has_any(words: npt.NDArray[np.uint64], first: int) -> bool:
    """Tell whether a patch of the group that begins there is marked."""
    any_mark = np.uint64(0)
    for word in range(first // WORD, (first + _GROUP) // WORD):
        any_mark |= words[word]
    return any_mark != 0


@inlined
def _assign_group(field: Field, image: CodeImage, group: tuple[int, int, int],
                  things: npt.NDArray[np.bool_], aim: Aim, votes: npt.NDArray[np.int64]) -> None:
    """Assign neighbouring patches: their row, their columns, half-open."""
    boxes, sure, last, nearby, batch = aim
    starts, y_starts = image.axes.x.starts, image.axes.y.starts
    row, start, end = group
    patches = image.patches[row]
    lines = image.pixels[y_starts[row]:y_starts[row + 1]]
    center, count, column = last[0], int64(0), int64(start)
    _reach(field.centers, center, boxes, start, sure)
    while column < end:
        if not things[column]:
            column += 1
            continue
        first, code = column, patches[column]
        if not sure[column - start]:
            if count == 0:
                count = choose_nearby(field.centers, united(boxes, things, start, end), nearby)
            column += 1
            found = choose_among(nearby, count, Box(boxes.top[first], boxes.bottom[first],
                                                    boxes.left[first], boxes.right[first]))
            if found > 1:
                if code != OPEN:
                    patches[first] = OPEN
                    lines[:, starts[first]:starts[column]] = code
                add_patch(field, image, (row, first), nearby, found, batch, votes)
                continue
            center = int64(nearby.center[nearby.near.places[0]])
            _reach(field.centers, center, boxes, start, sure)
        while (column < end and sure[column - start] and patches[column] == code
               and things[column]):
            column += 1
        pixels = lines[:, starts[first]:starts[column]]
        if code == OPEN:
            _assign_things(pixels, INSTANCE + center, votes[center])
        else:
            patches[first:column] = INSTANCE + center
            votes[center, code - UNASSIGNED] += pixels.size
    last[0] = center


@inner
def _reach(centers: Centers, center: int, boxes: Boxes, start: int, sure: npt.NDArray[np.bool_]
           ) -> None:
    """Tell the boxes that are nearer to a centre than any other centre can be."""
    y, x, reach = centers.y[center], centers.x[center], centers.reach[center]
    top, bottom = boxes.top[start:], boxes.bottom[start:]
    left, right = boxes.left[start:], boxes.right[start:]
    for place in range(_GROUP):
        box = Box(top[place], bottom[place], left[place], right[place])
        sure[place] = farthest(box, y, x) < reach


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
