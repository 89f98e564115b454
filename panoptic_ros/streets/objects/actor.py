"""What stands or moves in the world."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from ..classes import Kind
from ..view import View


@dataclass(frozen=True)
class Place:
    """Where an actor is: metres along and right of the road, and its turn against the road."""

    s: float
    d: float
    yaw: float = 0.0
    height: float = 0.0
    """Height of the ground that it stands on, in metres."""


class Actor(ABC):
    """Something that draws itself; its kinds are the segments that it adds to a frame."""

    kinds: tuple[Kind, ...]
    length: float
    """Metres along its own heading."""
    width: float
    tall: float
    shadow: float = 1.0
    """How dark its shadow on the ground is, from 0 to 1."""
    reach: float = 95.0
    """Metres from the camera beyond which it is not drawn."""

    overhang: float = 0.4
    """Metres by which it may stick out of its length, width and height."""

    @abstractmethod
    def draw(self, view: View, place: Place, identities: Mapping[Kind, int]) -> None:
        """Draw it at a place, with an identity for each kind; leave out a kind without one."""
