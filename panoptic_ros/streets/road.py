"""The road's course and cross-section."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from math import atan, cos, sin

import numpy as np

from .camera import Floats

LANE = 3.3
CURB = 0.13


@dataclass(frozen=True)
class Side:
    """One side of the road: distances from the centre line outwards, in metres."""

    lanes: tuple[float, ...]
    """Centres of the traffic lanes."""
    lanes_end: float
    cycle: float
    """Centre of the strip where cyclists ride."""
    parking: float | None
    """Centre of the parking strip."""
    edge: float
    """The curb."""
    sidewalk_end: float
    verge_end: float
    """The property line."""


@dataclass(frozen=True, eq=False)
class Road:
    """
    The course of a road and its two sides, drawn from a random generator.

    A place on the road is (s, d): metres along the road, and metres to the right of its centre
    line.
    """

    right: Side
    left: Side
    median: float
    """Width of the strip between the directions, which carries the rails; 0 without rails."""
    grass_median: bool
    lane: int
    """Index of the camera's lane on the right side."""
    bends: Floats = field(repr=False)
    """(K, 3): amplitude in metres, wave number in 1/m, phase of each bend."""
    layout: str = 'classic'
    """What kind of street it is: a name in ``layouts.LAYOUTS``."""
    marked: bool = True
    """Whether lines are painted on it."""

    @cached_property
    def bend_list(self) -> list[tuple[float, float, float]]:
        """The bends as plain numbers."""
        return [(float(a), float(k), float(p)) for a, k, p in self.bends]

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Road:
        """Draw a road."""
        rails = rng.random() < 0.5
        median = 6.6 if rails else float(rng.choice([0.0, 0.0, 0.3]))
        sides = [_draw_side(rng, median / 2, 2 if rng.random() < 0.4 else 1) for _ in range(2)]
        length = rng.uniform([60, 150], [130, 300])
        slope = rng.uniform([0.0, 0.02], [0.05, 0.12])
        bends = np.stack([slope * length, 1 / length, rng.uniform(0, 6.28, 2)], axis=1)
        lane = int(rng.integers(len(sides[0].lanes)))
        return cls(sides[0], sides[1], median, bool(rails and rng.random() < 0.5), lane, bends)

    @property
    def rails(self) -> tuple[float, ...]:
        """Centres of the tracks."""
        return (1.65, -1.65) if self.median > 3 else ()

    @property
    def two_way(self) -> bool:
        """Whether a line parts two directions."""
        return self.marked and bool(self.left.lanes)

    @property
    def sides(self) -> tuple[tuple[int, Side], tuple[int, Side]]:
        """The right side with sign 1 and the left side with sign -1."""
        return (1, self.right), (-1, self.left)

    @property
    def lane_center(self) -> float:
        """Centre of the camera's lane."""
        return self.right.lanes[self.lane]

    def offset(self, s: Floats | float) -> Floats:
        """Return how far the centre line lies to the right at s."""
        s = np.asarray(s, np.float64)
        return np.asarray(sum(a * np.sin(k * s + p) for a, k, p in self.bends))

    def heading(self, s: float) -> float:
        """Return the direction of the road at s in radians to the right."""
        return atan(sum(a * k * cos(k * s + p) for a, k, p in self.bend_list))

    def points(self, s: Floats, d: Floats | float, y: Floats | float = 0.0) -> Floats:
        """Return the world points (N, 3) of places on the road, y metres above it."""
        s = np.asarray(s, np.float64)
        out = np.empty((len(s), 3))
        out[:, 0] = self.offset(s) + d
        out[:, 1] = y
        out[:, 2] = s
        return out

    def point(self, s: float, d: float, y: float = 0.0) -> Floats:
        """Return the world point (3,) of a place on the road."""
        bend = sum(a * sin(k * s + p) for a, k, p in self.bend_list)
        return np.array([bend + d, y, s])


def _draw_side(rng: np.random.Generator, inner: float, lanes: int) -> Side:
    centers = tuple(inner + LANE * (i + 0.5) for i in range(lanes))
    lanes_end = inner + LANE * lanes
    cycle = lanes_end + 0.75
    edge = lanes_end + 1.6
    parking = None
    if rng.random() < 0.55:
        parking = edge + 1.15
        edge += 2.3
    sidewalk_end = edge + rng.uniform(2.6, 5.0)
    verge_end = sidewalk_end + (rng.uniform(1.5, 4.0) if rng.random() < 0.55 else 0.0)
    return Side(centers, lanes_end, cycle, parking, edge, sidewalk_end, verge_end)
