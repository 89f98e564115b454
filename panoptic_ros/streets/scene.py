"""The world of one drive: who stands and moves where."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .atmosphere import Atmosphere
from .classes import FIRST_THING, Kind
from .closings import Closings
from .contents import Contents
from .lots import Lots, Pictures, furniture
from .objects.actor import Actor, Place
from .objects.cycles import Cycle
from .objects.people import Person
from .objects.vegetation import Plant
from .objects.vehicles import Vehicle, bus, car, tram, truck
from .road import CURB, Road
from .stream import Entry, Fill, Streams, steady
from .variety import PLAIN, Variety

_VEHICLES = (Kind.CAR, Kind.TRUCK, Kind.BUS, Kind.MOTORCYCLE, Kind.RIDER)
_INSTANCES = 998
"""The instance numbers below a label divisor of 1000, shared out among the streams."""


@dataclass(frozen=True)
class Presence:
    """An object in a frame: where it is and, for things, the instance number of each kind."""

    actor: Actor
    place: Place
    instances: dict[Kind, int]


class Scene:
    """Everything that a drive passes."""

    def __init__(self, seed: int, rng: np.random.Generator, road: Road,
                 light: Atmosphere, variety: Variety = PLAIN) -> None:
        self.road, self.light, self.variety = road, light, variety
        self.speed = float(rng.uniform(6, 11))
        self.start = float(rng.uniform(0, 500))
        self.swing = float(rng.uniform(0, 6.28))
        self._rng = rng
        streams = Streams(seed)
        self.streams, self._add = streams.rows, streams.add
        if variety.contents:
            contents = Contents(streams, road, light, (self.speed, self.camera_s))
            contents.add()
            self.closings: Closings | None = contents.closings
        else:
            self.closings = None
            self._add_traffic()
            pictures = Pictures(rng, light.dark)
            for sign, _ in road.sides:
                self._add_side(sign, pictures)
        self._numbers = self._share_numbers()

    def camera_s(self, time: float) -> float:
        """Return how far along the road the camera is, in metres."""
        return self.start + self.speed * time + 3.0 * float(np.sin(0.25 * time + self.swing))

    def around(self, time: float) -> list[Presence]:
        """Return what may be in sight at a time, in no particular order."""
        s = self.camera_s(time)
        ends = self.closings.ends(s) if self.closings else []
        out = []
        for number, stream in enumerate(self.streams):
            for slot, start, entries in stream.visible(s, time):
                for j, entry in enumerate(entries):
                    place = Place(start + entry.along, entry.across, entry.yaw, entry.height)
                    extent = entry.actor.length / 2 + 1.0
                    if not max(-extent, entry.gone) < place.s - s < entry.actor.reach:
                        continue
                    if self.closings is None or not self.closings.hides(entry, place, ends, s):
                        out.append(Presence(entry.actor, place, {
                            kind: self._instance(number, kind, slot * stream.numbered + j)
                            for kind in entry.actor.kinds if kind >= FIRST_THING}))
        return out

    def _instance(self, stream: int, kind: Kind, index: int) -> int:
        first, count = self._numbers[stream, kind]
        return first + index % count

    def _share_numbers(self) -> dict[tuple[int, Kind], tuple[int, int]]:
        out = {}
        for kind in Kind:
            users = [i for i, stream in enumerate(self.streams) if kind in stream.kinds]
            needs = [self.streams[i].most_things if self.variety.contents else 1 for i in users]
            first = 1
            for user, need in zip(users, needs, strict=True):
                count = _INSTANCES * need // sum(needs)
                out[user, kind] = (first, count)
                first += count
        return out

    def _add_traffic(self) -> None:
        rng, road = self._rng, self.road
        density = rng.uniform(0.5, 0.95)
        for index, lane in enumerate(road.right.lanes):
            if index == road.lane:
                phase, gap = rng.uniform(0, 6.28), rng.uniform(13, 24)

                def follow(time: float, phase: float = float(phase),
                           gap: float = float(gap)) -> float:
                    return self.camera_s(time) + gap + 2.5 * float(np.sin(.21 * time + phase))

                self._add(30.0, self._traffic(lane, 0.0, 0.55 * density, self.speed), _VEHICLES,
                          travel=follow, back=-gap + 4.0)
            else:
                speed = self.speed + rng.uniform(-3.5, 3.5)
                self._add(rng.uniform(19, 26), self._traffic(lane, 0.0, density, speed),
                          _VEHICLES, travel=steady(speed))
        for lane in road.left.lanes:
            speed = rng.uniform(6, 11)
            self._add(rng.uniform(19, 28), self._traffic(-lane, np.pi, density, speed), _VEHICLES,
                      travel=steady(-speed))
        for track in road.rails:
            speed = self.speed + rng.uniform(-2, 3) if track > 0 else -rng.uniform(6, 10)

            def trams(rng: np.random.Generator, track: float = track) -> list[Entry]:
                if rng.random() > 0.8:
                    return []
                return [Entry(tram(rng, self.light.dark), 20 + rng.uniform(0, 10), track,
                              0.0 if track > 0 else np.pi)]

            self._add(58.0, trams, (Kind.TRAIN,), travel=steady(speed), back=30.0)

    def _traffic(self, lane: float, yaw: float, chance: float, speed: float) -> Fill:
        def fill(rng: np.random.Generator) -> list[Entry]:
            if rng.random() > chance:
                return []
            kind = rng.random()
            actor: Vehicle | Cycle
            if kind < 0.46:
                actor = car(rng, self.light.dark)
            elif kind < 0.62:
                actor = truck(rng, self.light.dark)
            elif kind < 0.77:
                actor = bus(rng, self.light.dark)
            else:
                actor = Cycle(rng, Kind.MOTORCYCLE, True, speed)
            return [Entry(actor, actor.length / 2 + rng.uniform(0, 4),
                          lane + rng.uniform(-.25, .25), yaw)]
        return fill

    def _add_side(self, sign: int, pictures: Pictures) -> None:
        rng, road = self._rng, self.road
        side = road.right if sign > 0 else road.left
        dark = self.light.dark
        ahead = 0.0 if sign > 0 else np.pi
        crowd = rng.uniform(0.12, 0.42)
        full = rng.uniform(0.35, 0.9)

        def cyclists(rng: np.random.Generator) -> list[Entry]:
            if rng.random() > 0.5:
                return []
            kind = Kind.BICYCLE if rng.random() < 0.8 else Kind.MOTORCYCLE
            return [Entry(Cycle(rng, kind, True, pace), rng.uniform(0, 8),
                          sign * (side.cycle + rng.uniform(-.2, .2)), ahead)]

        def parked(rng: np.random.Generator) -> list[Entry]:
            if side.parking is None or rng.random() > full:
                return []
            turned = np.pi if rng.random() < 0.15 else 0.0
            return [Entry(car(rng, False), 3 + rng.uniform(-.3, .3),
                          sign * (side.parking + rng.uniform(-.1, .15)), ahead + turned)]

        def standing(rng: np.random.Generator) -> list[Entry]:
            if rng.random() > 0.5:
                return []
            low, high = side.edge + .7, side.sidewalk_end - .4
            across = rng.uniform(low, high)
            return [Entry(Person(rng, 0.0), 0.55 * i + rng.uniform(0, .3),
                          sign * float(np.clip(across + rng.uniform(-.9, .9), low, high)),
                          rng.uniform(0, 6.28), CURB) for i in range(rng.integers(1, 4))]

        def stand(rng: np.random.Generator) -> list[Entry]:
            if rng.random() > 0.5:
                return []
            kind = Kind.MOTORCYCLE if rng.random() < 0.5 else Kind.BICYCLE
            turn = rng.choice([np.pi / 2, -np.pi / 2, 0.9, 0.0])
            gap = (1.3 if kind == Kind.MOTORCYCLE else 1.0) if turn else 2.3
            return [Entry(Cycle(rng, kind, False), i * gap + rng.uniform(0, .1),
                          sign * (side.edge + 1.05), turn + rng.uniform(-.1, .1), CURB)
                    for i in range(rng.integers(1, 4))]

        pace = rng.uniform(3.5, 5.5)
        cycles = (Kind.BICYCLE, Kind.MOTORCYCLE, Kind.RIDER)
        self._add(17.0, cyclists, cycles, travel=steady(sign * pace))
        if side.parking is not None:
            self._add(6.3, parked, (Kind.CAR,))
        for way in (1, -1):
            walk = way * rng.uniform(1.1, 1.6)
            self._add(9.0, self._walkers(sign, walk, crowd), (Kind.PERSON,), 3, steady(walk),
                      ahead=85)
        self._add(rng.uniform(18, 30), standing, (Kind.PERSON,), 4, ahead=85)
        self._add(rng.uniform(11, 17), stand, (Kind.BICYCLE, Kind.MOTORCYCLE), 3, ahead=85)
        self._add(rng.uniform(9, 14), lambda rng: furniture(rng, sign, side, dark), per_slot=2)
        self._add(rng.uniform(7, 12), lambda rng: _trees(rng, sign, road), ahead=165)
        lots = Lots(rng, sign, side, dark, pictures)
        self._add(lots.length, lots.fill, (Kind.CAR, Kind.TRUCK, Kind.BUS), 12, ahead=195,
                  back=20)

    def _walkers(self, sign: int, walk: float, crowd: float) -> Fill:
        side = self.road.right if sign > 0 else self.road.left

        def fill(rng: np.random.Generator) -> list[Entry]:
            if rng.random() > crowd:
                return []
            low, high = side.edge + .8, side.sidewalk_end - .35
            across, together = rng.uniform(low, high), rng.integers(1, 3)
            return [Entry(Person(rng, walk), rng.uniform(0, 1.2),
                          sign * float(np.clip(across + .65 * i, low, high)),
                          0.0 if walk > 0 else np.pi, CURB) for i in range(together)]
        return fill


def _trees(rng: np.random.Generator, sign: int, road: Road) -> list[Entry]:
    side = road.right if sign > 0 else road.left
    space = side.verge_end - side.sidewalk_end
    if not space or rng.random() > 0.7:
        return []
    return [Entry(Plant(rng, bool(rng.random() < 0.75)), rng.uniform(0, 3),
                  sign * (side.sidewalk_end + space / 2), 0.0, CURB)]
