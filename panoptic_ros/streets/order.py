"""The painter's order: which object may hide which."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .camera import Floats


def far_to_near(footprints: Floats, camera: tuple[float, float]) -> list[int]:
    """
    Return the order in which objects are drawn, the farthest first.

    Parameters
    ----------
    footprints
        (N, 4): s0, s1, d0, d1 along and across the road in metres.
    camera
        (s, d).

    Notes
    -----
    Of two objects that stand one after the other along the road, the nearer is in front.  Of two
    side by side, the one whose side is nearer to the camera's line is in front.  If the relation
    has a circle, the farthest of the rest goes first.

    """
    before = _in_front(footprints, camera)
    waiting = before.sum(0)     # how many must be drawn before each: those that it hides
    distance = (footprints[:, 0] + footprints[:, 1]) / 2
    order: list[int] = []
    left = np.ones(len(footprints), bool)
    for _ in range(len(footprints)):
        free = left & (waiting == 0)
        pick = free if free.any() else left
        index = int(np.argmax(np.where(pick, distance, -np.inf)))
        order.append(index)
        left[index] = False
        waiting = waiting - before[index]
    return order


def _in_front(footprints: Floats, camera: tuple[float, float]) -> npt.NDArray[np.int64]:
    """Return (N, N): 1 where the row must be drawn before the column."""
    s0, s1, d0, d1 = footprints.T
    slack = 0.05
    beyond = s0[:, None] >= s1[None, :] - slack
    apart = beyond & ~beyond.T
    reach0, reach1 = d0 - camera[1], d1 - camera[1]
    near = np.where((reach0 < 0) & (reach1 > 0), 0.0, np.minimum(abs(reach0), abs(reach1)))
    same_side = np.sign(reach0 + reach1)[:, None] == np.sign(reach0 + reach1)[None, :]
    outside = (near[:, None] > near[None, :] + slack) & (same_side | (near == 0)[None, :])
    overlap = ~(beyond | beyond.T)
    center = (s0 + s1) / 2
    level = abs(near[:, None] - near[None, :]) <= slack
    farther = level & (center[:, None] > center[None, :])
    return (apart | (overlap & (outside | farther))).astype(np.int64)
