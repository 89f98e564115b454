"""What stands beside the road: houses, gardens, parks and side streets."""

from __future__ import annotations

import numpy as np

from .classes import Kind
from .objects.barriers import Barrier, draw_fences, draw_walls
from .objects.buildings import Building, draw_fronts
from .objects.furniture import Lamp, Sign, TrafficLight
from .objects.side_street import SideStreet
from .objects.vegetation import Plant
from .objects.vehicles import bus, car, truck
from .road import CURB, Side
from .stream import Entry

_STYLES = ('houses', 'garden', 'park', 'yard', 'street')


class Lots:
    """The lots of one side of a drive."""

    def __init__(self, rng: np.random.Generator, sign: int, side: Side, lit: bool,
                 pictures: Pictures) -> None:
        self.sign, self.side, self.lit, self.pictures = sign, side, lit, pictures
        self.length = float(rng.uniform(13, 19))
        self.chances = rng.dirichlet(np.array([4.0, 2.6, 1.8, 2.8, 1.0]) * 2)

    def fill(self, rng: np.random.Generator) -> list[Entry]:
        """Draw one lot."""
        style = rng.choice(_STYLES, p=self.chances)
        line = self.side.verge_end
        if style == 'houses':
            return [self._house(rng, line, self.length - rng.choice([0.0, 0.0, 1.5]))]
        if style == 'street':
            return self._side_street(rng)
        out = []
        half = self.length / 2
        if style == 'garden':
            out.append(self._house(rng, line + rng.uniform(4, 7), self.length * 0.75))
            out += self._plants(rng, line + 1.2, line + 3.5, trees=1, bushes=2)
            kind = Kind.FENCE if rng.random() < 0.6 else Kind.WALL
            out.append(self._barrier(rng, kind, line + .3))
        elif style == 'park':
            out += self._plants(rng, line + 1.5, line + 14, trees=3, bushes=2)
            if rng.random() < 0.5:
                out.append(self._barrier(rng, Kind.FENCE, line + .3))
        else:
            out += self._plants(rng, line + 2, line + 9, trees=2, bushes=1)
            kind = Kind.WALL if rng.random() < 0.6 else Kind.FENCE
            out.append(self._barrier(rng, kind, line + .3))
            if rng.random() < 0.5:
                out.append(self._house(rng, line + rng.uniform(9, 14), half * 1.5))
        return out

    def _house(self, rng: np.random.Generator, front: float, length: float) -> Entry:
        house = Building(rng, self.pictures.fronts, self.sign, length)
        return Entry(house, self.length / 2, self.sign * (front + house.width / 2))

    def _barrier(self, rng: np.random.Generator, kind: Kind, across: float) -> Entry:
        pictures = self.pictures.walls if kind == Kind.WALL else self.pictures.fences
        return Entry(Barrier(rng, kind, pictures, self.length), self.length / 2,
                     self.sign * across)

    def _plants(self, rng: np.random.Generator, low: float, high: float, trees: int,
                bushes: int) -> list[Entry]:
        return [Entry(Plant(rng, tree), rng.uniform(1, self.length - 1),
                      self.sign * rng.uniform(low, high))
                for tree in [True] * trees + [False] * bushes]

    def _side_street(self, rng: np.random.Generator) -> list[Entry]:
        side, middle = self.side, self.length / 2
        wide = min(9.0, self.length - 4)
        out = [Entry(SideStreet(wide, side.edge, self.sign), middle,
                     self.sign * (side.edge + 20))]
        make = (car, car, truck, bus)[rng.integers(4)]
        if rng.random() < 0.8:
            vehicle = make(rng, self.lit)
            out.append(Entry(vehicle, middle + self.sign * wide / 4,
                             self.sign * (side.edge + .6 + vehicle.length / 2 + rng.uniform(0, 2)),
                             -self.sign * np.pi / 2))
        out.append(Entry(TrafficLight(rng, self.sign, self.sign > 0), middle - wide / 2 - .6,
                         self.sign * (side.edge + .6), 0.0, CURB))
        return out


class Pictures:
    """The textures that the lots of one drive share."""

    def __init__(self, rng: np.random.Generator, lit: bool) -> None:
        self.fronts = draw_fronts(rng, 9, lit)
        self.walls = draw_walls(rng, 2)
        self.fences = draw_fences(rng, 3)


def furniture(rng: np.random.Generator, sign: int, side: Side, lit: bool) -> list[Entry]:
    """Draw what stands at the curb."""
    across = sign * (side.edge + 0.5)
    kind = rng.random()
    ahead = sign > 0 or rng.random() < 0.35
    along = rng.uniform(0, 3)
    if kind < 0.30:
        return [Entry(Lamp(rng, sign, lit), along, across, 0.0, CURB)]
    if kind < 0.60:
        return [Entry(Sign(rng, ahead), along, across, 0.0, CURB)]
    if kind < 0.82:
        return [Entry(TrafficLight(rng, sign, ahead), along, across, 0.0, CURB)]
    return []
