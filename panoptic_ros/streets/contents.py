"""Everything that a drive with contents passes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .atmosphere import Atmosphere
from .blocks import Blocks, Pictures
from .classes import Kind
from .closings import MOST_THINGS, Closings
from .curb import Curb
from .garage import Garage
from .layouts import LAYOUTS
from .objects.pedestrians import Pedestrian
from .objects.riders import Bike
from .objects.trees import Tree
from .objects.vehicles import tram
from .road import CURB, Road, Side
from .stream import Entry, Fill, Streams, steady
from .traffic import VEHICLES, Traffic

_CYCLES = (Kind.BICYCLE, Kind.MOTORCYCLE, Kind.RIDER)


class Contents:
    """
    What stands and moves along a road with contents.

    ``motion``: the camera's speed in m/s, and how far it is along the road at a time.
    """

    def __init__(self, streams: Streams, road: Road, light: Atmosphere,
                 motion: tuple[float, Callable[[float], float]]) -> None:
        self.streams, self.road, self.light = streams, road, light
        self.speed, self.camera_s = motion
        self.layout = LAYOUTS[road.layout]
        self.garage = Garage(streams.seed, light.dark)
        self.rng = np.random.default_rng([streams.seed, 32])
        self.pictures = Pictures(self.rng, self.layout, light.dark)
        self.closings = Closings(self.rng, road, self.garage, self.pictures)

    def add(self) -> None:
        """Add all streams."""
        self._add_traffic()
        self.streams.add(self.closings.spacing, self.closings.fill, (Kind.CAR, Kind.PERSON), 60,
                         ahead=190, back=60, numbered=MOST_THINGS)
        for sign, side in self.road.sides:
            self._add_parked(sign, side)
            self._add_persons(sign, side)
            self._add_curb(sign, side)
            blocks = Blocks(self.rng, sign, self.road, self.layout, self.garage, self.pictures)
            self.streams.add(blocks.length, blocks.fill, (Kind.CAR,), blocks.most,
                             ahead=175, back=25, numbered=blocks.cars)

    def _add_traffic(self) -> None:
        rng, road, add = self.rng, self.road, self.streams.add
        density = self.layout.traffic * rng.uniform(.5, 1.3)
        for index, lane in enumerate(road.right.lanes):
            if index == road.lane:
                phase, gap = float(rng.uniform(0, 6.28)), float(rng.uniform(9, 24))

                def follow(time: float, phase: float = phase, gap: float = gap) -> float:
                    return self.camera_s(time) + gap + 2.0 * float(np.sin(.21 * time + phase))

                row = Traffic(lane, 0.0, .55 * density, self.speed, self.garage)
                add(30.0, row.fill, VEHICLES, 1, follow, back=-gap + 4.0)
            else:
                speed = self.speed + rng.uniform(-3.5, 3.5)
                row = Traffic(lane, 0.0, density, speed, self.garage)
                add(rng.uniform(19, 26), row.fill, VEHICLES, 1, steady(speed))
        for lane in road.left.lanes:
            speed = rng.uniform(6, 11)
            row = Traffic(-lane, np.pi, density, speed, self.garage)
            add(rng.uniform(19, 28), row.fill, VEHICLES, 1, steady(-speed))
        for track in road.rails:
            speed = self.speed + rng.uniform(-2, 3) if track > 0 else -rng.uniform(6, 10)
            add(58.0, self._trams(track), (Kind.TRAIN,), travel=steady(speed), back=30.0)

    def _trams(self, track: float) -> Fill:
        def fill(rng: np.random.Generator) -> list[Entry]:
            if rng.random() > 0.55:
                return []
            return [Entry(tram(rng, self.light.dark), 20 + rng.uniform(0, 10), track,
                          0.0 if track > 0 else np.pi)]
        return fill

    def _add_parked(self, sign: int, side: Side) -> None:
        """Add the parked cars: along the curb, in bays across it, or half on the sidewalk."""
        rng, full = self.rng, self.layout.parked * self.rng.uniform(.3, 1.15)
        ahead = 0.0 if sign > 0 else np.pi
        across, space = side.parking, rng.uniform(5.0, 6.3)
        bays, height = across is not None and side.edge - across > 1.6, 0.0
        if across is None:
            if rng.random() > .3 * full or side.sidewalk_end - side.edge < 1.5:
                return
            across, height, full = side.edge + .4, CURB / 2, .4 * full

        if bays:
            space = rng.uniform(2.5, 3.4)
            ahead += rng.choice([np.pi / 2, np.pi / 2, .8, -.8])

        def parked(rng: np.random.Generator) -> list[Entry]:
            if rng.random() > full:
                return []
            turned = np.pi if rng.random() < (.4 if bays else .2) else 0.0
            vehicle = self.garage.pick(rng)
            return [Entry(vehicle, space / 2 + rng.uniform(-.3, .3),
                          sign * (across + rng.uniform(-.1, .2)),
                          ahead + turned + rng.normal(0, .025), height)]

        self.streams.add(space, parked, (Kind.CAR,), ahead=68)

    def _add_persons(self, sign: int, side: Side) -> None:
        rng, crowd = self.rng, self.layout.crowd * self.rng.uniform(.3, 1.5)
        low, high = side.edge + .35, max(side.edge + .5, side.sidewalk_end - .3)
        up = CURB if side.sidewalk_end > side.edge else 0.0

        def walkers(walk: float) -> Fill:
            def fill(rng: np.random.Generator) -> list[Entry]:
                if rng.random() > crowd:
                    return []
                across, along = rng.uniform(low, high), rng.uniform(0, 6)
                count = rng.choice([1, 2, 3], p=[.6, .3, .1])
                return [Entry(Pedestrian(rng, walk), along + rng.uniform(-.5, .5),
                              sign * float(np.clip(across + .6 * i, low, high)),
                              (0.0 if walk > 0 else np.pi) + rng.normal(0, .15), up)
                        for i in range(count)]
            return fill

        def standing(rng: np.random.Generator) -> list[Entry]:
            if rng.random() > 1.2 * crowd:
                return []
            across = rng.uniform(low, high)
            return [Entry(Pedestrian(rng, 0.0, 'standing'), 0.55 * i + rng.uniform(0, .3),
                          sign * float(np.clip(across + rng.uniform(-.9, .9), low, high)),
                          rng.uniform(0, 6.28), up) for i in range(rng.integers(1, 5))]

        def crossing(rng: np.random.Generator) -> list[Entry]:
            if rng.random() > .5 * crowd:
                return []
            turn = rng.choice([-1, 1]) * np.pi / 2
            return [Entry(Pedestrian(rng), rng.uniform(0, 8),
                          sign * rng.uniform(0, side.edge), turn + rng.normal(0, .2))]

        for way in (1, -1):
            walk = way * rng.uniform(1.0, 1.6)
            self.streams.add(8.0, walkers(walk), (Kind.PERSON,), 3, steady(walk), ahead=85)
        self.streams.add(rng.uniform(12, 24), standing, (Kind.PERSON,), 4, ahead=85)
        self.streams.add(25.0, crossing, (Kind.PERSON,), 1, ahead=85)

    def _add_curb(self, sign: int, side: Side) -> None:
        """Add cyclists, parked cycles, trees and what stands at the curb."""
        rng, layout, dark = self.rng, self.layout, self.light.dark
        ahead = 0.0 if sign > 0 else np.pi
        pace = rng.uniform(3.5, 5.5)
        many = min(1.0, .25 + layout.crowd)

        def cyclists(rng: np.random.Generator) -> list[Entry]:
            if rng.random() > .6 * many:
                return []
            kind = Kind.BICYCLE if rng.random() < 0.85 else Kind.MOTORCYCLE
            return [Entry(Bike(rng, kind, True, pace), rng.uniform(0, 8),
                          sign * (side.cycle + rng.uniform(-.3, .3)), ahead)]

        def stand(rng: np.random.Generator) -> list[Entry]:
            if rng.random() > many or side.sidewalk_end - side.edge < 1:
                return []
            kind = Kind.MOTORCYCLE if rng.random() < 0.3 else Kind.BICYCLE
            at_wall = rng.random() < .4
            turn = 0.0 if at_wall else rng.choice([np.pi / 2, -np.pi / 2, 0.9, 0.0])
            gap = (1.1 if kind == Kind.MOTORCYCLE else .6) if turn else 2.1
            across = side.sidewalk_end - .35 if at_wall else side.edge + .7
            return [Entry(Bike(rng, kind, False), i * gap + rng.uniform(0, .1), sign * across,
                          turn + rng.normal(0, .08), CURB) for i in range(rng.integers(1, 5))]

        def trees(rng: np.random.Generator) -> list[Entry]:
            if rng.random() > .85:
                return []
            across = side.edge + .7 if side.verge_end - side.sidewalk_end < .5 else (
                side.sidewalk_end + side.verge_end) / 2
            return [Entry(Tree(rng, form if rng.random() < .9 else None), rng.uniform(0, 2),
                          sign * across, 0.0, CURB)]

        form = str(rng.choice(['broad', 'round', 'airy', 'bare', 'poplar', 'conifer'],
                              p=[.4, .25, .15, .1, .05, .05]))
        self.streams.add(18.0, cyclists, _CYCLES, travel=steady(sign * pace))
        self.streams.add(rng.uniform(8, 14), stand, _CYCLES[:2], 4, ahead=85)
        curb = Curb(rng, sign, self.road, layout, dark)
        self.streams.add(rng.uniform(9, 15), curb.posts, per_slot=2)
        self.streams.add(rng.uniform(5, 11), curb.fixtures, per_slot=6, ahead=65)
        if sign > 0 and rng.random() < .25:
            self.streams.add(rng.uniform(12, 30), curb.wires, ahead=65)
        if self.road.layout in ('country', 'walled') and rng.random() < .35:
            self.streams.add(12.0, curb.rail, ahead=85)
        if rng.random() < layout.trees:
            self.streams.add(rng.uniform(6, 13), trees, ahead=120)
