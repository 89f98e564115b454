"""What the pass that dresses a canvas is told: surfaces, shadows and tone."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats32 = npt.NDArray[np.float32]


class Surfaces(NamedTuple):
    """What each identity (256) looks like."""

    plane: Floats32
    """(256, 2, 9) from a pixel (x, y, 1) to homogeneous metres (u, v, w) on two planes."""
    gain: Floats32
    """(256, 2, 3) light that falls on the planes everywhere."""
    sun: Floats32
    """(256, 2, 3) light that falls on them where the sun shines."""
    edge: Floats32
    """(256, 2) column beyond which pixels lie on the second plane, and on which side (1, -1;
    0: none do)."""
    pattern: npt.NDArray[np.int64]
    """(256,) index in the bank."""
    grain: Floats32
    """(256, 3) pixels of the pattern per metre, its contrast, and that of large stains."""
    shift: Floats32
    """(256, 2) metres by which patterns are shifted."""
    paint: Floats32
    """(256, 4) light of a colour in place of the surface's own, and its share."""
    tint: Floats32
    """(256, 3) colour of the stains."""
    shadow: npt.NDArray[np.int64]
    """(256,) what throws shadows: 0 nothing, 1 houses on the ground, 2 houses on a facade, 3 its
    own leaves."""
    leaves: Floats32
    """(256,) how much leaves shade it, from 0 to 1."""
    rise: Floats32
    """(256, 3) how much lighter it is per metre of height, the height of the middle, and how much
    more sun it gets per metre to the right."""
    mirror: Floats32
    """(256,) light of the sky that dark parts, such as panes, mirror."""
    wear: Floats32
    """(256, 2) light from which on its parts are worn, and how much."""
    hole: Floats32
    """(256, 4) level of the pattern from which on it has holes, and the light seen in them."""

    @classmethod
    def blank(cls) -> Surfaces:
        """Return surfaces that change nothing."""
        gain = np.ones((256, 2, 3), np.float32)
        hole = np.full((256, 4), 1e9, np.float32)
        plane = np.tile(np.array([1, 0, 0, 0, 1, 0, 0, 0, 100], np.float32), (256, 2, 1))
        return cls(plane, gain, gain * 0, np.zeros((256, 2), np.float32),
                   np.zeros(256, np.int64), np.tile(np.array([40, 0, 0], np.float32), (256, 1)),
                   np.zeros((256, 2), np.float32), np.zeros((256, 4), np.float32),
                   np.zeros((256, 3), np.float32), np.zeros(256, np.int64),
                   np.zeros(256, np.float32), np.zeros((256, 3), np.float32),
                   np.zeros(256, np.float32), np.full((256, 2), (9, 0), np.float32), hole)


class Shadows(NamedTuple):
    """Where houses throw shadows, by metres along the road from ``start`` on, in steps of 1/4."""

    start: float
    low: Floats32
    """World x from which on the ground is in the sun."""
    high: Floats32
    """World x up to which the ground is in the sun."""
    tall: Floats32
    """Height up to which facades are in shadow."""


class Tone(NamedTuple):
    """How display values become light, and light display values."""

    light: Floats32
    """(256,) light of each display value."""
    display: npt.NDArray[np.uint8]
    """(4096, 3) display value of light from 0 to 4 in steps of 1/1024."""
    exposure: float
    """Factor of all light."""
    fall: float
    """Loss of light in the corners."""
