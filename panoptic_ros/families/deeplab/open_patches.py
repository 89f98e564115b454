"""
The pixels of open patches, which are assigned one by one.

Columns of pixels of several patches make a batch, so that vectors run over them.  All of its
pixels look at the centres that are near to any of its patches.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.codes import INSTANCE, UNASSIGNED
from ...segments.marks import Marks, list_marked, whole
from ...segments.patches import CodeImage
from ...segments.workers import inlined, inner, int64
from .candidates import Centers, Nearby
from .cells import finite_offset
from .targets import Offsets

_COLUMNS = 32
"""Columns of pixels that are assigned at a time, from some patches of a row ..."""
_PIECE = 16
"""... of a patch at most so many are added at once ..."""
_PIXELS = 512
"""... and as many lines of them as make so many pixels: whole vectors."""
_TURN = 4
"""Centres whose distances are compared at a time."""


class Batch(NamedTuple):
    """Columns of pixels, and what is computed for some lines of them, one after the other."""

    size: npt.NDArray[np.int64]
    """(1,) the columns ..."""
    column: npt.NDArray[np.uint32]
    """(_COLUMNS,) ... which they are ..."""
    edges: npt.NDArray[np.float32]
    """... (4, _COLUMNS) and the offsets at the upper and the lower edge: y, y, x, x."""
    wanted: Marks
    """(K,) the centres that can be the nearest to a pixel."""
    y: npt.NDArray[np.float32]
    """(_PIXELS,) where each pixel points to."""
    x: npt.NDArray[np.float32]
    """(_PIXELS,)"""
    least: npt.NDArray[np.float32]
    """(_PIXELS,) the squared distance to ..."""
    nearest: npt.NDArray[np.uint32]
    """... the nearest centre."""

    @classmethod
    def new(cls, centers: int) -> Batch:
        """Return memory for rows of patches and so many centres."""
        return cls(np.zeros(1, np.int64), np.empty(_COLUMNS, np.uint32),
                   np.empty((4, _COLUMNS), np.float32), Marks.new(centers),
                   np.zeros(_PIXELS, np.float32), np.zeros(_PIXELS, np.float32),
                   np.empty(_PIXELS, np.float32), np.empty(_PIXELS, np.uint32))


class Field(NamedTuple):
    """What the pixels of things point to."""

    offsets: Offsets
    centers: Centers


@inlined
def add_patch(field: Field, image: CodeImage, patch: tuple[int, int], nearby: Nearby,
              found: int, batch: Batch, votes: npt.NDArray[np.int64]) -> None:
    """
    Add the columns of a patch to a batch, which is assigned first if it has no room for them.

    Parameters
    ----------
    field
        Offsets and centres.
    image
        As in ``assign_batch``.
    patch
        Its row and its column.
    nearby, found
        The centres that can be the nearest are listed in ``near``, and how many they are.
    batch
        The batch.
    votes
        As in ``assign_batch``.

    """
    row, column = patch
    starts, center, wanted = image.axes.x.starts, nearby.center, batch.wanted.marked
    start, end = int64(starts[column]), int64(starts[column + 1])
    for left in range(start, end, _PIECE):
        right = min(left + _PIECE, end)
        if batch.size[0] + (right - left) > _COLUMNS:
            assign_batch(field, image, row, batch, votes)
        for place in range(found):
            wanted[center[nearby.near.places[place]]] = True
        _add_columns(field.offsets.values, image, patch, (left, right), batch)


@inlined
def _add_columns(offsets: npt.NDArray[np.float32], image: CodeImage, patch: tuple[int, int],
                 piece: tuple[int, int], batch: Batch) -> None:
    """Add the columns of a piece of a patch."""
    row, column = patch
    left, right = piece
    below = min(row + 1, offsets.shape[1] - 1)
    after = min(column + 1, offsets.shape[2] - 1)
    y_00, y_01 = finite_offset(offsets[0, row, column]), finite_offset(offsets[0, row, after])
    y_10, y_11 = finite_offset(offsets[0, below, column]), finite_offset(offsets[0, below, after])
    x_00, x_01 = finite_offset(offsets[1, row, column]), finite_offset(offsets[1, row, after])
    x_10, x_11 = finite_offset(offsets[1, below, column]), finite_offset(offsets[1, below, after])
    weights, edges, place = image.axes.x.weights, batch.edges, batch.size[0]
    for x in range(left, right):
        before, beyond = weights[0, x], weights[1, x]
        batch.column[place] = x
        edges[0, place] = before * y_00 + beyond * y_01
        edges[1, place] = before * y_10 + beyond * y_11
        edges[2, place] = before * x_00 + beyond * x_01
        edges[3, place] = before * x_10 + beyond * x_11
        place += 1
    batch.size[0] = place


@inner
def assign_batch(field: Field, image: CodeImage, row: int, batch: Batch,
                 votes: npt.NDArray[np.int64]) -> None:
    """
    Assign the thing pixels of a batch, count their classes, and empty the batch.

    Parameters
    ----------
    field
        Offsets and centres.
    image
        UNASSIGNED + a class becomes INSTANCE + a centre.
    row
        The row of patches.
    batch
        The batch.
    votes
        (K, C), added to: the pixels of each class in each instance.

    """
    y_starts, columns = image.axes.y.starts, batch.size[0]
    first, end = int64(y_starts[row]), int64(y_starts[row + 1])
    candidates = list_marked(batch.wanted)
    lines = _PIXELS // columns
    for top in range(first, end, lines):
        bottom = min(top + lines, end)
        _aim(field.offsets.scale, image, (top, bottom), batch)
        _find_nearest(field.centers, candidates, (bottom - top) * columns, batch)
        _write(image.pixels, (top, bottom), batch, votes)
    batch.size[0] = 0
    batch.wanted.words[:] = 0


@inlined
def _aim(scale: npt.NDArray[np.float32], image: CodeImage, lines: tuple[int, int], batch: Batch
         ) -> None:
    """Write where the pixels of some lines point to."""
    count = batch.size[0]
    y_scale, x_scale = scale[0], scale[1]
    y_above, y_below = batch.edges[0, :count], batch.edges[1, :count]
    x_above, x_below = batch.edges[2, :count], batch.edges[3, :count]
    column, weights = batch.column[:count], image.axes.y.weights
    for line in range(lines[0], lines[1]):
        upper, lower, place = weights[0, line], weights[1, line], np.float32(line)
        start = (line - lines[0]) * count
        target_y, target_x = batch.y[start:start + count], batch.x[start:start + count]
        for index in range(count):
            target_y[index] = place + (upper * y_above[index] + lower * y_below[index]) * y_scale
        for index in range(count):
            target_x[index] = np.float32(column[index]) + (
                upper * x_above[index] + lower * x_below[index]) * x_scale


@inlined
def _find_nearest(centers: Centers, count: int, pixels: int, batch: Batch) -> None:
    """Find the wanted centre that is nearest to each target, the first of equally near ones."""
    wanted, target_y, target_x = batch.wanted.places, batch.y, batch.x
    least, nearest = batch.least, batch.nearest
    pixels = whole(pixels)      # the rest is unread
    last = count - 1
    least[:pixels], nearest[:pixels] = np.inf, wanted[0]
    for first in range(0, count, _TURN):
        one = _candidate(centers, wanted, first)
        two = _candidate(centers, wanted, min(first + 1, last))
        three = _candidate(centers, wanted, min(first + 2, last))
        four = _candidate(centers, wanted, min(first + 3, last))
        for pixel in range(pixels):
            y, x = target_y[pixel], target_x[pixel]
            best, who = least[pixel], nearest[pixel]
            best, who = _closer(y, x, one, best, who)
            best, who = _closer(y, x, two, best, who)
            best, who = _closer(y, x, three, best, who)
            least[pixel], nearest[pixel] = _closer(y, x, four, best, who)


class _Candidate(NamedTuple):
    """A centre, and which it is."""

    y: np.float32
    x: np.float32
    center: np.uint32


@inner
def _candidate(centers: Centers, wanted: npt.NDArray[np.uint32], place: int) -> _Candidate:
    center = wanted[place]
    return _Candidate(centers.y[center], centers.x[center], center)


@inner
def _closer(y: np.float32, x: np.float32, candidate: _Candidate, least: np.float32,
            nearest: np.uint32) -> tuple[np.float32, np.uint32]:
    """Return the least distance and the nearest centre, with one more; the earlier on ties."""
    dy, dx = y - candidate.y, x - candidate.x
    distance = dy * dy + dx * dx
    closer = distance < least
    return (distance if closer else least), (candidate.center if closer else nearest)


@inlined
def _write(image: npt.NDArray[np.uint16], lines: tuple[int, int], batch: Batch,
           votes: npt.NDArray[np.int64]) -> None:
    """Write the instances of the things' pixels, and count their classes."""
    count, column, nearest, place = batch.size[0], batch.column, batch.nearest, int64(0)
    for y in range(lines[0], lines[1]):
        codes = image[y]
        for index in range(count):
            x, instance = column[index], nearest[place]
            code = codes[x]
            if code >= UNASSIGNED:
                codes[x] = INSTANCE + instance
                votes[instance, code - np.uint64(UNASSIGNED)] += 1
            place += 1
