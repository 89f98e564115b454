"""Neighbouring patches whose thing pixels are assigned one by one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.patches import CodeImage
from ...segments.workers import inner
from .candidates import Nearby
from .cells import finite_offset
from .codes import INSTANCE, UNASSIGNED
from .targets import Offsets

_ROWS = 8
_COLUMNS = 64
_VECTORS = 32
_LARGEST = np.float32(3.4028235e38)


class Tile(NamedTuple):
    """Memory for at most _ROWS x _COLUMNS pixels, row by row without gaps."""

    edges: npt.NDArray[np.float32]
    """(4, _COLUMNS) offsets on the upper and the lower edge of the patches, of y and of x."""
    y: npt.NDArray[np.float32]
    """(_ROWS * _COLUMNS,) where the pixels point to."""
    x: npt.NDArray[np.float32]
    """(_ROWS * _COLUMNS,)"""
    least: npt.NDArray[np.float32]
    """(_ROWS * _COLUMNS,) squared distances to ..."""
    nearest: npt.NDArray[np.int32]
    """... the nearest of the candidates."""

    @classmethod
    def new(cls) -> Tile:
        """Return memory for ``assign_strip``."""
        pixels = _ROWS * _COLUMNS
        return cls(np.empty((4, _COLUMNS), np.float32), np.empty(pixels, np.float32),
                    np.empty(pixels, np.float32), np.empty(pixels, np.float32),
                    np.empty(pixels, np.int32))


@inner
def assign_strip(offsets: Offsets, image: CodeImage, patches: tuple[int, int, int],
                 nearby: Nearby, count: int, tile: Tile, votes: npt.NDArray[np.int64]) -> None:
    """
    Assign the thing pixels of open patches, and count their classes.

    Parameters
    ----------
    offsets
        The offsets.
    image
        UNASSIGNED + a class becomes INSTANCE + a centre.
    patches
        The patches: their row, their columns, half-open.
    nearby, count
        The centres that can be the nearest, chosen before, and how many.
    tile
        Scratch.
    votes
        (K, C), added to: the pixels of each class in each instance.

    """
    row, start, end = patches
    y, x = image.axes
    values, scale = offsets
    y_weights, x_weights, lower, pixels = y.weights, x.weights, x.lower, image.pixels
    top, bottom = np.int64(y.starts[row]), np.int64(y.starts[row + 1])
    below = min(row + 1, values.shape[1] - 1)
    first, last = np.int64(x.starts[start]), np.int64(x.starts[end])
    for left in range(first, last, _COLUMNS):
        right = min(left + _COLUMNS, last)
        if count > 1:
            _interpolate(values[:, row], values[:, below], lower[left:right],
                         x_weights[:, left:right], tile.edges)
        for line in range(top, bottom, _ROWS):
            end_line = min(line + _ROWS, bottom)
            if count > 1:
                _aim(tile, (line, left, right - left), y_weights[:, line:end_line], scale)
            _assign(tile, nearby, count, pixels[line:end_line, left:right], votes)


@inner
def _interpolate(above: npt.NDArray[np.float32], below: npt.NDArray[np.float32],
                 lower: npt.NDArray[np.int32], weights: npt.NDArray[np.float32],
                 edges: npt.NDArray[np.float32]) -> None:
    """Interpolate two rows of the offsets, (2, w) each, along x."""
    last = above.shape[1] - 1
    for axis in range(2):
        for x in range(len(lower)):
            before = lower[x]
            after = min(before + 1, last)
            left, right = weights[0, x], weights[1, x]
            edges[2 * axis, x] = (left * finite_offset(above[axis, before])
                                  + right * finite_offset(above[axis, after]))
            edges[2 * axis + 1, x] = (left * finite_offset(below[axis, before])
                                      + right * finite_offset(below[axis, after]))


@inner
def _aim(tile: Tile, place: tuple[int, int, int], weights: npt.NDArray[np.float32],
         scale: npt.NDArray[np.float32]) -> None:
    """Write where the offset of each pixel points; ``place`` is top, left and width."""
    edges, target_y, target_x, _, _ = tile
    top, left, width = place
    y_scale, x_scale = scale[0], scale[1]
    for row in range(weights.shape[1]):
        upper, lower = weights[0, row], weights[1, row]
        y = np.float32(top + row)
        for x in range(width):
            target_y[row * width + x] = y + (upper * edges[0, x] + lower * edges[1, x]) * y_scale
            target_x[row * width + x] = (np.float32(np.int32(left) + np.int32(x))
                                         + (upper * edges[2, x] + lower * edges[3, x]) * x_scale)


@inner
def _assign(tile: Tile, nearby: Nearby, count: int, pixels: npt.NDArray[np.uint16],
            votes: npt.NDArray[np.int64]) -> None:
    """Write the instances of one tile."""
    nearest, index = tile.nearest, nearby.index
    rows, columns = pixels.shape
    _find_nearest(tile, nearby, count, rows * columns)
    for row in range(rows):
        right = 0
        while right < columns:      # run by run: neighbours mostly share class and instance
            left, code, candidate = right, pixels[row, right], nearest[row * columns + right]
            while (right < columns and pixels[row, right] == code
                   and nearest[row * columns + right] == candidate):
                right += 1
            if code >= UNASSIGNED:
                instance = index[candidate]
                for pixel in range(left, right):
                    pixels[row, pixel] = INSTANCE + instance
                votes[instance, code - UNASSIGNED] += right - left


@inner
def _find_nearest(tile: Tile, nearby: Nearby, count: int, pixels: int) -> None:
    """Find the nearest of the chosen candidates to each target, the first on ties."""
    _, target_y, target_x, least, nearest = tile
    y, x, _, _, chosen = nearby
    pixels = (pixels + _VECTORS - 1) // _VECTORS * _VECTORS     # whole vectors; the rest is unread
    for pixel in range(pixels):
        least[pixel] = _LARGEST
        nearest[pixel] = chosen[0]
    if count == 1:
        return
    for place in range(count):
        candidate = chosen[place]
        center_y, center_x = y[candidate], x[candidate]
        for pixel in range(pixels):
            dy, dx = target_y[pixel] - center_y, target_x[pixel] - center_x
            distance = dy * dy + dx * dx
            closer = distance < least[pixel]
            least[pixel] = distance if closer else least[pixel]
            nearest[pixel] = candidate if closer else nearest[pixel]
