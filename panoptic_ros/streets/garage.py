"""The vehicles of one drive, which are built once and met several times."""

from __future__ import annotations

import numpy as np

from .classes import Kind
from .objects.cars import any_car
from .objects.lorries import any_lorry
from .objects.vehicles import Vehicle, bus

_MAKERS = {Kind.CAR: (any_car, 18), Kind.TRUCK: (any_lorry, 6), Kind.BUS: (bus, 4)}


class Garage:
    """Vehicles by number; each is built when it is first picked."""

    def __init__(self, seed: int, lit: bool) -> None:
        self.seed, self.lit = seed, lit
        self._built: dict[tuple[Kind, int], Vehicle] = {}

    def pick(self, rng: np.random.Generator, kind: Kind = Kind.CAR) -> Vehicle:
        """Return a vehicle of a kind."""
        make, count = _MAKERS[kind]
        number = int(rng.integers(count))
        if (kind, number) not in self._built:
            own = np.random.default_rng([self.seed, 33, int(kind), number])
            self._built[kind, number] = make(own, self.lit)
        return self._built[kind, number]
