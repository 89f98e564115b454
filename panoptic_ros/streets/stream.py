"""Rows of slots along the road, in which objects stand or move together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from .classes import Kind
from .objects.actor import Actor


@dataclass(frozen=True)
class Entry:
    """One object of a slot: metres along from the slot's start, across the road, and its turn."""

    actor: Actor
    along: float
    across: float
    yaw: float = 0.0
    height: float = 0.0
    gone: float = -np.inf
    """Metres ahead of the camera at which it is there no more."""
    closes: bool = False
    """Whether it belongs to an end of the road."""


Fill = Callable[[np.random.Generator], list[Entry]]


@dataclass(eq=False)
class Stream:
    """
    An endless row of slots that moves along the road as one.

    What a slot holds is drawn from a generator of its own, seeded by the drive, the stream
    and the slot, so it does not depend on when the slot is first seen.
    """

    seed: tuple[int, int]
    """The drive's seed and the stream's number."""
    spacing: float
    """Metres from slot to slot."""
    fill: Fill
    kinds: tuple[Kind, ...]
    """The things that a slot may hold."""
    per_slot: int
    """The most objects in a slot."""
    travel: Callable[[float], float]
    """Metres that the row has moved at a time in seconds."""
    back: float
    ahead: float
    """Metres before and beyond the camera within which slots matter."""
    numbered: int
    """The most things in a slot; they come before what is not a thing."""
    _slots: dict[int, list[Entry]] = field(default_factory=dict, repr=False)

    def visible(self, s: float, time: float) -> list[tuple[int, float, list[Entry]]]:
        """Return number, start and objects of the slots around s at a time."""
        moved = self.travel(time)
        first = int(np.floor((s - self.back - moved) / self.spacing))
        last = int(np.ceil((s + self.ahead - moved) / self.spacing))
        return [(slot, slot * self.spacing + moved, self._slot(slot))
                for slot in range(first, last + 1)]

    @property
    def most_things(self) -> int:
        """The most things of a kind that can be in sight at a time."""
        return self.numbered * (int((self.back + self.ahead) / self.spacing) + 3)

    def _slot(self, slot: int) -> list[Entry]:
        if slot not in self._slots:
            if len(self._slots) > 400:
                self._slots.clear()
            rng = np.random.default_rng([*self.seed, slot % (1 << 32)])
            self._slots[slot] = self.fill(rng)[:self.per_slot]
        return self._slots[slot]


class Streams:
    """The streams of one drive, each with a number of its own."""

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.rows: list[Stream] = []

    def add(self, spacing: float, fill: Fill, kinds: tuple[Kind, ...] = (), per_slot: int = 1,
            travel: Callable[[float], float] = lambda time: 0.0, ahead: float = 145.0,
            back: float = 14.0, numbered: int = 0) -> None:
        """Add a stream; ``numbered`` is ``per_slot`` unless given."""
        self.rows.append(Stream((self.seed, len(self.rows)), spacing, fill, kinds, per_slot,
                                travel, back, ahead, numbered or per_slot))


def steady(speed: float) -> Callable[[float], float]:
    """Return how far a row has moved at a time that moves at a speed in m/s."""
    return lambda time: speed * time
