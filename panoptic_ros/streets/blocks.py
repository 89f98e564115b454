"""What stands beside a road with contents: rows of houses, gardens, yards, fields, car parks."""

from __future__ import annotations

import numpy as np

from .classes import Kind
from .garage import Garage
from .layouts import Layout
from .objects.barriers import Barrier, draw_fences, draw_walls
from .objects.greens import Hedge, draw_leaves
from .objects.houses import House, HousePictures
from .objects.side_street import SideStreet
from .objects.trees import Tree
from .road import CURB, Road, Side
from .stream import Entry


class Pictures:
    """The textures that the blocks of one drive share."""

    def __init__(self, rng: np.random.Generator, layout: Layout, lit: bool) -> None:
        self.houses = HousePictures.draw(rng, layout.floors, lit)
        self.walls = draw_walls(rng, 2)
        self.fences = draw_fences(rng, 3)
        self.leaves = draw_leaves(rng, 3)


class Blocks:
    """The blocks of one side of a drive; a slot holds one block."""

    length = 48.0
    cars = 20
    """The most cars in a block."""
    most = 90
    """The most objects in a block."""

    def __init__(self, rng: np.random.Generator, sign: int, road: Road, layout: Layout,
                 garage: Garage, pictures: Pictures) -> None:
        self.sign, self.garage, self.pictures = sign, garage, pictures
        self.side: Side = road.right if sign > 0 else road.left
        self.names = list(layout.lots)
        weights = np.array(list(layout.lots.values()))
        self.chances = rng.dirichlet(weights * 2.5)
        self.setback = float(rng.choice([0.0, 0.0, rng.uniform(.5, 4)]))

    def fill(self, rng: np.random.Generator) -> list[Entry]:
        """Draw one block: lots in a row, with what they hold."""
        out: list[Entry] = []
        start = beside = 0.0
        while start < self.length - 6:
            wide = rng.uniform(8, 17)
            if self.length - start - wide < 8:
                wide = self.length - start
            name = str(rng.choice(self.names, p=self.chances))
            entries = getattr(self, f'_{name}')(rng, start, wide, beside)
            out += entries
            beside = entries[0].actor.tall if name == 'row' else 0.0
            start += wide
        things = [entry for entry in out if entry.actor.kinds == (Kind.CAR,)]
        others = [entry for entry in out if entry.actor.kinds != (Kind.CAR,)]
        return [*things[:self.cars], *others]

    def _row(self, rng: np.random.Generator, start: float, wide: float,
             beside: float) -> list[Entry]:
        line = self.side.verge_end + self.setback + rng.choice([0, 0, 0, .25])
        out = [self._house(rng, line, start, wide, beside=beside)]
        if self.setback > 1 and rng.random() < 0.7:
            out += self._bushes(rng, start, wide, self.side.verge_end + .5,
                                self.side.verge_end + self.setback - .4, 3)
        return out

    def _street(self, rng: np.random.Generator, start: float, wide: float,
                _: float) -> list[Entry]:
        side, opening = self.side, min(rng.uniform(6, 10), wide - 1)
        middle = start + opening / 2
        out = [Entry(SideStreet(opening - 1.5, side.edge, self.sign), middle,
                     self.sign * (side.edge + 20))]
        if wide - opening > 4:
            out.append(self._house(rng, side.verge_end + self.setback, start + opening,
                                   wide - opening, rng.uniform(22, 34)))
        for i in range(int(rng.integers(0, 3))):
            vehicle = self.garage.pick(rng)
            out.append(Entry(vehicle, middle + self.sign * opening / 4 * (1 - 2 * (i % 2)),
                             self.sign * (side.edge + 1 + vehicle.length / 2 + 5.5 * i
                                          + rng.uniform(0, 2)),
                             rng.choice([-1, 1]) * np.pi / 2))
        return out

    def _garden(self, rng: np.random.Generator, start: float, wide: float,
                _: float) -> list[Entry]:
        line = self.side.verge_end
        back = rng.uniform(2.5, 9)
        out = []
        if rng.random() < 0.85:
            out.append(self._house(rng, line + back, start + .1 * wide, .8 * wide))
        out += self._bushes(rng, start, wide, line + 1.0, line + back - .3, 3)
        if rng.random() < 0.6:
            out.append(Entry(Tree(rng, scale=rng.uniform(.5, .9)), start + rng.uniform(0, wide),
                             self.sign * (line + rng.uniform(1, back))))
        out.append(self._border(rng, start, wide, line + .35))
        return out

    def _park(self, rng: np.random.Generator, start: float, wide: float,
              _: float) -> list[Entry]:
        line = self.side.verge_end
        out = [Entry(Tree(rng), start + rng.uniform(0, wide), self.sign * (
            line + rng.uniform(1, 16))) for _ in range(4)]
        out += self._bushes(rng, start, wide, line + 1, line + 12, 3)
        if rng.random() < 0.4:
            out.append(self._border(rng, start, wide, line + .35))
        return out

    def _yard(self, rng: np.random.Generator, start: float, wide: float,
              _: float) -> list[Entry]:
        line = self.side.verge_end
        kind = Kind.WALL if rng.random() < 0.6 else Kind.FENCE
        out = [self._barrier(rng, kind, start, wide, line + .3)]
        if rng.random() < 0.6:
            out.append(self._house(rng, line + rng.uniform(3, 12), start, wide))
        out += [Entry(Tree(rng), start + rng.uniform(0, wide), self.sign * (
            line + rng.uniform(1.5, 7))) for _ in range(int(rng.integers(0, 3)))]
        return out

    def _field(self, rng: np.random.Generator, start: float, wide: float,
               _: float) -> list[Entry]:
        line = self.side.verge_end
        out = []
        if rng.random() < 0.3:
            out.append(Entry(Tree(rng), start + rng.uniform(0, wide), self.sign * (
                line + rng.uniform(1.5, 40))))
        out += self._bushes(rng, start, wide, line + 2, line + 30, 1)
        kind = rng.random()
        if kind < 0.25:
            out.append(self._barrier(rng, Kind.FENCE, start, wide, line + .5))
        elif kind < 0.35:
            out.append(self._border(rng, start, wide, line + 1))
        return out

    def _forest(self, rng: np.random.Generator, start: float, wide: float,
                _: float) -> list[Entry]:
        line = self.side.verge_end
        out = [Entry(Tree(rng), start + wide * (i + rng.uniform(0, 1)) / 7, self.sign * (
            line + rng.uniform(1.5, 12))) for i in range(7)]
        return out + self._bushes(rng, start, wide, line + 1, line + 4, 4)

    def _lot(self, rng: np.random.Generator, start: float, wide: float,
             _: float) -> list[Entry]:
        """Draw a car park in front of a house."""
        side = self.side
        deep = 13.0
        out = [Entry(SideStreet(wide, side.sidewalk_end, self.sign, deep), start + wide / 2,
                     self.sign * (side.sidewalk_end + deep / 2))]
        out.append(self._house(rng, side.verge_end + deep + 1, start, wide))
        turn = rng.choice([0.0, .35, -.35])
        for row, across in enumerate((3.2, 10.0)):
            for along in np.arange(1.5, wide - 1, 2.7).tolist():
                if rng.random() < 0.65:
                    out.append(Entry(self.garage.pick(rng), start + along,
                                     self.sign * (side.sidewalk_end + across), turn + np.pi / 2
                                     * (1 if (row + rng.random()) > .6 else -1)))
        return out

    def _house(self, rng: np.random.Generator, front: float, start: float, wide: float,
               depth: float = 0.0, beside: float = 0.0) -> Entry:
        house = House(rng, self.pictures.houses, self.sign, wide, (depth, beside))
        return Entry(house, start + wide / 2, self.sign * (front + house.width / 2))

    def _barrier(self, rng: np.random.Generator, kind: Kind, start: float, wide: float,
                 across: float) -> Entry:
        pictures = self.pictures.walls if kind == Kind.WALL else self.pictures.fences
        return Entry(Barrier(rng, kind, pictures, wide), start + wide / 2, self.sign * across)

    def _border(self, rng: np.random.Generator, start: float, wide: float,
                across: float) -> Entry:
        kind = rng.random()
        if kind < 0.5:
            hedge = Hedge(rng, self.pictures.leaves, wide, self.sign)
            return Entry(hedge, start + wide / 2, self.sign * (across + .4))
        return self._barrier(rng, Kind.FENCE if kind < 0.8 else Kind.WALL, start, wide, across)

    def _bushes(self, rng: np.random.Generator, start: float, wide: float, low: float,
                high: float, most: int) -> list[Entry]:
        if high <= low:
            return []
        return [Entry(Tree(rng, 'bush'), start + rng.uniform(0, wide),
                      self.sign * rng.uniform(low, high), 0.0, CURB / 2)
                for _ in range(int(rng.integers(0, most + 1)))]
