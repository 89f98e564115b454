"""The instance of each thing pixel: the centre nearest to where its offset points."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.patches import OPEN, CodeImage
from ...segments.workers import compiled
from .candidates import Centers, choose, farthest
from .cells import finite_offset
from .codes import INSTANCE, UNASSIGNED
from .targets import Boxes, Offsets, bound_targets, new_boxes, united

_ROWS = 8
_TILE = 64
"""The pixels of open patches are worked on in tiles of at most _ROWS x _TILE."""
_STRIP = 16
"""The candidates are chosen for so many patches at a time."""
_LARGEST = np.float32(3.4028235e38)


class Aim(NamedTuple):
    """Memory of ``assign_row``."""

    boxes: Boxes
    """Those of a row of patches."""
    near: npt.NDArray[np.bool_]
    """(K,) for ``choose``."""
    chosen: npt.NDArray[np.int32]
    """(K,) the candidates."""
    edges: npt.NDArray[np.float32]
    """(4, _TILE) offsets on the upper and the lower edge of a row of patches, of y and of x."""
    target: npt.NDArray[np.float32]
    """(2, _ROWS, _TILE) where the pixels of a tile point to."""
    least: npt.NDArray[np.float32]
    """(_TILE,) squared distances of a row of pixels to ..."""
    nearest: npt.NDArray[np.int32]
    """... the nearest centre."""


@compiled
def new_aim(columns: int, centers: int) -> Aim:
    """Return memory for ``assign_row``."""
    return Aim(new_boxes(columns), np.empty(centers, np.bool_), np.empty(centers, np.int32),
               np.empty((4, _TILE), np.float32), np.empty((2, _ROWS, _TILE), np.float32),
               np.empty(_TILE, np.float32), np.empty(_TILE, np.int32))


@compiled
def assign_row(offsets: Offsets, centers: Centers, image: CodeImage, row: int,
               has_things: npt.NDArray[np.bool_], aim: Aim, votes: npt.NDArray[np.int64]
               ) -> None:
    """
    Assign the thing pixels of a row of patches to the nearest centre, and count their classes.

    Parameters
    ----------
    offsets
        The offsets.
    centers
        The centres, at least one.
    image
        UNASSIGNED + a class becomes INSTANCE + a centre.
    row
        The row of patches.
    has_things
        (w,) patches with a pixel of a thing; those that are decided as a whole lose the mark.
    aim
        Scratch.
    votes
        (K, C), added to: the pixels of each class in each instance.

    """
    columns = len(has_things)
    column = 0
    while column < columns:
        if not has_things[column]:
            column += 1
            continue
        start = column
        while column < columns and has_things[column]:
            column += 1
        bound_targets(offsets, image.axes, row, start, column, aim.boxes)
        _assign_patches(centers, image, row, (start, column), has_things, aim, votes)
        end = start
        while end < column:
            if not has_things[end]:
                end += 1
                continue
            start = end
            while end < column and has_things[end] and end < start + _STRIP:
                end += 1
            count = choose(centers, united(aim.boxes, start, end), aim.near, aim.chosen)
            _assign_strip(offsets, centers, image, row, (start, end), (aim, count), votes)


@compiled
def _assign_patches(centers: Centers, image: CodeImage, row: int, columns: tuple[int, int],
                    has_things: npt.NDArray[np.bool_], aim: Aim, votes: npt.NDArray[np.int64]
                    ) -> None:
    """Assign the patches of one class whose pixels can have but one nearest centre; open others."""
    patches = image.patches[row]
    top, bottom = image.axes.y.starts[row], image.axes.y.starts[row + 1]
    center = 0
    for column in range(columns[0], columns[1]):
        code = patches[column]
        if code == OPEN:
            continue
        left, right = image.axes.x.starts[column], image.axes.x.starts[column + 1]
        box = united(aim.boxes, column, column + 1)
        count = 1
        # the centre of the last patch, mostly
        if farthest(box, centers.y[center], centers.x[center]) >= centers.reach[center]:
            count = choose(centers, box, aim.near, aim.chosen)
            center = aim.chosen[0]
        if count == 1:
            has_things[column] = False
            patches[column] = INSTANCE + center
            votes[center, code - UNASSIGNED] += np.int64(bottom - top) * (right - left)
        else:
            patches[column] = OPEN
            image.pixels[top:bottom, left:right] = code


@compiled
def _assign_strip(offsets: Offsets, centers: Centers, image: CodeImage, row: int,
                  columns: tuple[int, int], candidates: tuple[Aim, int],
                  votes: npt.NDArray[np.int64]) -> None:
    """Assign the pixels of neighbouring open patches."""
    y, x = image.axes
    aim, count = candidates
    chosen = aim.chosen[:count]
    top, bottom = y.starts[row], y.starts[row + 1]
    below = min(row + 1, offsets.values.shape[1] - 1)
    for left in range(x.starts[columns[0]], x.starts[columns[1]], _TILE):
        right = min(left + _TILE, x.starts[columns[1]])
        if count > 1:
            for axis in range(2):
                values = offsets.values[axis]
                _interpolate(values[row], values[below], x.lower[left:right],
                             x.weights[:, left:right], aim.edges[2 * axis:2 * axis + 2])
        for first in range(top, bottom, _ROWS):
            last = min(first + _ROWS, bottom)
            if count > 1:
                _aim(aim, first, left, y.weights[:, first:last], offsets.scale, right - left)
            _assign_tile(aim, centers, chosen, image.pixels[first:last, left:right], votes)


@compiled
def _interpolate(above: npt.NDArray[np.float32], below: npt.NDArray[np.float32],
                 lower: npt.NDArray[np.int32], weights: npt.NDArray[np.float32],
                 edges: npt.NDArray[np.float32]) -> None:
    """Interpolate two rows of the offsets along x."""
    for x in range(len(lower)):
        before = lower[x]
        after = min(before + 1, len(above) - 1)
        left, right = weights[0, x], weights[1, x]
        edges[0, x] = left * finite_offset(above[before]) + right * finite_offset(above[after])
        edges[1, x] = left * finite_offset(below[before]) + right * finite_offset(below[after])


@compiled
def _aim(aim: Aim, top: int, left: int, weights: npt.NDArray[np.float32],
         scale: npt.NDArray[np.float32], width: int) -> None:
    """Write where the offset of each pixel of a tile points, (2, rows, columns)."""
    edges, target = aim.edges, aim.target
    y_scale, x_scale = scale[0], scale[1]
    for row in range(weights.shape[1]):
        upper, lower = weights[0, row], weights[1, row]
        y = np.float32(top + row)
        for x in range(width):
            target[0, row, x] = y + (upper * edges[0, x] + lower * edges[1, x]) * y_scale
        for x in range(width):
            target[1, row, x] = (np.float32(np.int32(left) + np.int32(x))
                                 + (upper * edges[2, x] + lower * edges[3, x]) * x_scale)


@compiled
def _assign_tile(aim: Aim, centers: Centers, chosen: npt.NDArray[np.int32],
                 tile: npt.NDArray[np.uint16], votes: npt.NDArray[np.int64]) -> None:
    """Write the instances of one tile."""
    nearest = aim.nearest
    nearest[:] = chosen[0]
    width = tile.shape[1]
    for row in range(tile.shape[0]):
        if len(chosen) > 1:
            _find_nearest(aim, row, width, centers, chosen)
        right = 0
        while right < width:        # run by run: neighbours mostly share class and instance
            left, code, instance = right, tile[row, right], nearest[right]
            while right < width and tile[row, right] == code and nearest[right] == instance:
                right += 1
            if code >= UNASSIGNED:
                tile[row, left:right] = INSTANCE + instance
                votes[instance, code - UNASSIGNED] += right - left


@compiled
def _find_nearest(aim: Aim, row: int, width: int, centers: Centers,
                  chosen: npt.NDArray[np.int32]) -> None:
    """Write the nearest of the chosen centres to each target, the first on ties."""
    y, x, least, nearest = aim.target[0, row], aim.target[1, row], aim.least, aim.nearest
    least[:] = _LARGEST
    for index in chosen:
        center_y, center_x = centers.y[index], centers.x[index]
        for pixel in range(width):
            dy, dx = y[pixel] - center_y, x[pixel] - center_x
            distance = dy * dy + dx * dx
            closer = distance < least[pixel]
            least[pixel] = distance if closer else least[pixel]
            nearest[pixel] = index if closer else nearest[pixel]
