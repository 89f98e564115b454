"""Where the offsets of the pixels point: their targets."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.upsampling import Axes
from ...segments.workers import compiled
from .cells import finite_offset

_ROUNDED = np.float32(4e-6)     # more than what is rounded, in parts of the values
_LARGEST = np.float32(3.4028235e38)


class Offsets(NamedTuple):
    """The offset head."""

    values: npt.NDArray[np.float32]
    """(2, h, w) offsets (dy, dx) in pixels of the network's input."""
    scale: npt.NDArray[np.float32]
    """(2,) pixels of the image for each of those, (y, x)."""


class Box(NamedTuple):
    """A box around targets, in pixels; both ends belong to it."""

    top: np.float32
    bottom: np.float32
    left: np.float32
    right: np.float32


class Boxes(NamedTuple):
    """The boxes around the targets of each patch of a row, (w,)."""

    top: npt.NDArray[np.float32]
    bottom: npt.NDArray[np.float32]
    left: npt.NDArray[np.float32]
    right: npt.NDArray[np.float32]


@compiled
def new_boxes(columns: int) -> Boxes:
    """Return boxes that are still to be written."""
    return Boxes(np.empty(columns, np.float32), np.empty(columns, np.float32),
                 np.empty(columns, np.float32), np.empty(columns, np.float32))


@compiled
def bound_targets(offsets: Offsets, axes: Axes, row: int, start: int, end: int, boxes: Boxes
                  ) -> None:
    """
    Write the boxes of some neighbouring patches, so wide that no rounding leads out of them.

    A pixel's place and its offset are interpolated between the cells, and so is their sum: it
    lies between the targets of the cells.

    Parameters
    ----------
    offsets
        The offsets.
    axes
        The axes of the image.
    row, start, end
        The patches: their row, their columns, half-open.
    boxes
        Written, from ``start`` to ``end``.

    """
    values, scale = offsets
    below = min(row + 1, values.shape[1] - 1)
    last = values.shape[2] - 1
    inner = min(end, last)
    y, x = axes.y.places, axes.x.places
    upper, lower = values[0, row], values[0, below]
    for column in range(start, end):
        after = column + 1 if column < inner else last
        above_0, above_1 = finite_offset(upper[column]), finite_offset(upper[after])
        below_0, below_1 = finite_offset(lower[column]), finite_offset(lower[after])
        boxes.top[column] = _least(y[0, row] + _least(above_0, above_1) * scale[0],
                                  y[0, below] + _least(below_0, below_1) * scale[0])
        boxes.bottom[column] = _greatest(y[1, row] + _greatest(above_0, above_1) * scale[0],
                                         y[1, below] + _greatest(below_0, below_1) * scale[0])
    upper, lower = values[1, row], values[1, below]
    for column in range(start, end):
        after = column + 1 if column < inner else last
        above_0, above_1 = finite_offset(upper[column]), finite_offset(upper[after])
        below_0, below_1 = finite_offset(lower[column]), finite_offset(lower[after])
        boxes.left[column] = _least(x[0, column] + _least(above_0, below_0) * scale[1],
                                    x[0, after] + _least(above_1, below_1) * scale[1])
        boxes.right[column] = _greatest(x[1, column] + _greatest(above_0, below_0) * scale[1],
                                        x[1, after] + _greatest(above_1, below_1) * scale[1])
    _widen(boxes.top[start:end], boxes.bottom[start:end], len(axes.y.lower))
    _widen(boxes.left[start:end], boxes.right[start:end], len(axes.x.lower))


@compiled
def _least(a: np.float32, b: np.float32) -> np.float32:
    return a if a < b else b


@compiled
def _greatest(a: np.float32, b: np.float32) -> np.float32:
    return a if a > b else b


@compiled
def _widen(low: npt.NDArray[np.float32], high: npt.NDArray[np.float32], pixels: int) -> None:
    """Move the ends of ranges apart by more than the interpolation rounds."""
    for index in range(len(low)):
        more = (_greatest(abs(low[index]), abs(high[index])) + np.float32(pixels)) * _ROUNDED
        low[index] -= more
        high[index] += more


@compiled
def united(boxes: Boxes, start: int, end: int) -> Box:
    """Return the box around some of the boxes."""
    top, bottom, left, right = _LARGEST, -_LARGEST, _LARGEST, -_LARGEST
    for index in range(start, end):
        top = _least(top, boxes.top[index])
        bottom = _greatest(bottom, boxes.bottom[index])
        left = _least(left, boxes.left[index])
        right = _greatest(right, boxes.right[index])
    return Box(top, bottom, left, right)
