"""The thing pixels of open patches, which are assigned one by one."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.codes import INSTANCE, UNASSIGNED
from ...segments.patches import CodeImage
from ...segments.workers import inlined, inner, int64
from .candidates import Nearby, choose
from .cells import finite_offset
from .targets import Box, Offsets

_PIXELS = 512
"""Pixels that are assigned at a time: a multiple of what vectors hold."""
_ROWS = 8
_COLUMNS = 64
"""A piece of a patch has at most _ROWS x _COLUMNS of them."""
_VECTORS = 32


class Batch(NamedTuple):
    """Pieces of patches, and the pixels of things in them one after the other."""

    column: npt.NDArray[np.int32]
    """(_PIXELS,) the column of patches that each piece belongs to ..."""
    left: npt.NDArray[np.int32]
    """... its first column of pixels ..."""
    right: npt.NDArray[np.int32]
    """... and past its last."""
    y: npt.NDArray[np.float32]
    """(_PIXELS + 1,) where each pixel points to."""
    x: npt.NDArray[np.float32]
    """(_PIXELS + 1,)"""
    least: npt.NDArray[np.float32]
    """(_PIXELS,) the squared distance to ..."""
    nearest: npt.NDArray[np.int32]
    """... the nearest of the candidates."""

    @classmethod
    def new(cls) -> Batch:
        """Return memory for ``assign_pixels``."""
        size = _PIXELS + 1
        return cls(np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.int32),
                   np.zeros(size, np.float32), np.zeros(size, np.float32),
                   np.empty(size, np.float32), np.empty(size, np.int32))


class Candidates(NamedTuple):
    """The centres that can be the nearest."""

    nearby: Nearby
    """The centres ..."""
    number: int
    """... and how many they are."""


@inlined
def assign_pixels(offsets: Offsets, image: CodeImage, group: tuple[int, int, int],
                  has_things: npt.NDArray[np.bool_], candidates: Candidates, batch: Batch,
                  votes: npt.NDArray[np.int64]) -> None:
    """
    Assign the thing pixels of open patches, and count their classes.

    Parameters
    ----------
    offsets
        The offsets.
    image
        UNASSIGNED + a class becomes INSTANCE + a centre.
    group
        Neighbouring patches: their row, their columns, half-open.
    has_things
        (w,) those of them that are looked at.
    candidates
        The centres.
    batch
        Scratch.
    votes
        (K, C), added to: the pixels of each class in each instance.

    """
    row, start, end = group
    y_starts, x_starts = image.axes.y.starts, image.axes.x.starts
    first_line, end_line = int64(y_starts[row]), int64(y_starts[row + 1])
    for top in range(first_line, end_line, _ROWS):
        bottom = min(top + _ROWS, end_line)
        pieces, pixels = int64(0), int64(0)
        for column in range(start, end):
            if not has_things[column]:
                continue
            last = int64(x_starts[column + 1])
            for left in range(int64(x_starts[column]), last, _COLUMNS):
                right = min(left + _COLUMNS, last)
                if (pixels + (bottom - top) * (right - left) > _PIXELS) | (pieces == _PIXELS):
                    _assign_batch(image.pixels, (top, bottom), pieces, pixels, candidates, batch,
                                  votes)
                    pieces, pixels = int64(0), int64(0)
                batch.column[pieces], batch.left[pieces] = column, left
                batch.right[pieces] = right
                pixels = _aim(offsets, image, (row, top, bottom), pieces, pixels, batch)
                pieces += 1
        _assign_batch(image.pixels, (top, bottom), pieces, pixels, candidates, batch, votes)


@inlined
def _aim(offsets: Offsets, image: CodeImage, lines: tuple[int, int, int], piece: int,
         pixel: int, batch: Batch) -> int:
    """
    Write where the thing pixels of a piece point to, and return how many pixels the batch has.

    ``lines`` are the row of patches and the rows of pixels, half-open.
    """
    values, scale = offsets
    row, top, bottom = lines
    left, right = int64(batch.left[piece]), int64(batch.right[piece])
    codes = image.pixels[top:bottom, left:right]
    y_weights = image.axes.y.weights[:, top:bottom]
    x_weights = image.axes.x.weights[:, left:right]
    target_y, target_x = batch.y[pixel:], batch.x[pixel:]
    below, column = min(row + 1, values.shape[1] - 1), batch.column[piece]
    after = min(column + 1, values.shape[2] - 1)
    y_00, y_01 = finite_offset(values[0, row, column]), finite_offset(values[0, row, after])
    y_10, y_11 = finite_offset(values[0, below, column]), finite_offset(values[0, below, after])
    x_00, x_01 = finite_offset(values[1, row, column]), finite_offset(values[1, row, after])
    x_10, x_11 = finite_offset(values[1, below, column]), finite_offset(values[1, below, after])
    y_scale, x_scale = scale[0], scale[1]
    found = 0
    for x in range(codes.shape[1]):
        before, beyond, place = x_weights[0, x], x_weights[1, x], np.float32(left + x)
        y_above, y_below = before * y_00 + beyond * y_01, before * y_10 + beyond * y_11
        x_above, x_below = before * x_00 + beyond * x_01, before * x_10 + beyond * x_11
        for y in range(codes.shape[0]):
            upper, lower = y_weights[0, y], y_weights[1, y]
            target_y[found] = np.float32(top + y) + (upper * y_above + lower * y_below) * y_scale
            target_x[found] = place + (upper * x_above + lower * x_below) * x_scale
            found += codes[y, x] >= UNASSIGNED
    return pixel + found


@inner
def _assign_batch(image: npt.NDArray[np.uint16], lines: tuple[int, int], pieces: int, pixels: int,
                  candidates: Candidates, batch: Batch, votes: npt.NDArray[np.int64]) -> None:
    """Assign the pixels of a batch."""
    if pixels > 0:
        y, x, _, near, chosen = candidates.nearby
        count = choose(y[:candidates.number], x[:candidates.number], _box(batch, pixels), near,
                       chosen)
        _find_nearest(candidates.nearby, count, pixels, batch)
        _write(image, lines, pieces, candidates.nearby, batch, votes)


@inlined
def _box(batch: Batch, pixels: int) -> Box:
    """Return the box around the targets."""
    y, x = batch.y, batch.x
    top, bottom, left, right = y[0], y[0], x[0], x[0]
    for pixel in range(1, pixels):
        top = y[pixel] if y[pixel] < top else top
        bottom = y[pixel] if y[pixel] > bottom else bottom
        left = x[pixel] if x[pixel] < left else left
        right = x[pixel] if x[pixel] > right else right
    return Box(top, bottom, left, right)


@inlined
def _find_nearest(nearby: Nearby, count: int, pixels: int, batch: Batch) -> None:
    """Find the chosen centre that is nearest to each target, the first of equally near ones."""
    y, x, _, _, chosen = nearby
    _, _, _, target_y, target_x, least, nearest = batch
    pixels = (pixels + _VECTORS - 1) // _VECTORS * _VECTORS     # whole vectors; the rest is unread
    first = chosen[0]
    center_y, center_x = y[first], x[first]
    for pixel in range(pixels):
        dy, dx = target_y[pixel] - center_y, target_x[pixel] - center_x
        least[pixel] = dy * dy + dx * dx
        nearest[pixel] = first
    for place in range(1, count):
        candidate = chosen[place]
        center_y, center_x = y[candidate], x[candidate]
        for pixel in range(pixels):
            dy, dx = target_y[pixel] - center_y, target_x[pixel] - center_x
            distance = dy * dy + dx * dx
            closer = distance < least[pixel]
            least[pixel] = distance if closer else least[pixel]
            nearest[pixel] = candidate if closer else nearest[pixel]


@inlined
def _write(image: npt.NDArray[np.uint16], lines: tuple[int, int], pieces: int, nearby: Nearby,
           batch: Batch, votes: npt.NDArray[np.int64]) -> None:
    """Write the instances of the things' pixels."""
    index, nearest = nearby.center, batch.nearest
    place, count = 0, 0
    candidate, last = nearest[0], np.uint16(UNASSIGNED)     # those of the last pixels
    instance = index[candidate]
    for piece in range(pieces):
        codes = image[lines[0]:lines[1], batch.left[piece]:batch.right[piece]]
        for x in range(codes.shape[1]):
            for y in range(codes.shape[0]):
                code = codes[y, x]
                if code >= UNASSIGNED:
                    if code != last or nearest[place] != candidate:
                        votes[instance, last - UNASSIGNED] += count
                        candidate, last, count = nearest[place], code, 0
                        instance = index[candidate]
                    codes[y, x] = INSTANCE + instance
                    count += 1
                    place += 1
    votes[instance, last - UNASSIGNED] += count
