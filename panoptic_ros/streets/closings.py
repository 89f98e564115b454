"""Ends of the road: streets across it, with a row of houses ahead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .blocks import Pictures
from .classes import FIRST_THING, Kind
from .garage import Garage
from .objects.actor import Place
from .objects.pedestrians import Pedestrian
from .objects.row_ahead import CrossStreet, RowAhead
from .objects.trees import Tree
from .road import CURB, Road
from .stream import Entry

_GONE = 16.0
"""Metres before the camera at which the houses ahead give way: there the camera turns."""
_OPEN = 13.0
"""Metres before the houses that the street across takes."""
_SPAN = 44.0
MOST_THINGS = 16


class Closings:
    """The ends of the road of one drive; a slot holds one at most."""

    def __init__(self, rng: np.random.Generator, road: Road, garage: Garage,
                 pictures: Pictures) -> None:
        self.road, self.garage, self.pictures = road, garage, pictures
        self.spacing = float(rng.uniform(90, 220))
        share = {'narrow': .75, 'avenue': .55, 'country': .0, 'suburb': .5}.get(road.layout, .4)
        self.seed = int(rng.integers(1 << 31))
        self.share = share if not road.median else 0.0

    def ends(self, s: float) -> list[float]:
        """Return where ends stand: those just passed, and the first that closes the view."""
        out = []
        first = int(np.floor(s / self.spacing)) - 1
        for slot in range(first, first + 5):
            position = (slot + .5) * self.spacing
            if self._stands(slot) and position > s - 2 * _OPEN:
                out.append(position)
                if position > s + _GONE:
                    break
        return out

    def _stands(self, slot: int) -> bool:
        rng = np.random.default_rng([self.seed, slot % (1 << 32)])
        return bool(rng.random() < self.share)

    def hides(self, entry: Entry, place: Place, ends: list[float], s: float) -> bool:
        """Tell whether an end at ``ends`` leaves no room for something, seen from s."""
        actor = entry.actor
        half = actor.length / 2
        if entry.closes:
            return min((abs(end - place.s) for end in ends), default=np.inf) > self.spacing / 2
        if ends and ends[-1] > s + _GONE and place.s + half > ends[-1] - 1:
            return True
        side = self.road.right if place.d > 0 else self.road.left
        if Kind.PERSON in actor.kinds or abs(place.d) + actor.width / 2 < side.edge:
            return False
        return any(end - _OPEN < place.s + half and place.s - half < end for end in ends)

    def fill(self, rng: np.random.Generator) -> list[Entry]:
        """Draw one end of a road: houses, the street before them and who is in it."""
        at = self.spacing / 2
        inner = min(self.road.right.edge, self.road.left.edge)
        walk = rng.uniform(1.8, 4)
        out = [Entry(thing, at - walk - 1 + rng.uniform(-1.5, -.6), side * rng.uniform(5, 30),
                     side * np.pi / 2, 0.0, _GONE)
               for side in (-1, 1)
               for thing in [self.garage.pick(rng) for _ in range(rng.integers(0, 3))]]
        out += [Entry(self.garage.pick(rng), at - walk - rng.uniform(5, 8),
                      side * (inner + rng.uniform(4, 25)), rng.choice([-1, 1]) * np.pi / 2)
                for side in (-1, 1) if rng.random() < .5]
        out += [Entry(Pedestrian(rng, 0.0, str(rng.choice(['walking', 'standing']))),
                      at - rng.uniform(.5, walk), rng.uniform(-20, 20),
                      rng.choice([-1, 1]) * np.pi / 2 + rng.normal(0, .3), CURB, _GONE)
                for _ in range(rng.integers(0, 6))]
        out += [Entry(Tree(rng), at - walk + .6, rng.uniform(-25, 25), 0.0, CURB, _GONE)
                for _ in range(int(rng.choice([0, 0, 0, 2, 3])))]
        out.append(Entry(RowAhead(rng, self.pictures.houses, 2 * _SPAN), at, 0.0, 0.0, 0.0,
                         _GONE))
        out.append(Entry(CrossStreet(_OPEN - walk, Kind.ROAD, (inner - .1, _SPAN)),
                         at - walk - (_OPEN - walk) / 2, 0.0))
        out.append(Entry(CrossStreet(walk, Kind.SIDEWALK, (0.0, _SPAN)), at - walk / 2, 0.0,
                         0.0, 0.0, _GONE))
        return [replace(entry, closes=True) for entry in sorted(
            out, key=lambda entry: not _is_thing(entry))]


def _is_thing(entry: Entry) -> bool:
    return any(kind >= FIRST_THING for kind in entry.actor.kinds)
