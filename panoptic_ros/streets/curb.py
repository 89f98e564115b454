"""What stands at the curb of a road with contents."""

from __future__ import annotations

import numpy as np

from .layouts import Layout
from .lots import furniture
from .objects.clutter import MAKERS
from .objects.posts import GuardRail, Lantern, Wires
from .road import CURB, Road, Side
from .stream import Entry


class Curb:
    """The fixtures of one side of the road."""

    def __init__(self, rng: np.random.Generator, sign: int, road: Road, layout: Layout,
                 lit: bool) -> None:
        self.sign, self.layout, self.lit, self.road = sign, layout, lit, road
        self.side: Side = road.right if sign > 0 else road.left
        self.makers = list(MAKERS)
        self.chances = rng.dirichlet(np.array(list(MAKERS.values())))
        self.lanterns = bool(rng.random() < .4)
        self.walk = self.side.sidewalk_end - self.side.edge

    def fixtures(self, rng: np.random.Generator) -> list[Entry]:
        """Draw a bin, a bench, a row of bollards or the like."""
        if rng.random() > self.layout.clutter or self.walk < 1:
            return []
        make = self.makers[rng.choice(len(self.makers), p=self.chances)]
        fixture = make(rng)
        outer = rng.random() < .35 or fixture.width > 1
        across = (self.side.sidewalk_end - fixture.width / 2 - .1 if outer
                  else self.side.edge + .3 + fixture.width / 2)
        turn = (0.0 if self.sign > 0 else np.pi) + rng.normal(0, .05)
        count = int(rng.integers(1, 6)) if fixture.width < .8 and rng.random() < .5 else 1
        gap = fixture.length + rng.choice([.1, .6, 1.3])
        return [Entry(fixture if i == 0 else make(rng) if rng.random() < .4 else fixture,
                      i * gap + rng.uniform(0, .1), self.sign * across, turn, CURB)
                for i in range(count)]

    def posts(self, rng: np.random.Generator) -> list[Entry]:
        """Draw a lamp, a sign or a traffic light."""
        if rng.random() > .4 + .6 * self.layout.clutter:
            return []
        if self.lanterns and rng.random() < .45:
            return [Entry(Lantern(rng, self.lit), rng.uniform(0, 3),
                          self.sign * (self.side.edge + .45), 0.0, CURB if self.walk else 0.0)]
        return furniture(rng, self.sign, self.side, self.lit)

    def wires(self, rng: np.random.Generator) -> list[Entry]:
        """Draw a wire from house to house."""
        span = self.road.right.verge_end + self.road.left.verge_end
        middle = (self.road.right.verge_end - self.road.left.verge_end) / 2
        return [Entry(Wires(rng, span), rng.uniform(0, 8), middle)] if rng.random() < .7 else []

    def rail(self, rng: np.random.Generator) -> list[Entry]:
        """Draw a piece of guard rail."""
        return [Entry(GuardRail(rng, 12.0), 6.0, self.sign * (self.side.sidewalk_end + .5))]
