"""Which centres can be the nearest to what lies in a box."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.workers import compiled, inner
from .targets import Box

_LARGEST = np.float32(3.4028235e38)
_WORD = 8
_VECTORS = 32       # a multiple of what vectors of any processor hold
_FAR = np.float32(1e18)
_HALF = 0.4995      # less than half, by more than squared distances are rounded


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
        filled = np.full((2, -(-len(places) // _VECTORS) * _VECTORS), _FAR, np.float32)
        filled[:, :len(places)] = places.T
        return cls(filled[0], filled[1], _measure_reach(np.ascontiguousarray(places)))


@compiled
def _measure_reach(places: npt.NDArray[np.int64]) -> npt.NDArray[np.float32]:
    """Return the square of about half the distance from each centre to the next one."""
    reach = np.empty(len(places), np.float32)
    for index in range(len(places)):
        least = np.int64(1) << 60
        for other in range(len(places)):
            dy = places[other, 0] - places[index, 0]
            dx = places[other, 1] - places[index, 1]
            distance = dy * dy + dx * dx
            distance = distance if other != index else np.int64(1) << 60
            least = distance if distance < least else least
        reach[index] = least * (_HALF * _HALF)
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
def _bits(value: np.float32) -> np.int32:
    """Return the bits of a float; of floats over zero they are in the same order."""
    number = np.float32(value)
    return number.view(np.int32)


@inner
def _float(bits: np.int32) -> np.float32:
    number = np.int32(bits)
    return number.view(np.float32)


@inner
def choose(y: npt.NDArray[np.float32], x: npt.NDArray[np.float32], box: Box,
           near: npt.NDArray[np.bool_], chosen: npt.NDArray[np.int32]) -> int:
    """
    List the centres that can be the nearest to a target in a box; return how many.

    A centre is left out when it is farther from the box than the farthest corner of the box
    from another centre.  Rounding keeps the order of these distances, so the choice is exact.

    Parameters
    ----------
    y, x
        (K,) the centres, at least one; those at _FAR are never chosen beside others.
    box
        The box.
    near
        (K + _WORD or more,) scratch.
    chosen
        (more than K,), written: their indices in ascending order.

    """
    bits = _bits(_LARGEST)      # the least of integers is found in vectors
    for index in range(len(y)):
        own = _bits(farthest(box, y[index], x[index]))
        bits = own if own < bits else bits
    bound = _float(bits)
    for index in range(len(y)):
        near[index] = _closest(box, y[index], x[index]) <= bound
    count = 0
    for first in range(0, len(y), _WORD):       # most are far
        if near[first:first + _WORD].view(np.uint64)[0] != 0:
            for index in range(first, min(first + _WORD, len(y))):
                chosen[count] = index
                count += near[index]
    return count


class Nearby(NamedTuple):
    """The centres that can be the nearest to the targets of some neighbouring patches."""

    y: npt.NDArray[np.float32]
    """(K,) in pixels."""
    x: npt.NDArray[np.float32]
    """(K,)"""
    center: npt.NDArray[np.int32]
    """(K + 1,) which of the centres they are, in ascending order."""
    near: npt.NDArray[np.bool_]
    """(K + _VECTORS + _WORD,) for ``choose``."""
    chosen: npt.NDArray[np.int32]
    """(K + 1,) those of them that were chosen last."""

    @classmethod
    def new(cls, centers: int) -> Nearby:
        """Return memory for the centres near to some patches."""
        return cls(np.empty(centers, np.float32), np.empty(centers, np.float32),
                   np.zeros(centers + 1, np.int32),
                   np.zeros(centers + _VECTORS + _WORD, np.bool_),
                   np.empty(centers + 1, np.int32))


@inner
def choose_nearby(centers: Centers, box: Box, nearby: Nearby) -> int:
    """Choose the centres near to a box; return how many."""
    y, x, center, near, _ = nearby
    all_y, all_x = centers.y, centers.x
    count = choose(all_y, all_x, box, near, center)
    for place in range(count):
        y[place], x[place] = all_y[center[place]], all_x[center[place]]
    return count
