"""Who drives on a lane."""

from __future__ import annotations

import numpy as np

from .classes import Kind
from .garage import Garage
from .objects.actor import Actor
from .objects.riders import Bike
from .stream import Entry

VEHICLES = (Kind.CAR, Kind.TRUCK, Kind.BUS, Kind.MOTORCYCLE, Kind.BICYCLE, Kind.RIDER)


class Traffic:
    """The vehicles of one lane."""

    def __init__(self, lane: float, yaw: float, chance: float, speed: float,
                 garage: Garage) -> None:
        self.lane, self.yaw, self.chance = lane, yaw, chance
        self.speed, self.garage = speed, garage

    def fill(self, rng: np.random.Generator) -> list[Entry]:
        """Draw one vehicle, or none."""
        if rng.random() > self.chance:
            return []
        kind = rng.random()
        actor: Actor
        if kind < 0.62:
            actor = self.garage.pick(rng)
        elif kind < 0.77:
            actor = self.garage.pick(rng, Kind.TRUCK)
        elif kind < 0.87:
            actor = self.garage.pick(rng, Kind.BUS)
        else:
            actor = Bike(rng, Kind.MOTORCYCLE if rng.random() < .75 else Kind.BICYCLE, True,
                          self.speed)
        return [Entry(actor, actor.length / 2 + rng.uniform(0, 4),
                      self.lane + rng.uniform(-.25, .25), self.yaw)]
