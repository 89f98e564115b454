"""Which centres can be the nearest to what lies in a box."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.marks import WORD, Marks, list_marked, whole
from ...segments.workers import compiled, inner
from .targets import Box

_LARGEST = np.float32(3.4028235e38)
_FAR = np.float32(1e18)
_HALF = np.float32(0.4995)      # less than half, by more than squared distances are rounded


@inner
def _bits(value: np.float32) -> np.int32:
    """Return the bits of a float; of floats over zero they are in the same order."""
    number = np.float32(value)
    return number.view(np.int32)


@inner
def _float(bits: np.int32) -> np.float32:
    number = np.int32(bits)
    return number.view(np.float32)


class Centers(NamedTuple):
    """The centres of things, as kernels take them."""

    y: npt.NDArray[np.float32]
    """(K,) in pixels; there are some more, far away, that fill vectors."""
    x: npt.NDArray[np.float32]
    """(K,) and more."""
    reach: npt.NDArray[np.float32]
    """(K,) what is nearer to the centre, by the square of the distance, is near to no other."""

    @classmethod
    def of(cls, places: npt.NDArray[np.int64]) -> Centers:
        """Return the centres at (y, x), (K, 2)."""
        filled = np.full((2, whole(len(places))), _FAR, np.float32)
        filled[:, :len(places)] = places.T
        reach = _measure_reach(filled[0, :len(places)], filled[1, :len(places)])
        return cls(filled[0], filled[1], reach)


@compiled
def _measure_reach(y: npt.NDArray[np.float32], x: npt.NDArray[np.float32]
                   ) -> npt.NDArray[np.float32]:
    """Return the square of about half the distance from each centre to the next one."""
    reach = np.empty(len(y), np.float32)
    for index in range(len(y)):
        bits = _bits(_LARGEST)
        for other in range(len(y)):
            dy, dx = y[other] - y[index], x[other] - x[index]
            distance = dy * dy + dx * dx
            own = _bits(distance if other != index else _LARGEST)
            bits = own if own < bits else bits
        reach[index] = _float(bits) * _HALF * _HALF
    return reach


@inner
def farthest(box: Box, y: np.float32, x: np.float32) -> np.float32:
    """Return the square of the distance from a centre to the farthest point of a box."""
    low, high = y - box.top, box.bottom - y
    dy = low if low > high else high
    low, high = x - box.left, box.right - x
    dx = low if low > high else high
    return dy * dy + dx * dx


@inner
def _closest(box: Box, y: np.float32, x: np.float32) -> np.float32:
    """Return the square of the distance from a centre to the closest point of a box."""
    low, high = box.top - y, y - box.bottom
    dy = low if low > high else high
    dy = dy if dy > np.float32(0) else np.float32(0)
    low, high = box.left - x, x - box.right
    dx = low if low > high else high
    dx = dx if dx > np.float32(0) else np.float32(0)
    return dy * dy + dx * dx


@inner
def mark_near(y: npt.NDArray[np.float32], x: npt.NDArray[np.float32], box: Box,
              marked: npt.NDArray[np.bool_]) -> None:
    """
    Mark the centres that can be the nearest to a target in a box.

    A centre is left out when it is farther from the box than the farthest corner of the box
    from another centre.  Rounding keeps the order of these distances, so the choice is exact.

    Parameters
    ----------
    y, x
        (K,) the centres, at least one; those at _FAR are never marked beside others.
    box
        The box.
    marked
        (K,), written.

    """
    bits = _bits(_LARGEST)      # the least of integers is found in vectors
    for index in range(len(y)):
        own = _bits(farthest(box, y[index], x[index]))
        bits = own if own < bits else bits
    bound = _float(bits)
    for index in range(len(y)):
        marked[index] = _closest(box, y[index], x[index]) <= bound


class Nearby(NamedTuple):
    """The centres that can be the nearest to the targets of some neighbouring patches."""

    y: npt.NDArray[np.float32]
    """(K,) in pixels; like ``Centers`` with some far away that fill vectors."""
    x: npt.NDArray[np.float32]
    """(K,)"""
    center: npt.NDArray[np.int32]
    """(K,) which of the centres they are, in ascending order."""
    near: Marks
    """Those that were marked last, of all centres or of these."""

    @classmethod
    def new(cls, centers: int) -> Nearby:
        """Return memory for the centres near to some patches."""
        room = whole(centers)
        return cls(np.empty(room, np.float32), np.empty(room, np.float32),
                   np.empty(room, np.int32), Marks.new(room))


@inner
def choose_nearby(centers: Centers, box: Box, nearby: Nearby) -> int:
    """Choose the centres near to a box; return how many, with those that fill vectors."""
    y, x, center, near = nearby
    all_y, all_x = centers.y, centers.x
    mark_near(all_y, all_x, box, near.marked)
    count = list_marked(near)
    for place in range(count):
        index = near.places[place]
        y[place], x[place], center[place] = all_y[index], all_x[index], index
    end = whole(count)
    y[count:end] = x[count:end] = _FAR
    near.words[:] = 0
    return end


@inner
def choose_among(nearby: Nearby, count: int, box: Box) -> int:
    """
    List those of some nearby centres that are near to a box; return how many they are.

    Their places among the nearby centres are listed in ``near``, in ascending order.
    """
    y, x, _, near = nearby
    mark_near(y[:count], x[:count], box, near.marked[:count])
    return list_marked(Marks(near.words[:count // WORD], near.marked, near.places))
