"""Where the offsets of the pixels point: their targets."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.extremes import larger, smaller
from ...segments.upsampling import Axes
from ...segments.workers import inner
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

    @classmethod
    def new(cls, columns: int) -> Boxes:
        """Return boxes that are still to be written."""
        return cls(np.empty(columns, np.float32), np.empty(columns, np.float32),
                     np.empty(columns, np.float32), np.empty(columns, np.float32))


@inner
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
    y, x = axes.y.places, axes.x.places
    y_scale, x_scale = scale[0], scale[1]
    below = min(row + 1, values.shape[1] - 1)
    first, second, third, fourth = y[0, row], y[0, below], y[1, row], y[1, below]
    # views, as loops from 0 on become vectors
    cells = min(end + 1, values.shape[2])
    upper, lower = values[:, row, start:cells], values[:, below, start:cells]
    top, bottom = boxes.top[start:cells], boxes.bottom[start:cells]
    left, right = boxes.left[start:cells], boxes.right[start:cells]
    from_x, to_x = x[0, start:cells], x[1, start:cells]
    for cell in range(len(top)):
        one = finite_offset(upper[0, cell]) * y_scale
        other = finite_offset(lower[0, cell]) * y_scale
        top[cell] = smaller(first + one, second + other)
        bottom[cell] = larger(third + one, fourth + other)
    for cell in range(len(left)):
        one = finite_offset(upper[1, cell]) * x_scale
        other = finite_offset(lower[1, cell]) * x_scale
        left[cell] = from_x[cell] + smaller(one, other)
        right[cell] = to_x[cell] + larger(one, other)
    _unite(top, bottom, len(axes.y.lower))
    _unite(left, right, len(axes.x.lower))


@inner
def _unite(low: npt.NDArray[np.float32], high: npt.NDArray[np.float32], pixels: int) -> None:
    """Join the range of each cell with that of the next; widen it by more than is rounded."""
    last = len(low) - 1
    for cell in range(last):
        low[cell], high[cell] = _widened(smaller(low[cell], low[cell + 1]),
                                         larger(high[cell], high[cell + 1]), pixels)
    low[last], high[last] = _widened(low[last], high[last], pixels)


@inner
def _widened(low: np.float32, high: np.float32, pixels: int) -> tuple[np.float32, np.float32]:
    more = (larger(abs(low), abs(high)) + np.float32(pixels)) * _ROUNDED
    return low - more, high + more


@inner
def united(boxes: Boxes, wanted: npt.NDArray[np.bool_], start: int, end: int) -> Box:
    """Return the box around the wanted boxes from ``start`` to ``end``."""
    tops, bottoms, lefts, rights = boxes
    top, bottom, left, right = _LARGEST, -_LARGEST, _LARGEST, -_LARGEST
    for index in range(start, end):
        if not wanted[index]:
            continue
        top = smaller(top, tops[index])
        bottom = larger(bottom, bottoms[index])
        left = smaller(left, lefts[index])
        right = larger(right, rights[index])
    return Box(top, bottom, left, right)
