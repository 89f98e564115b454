"""A street or a paved lot that joins from the side."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..classes import Kind
from ..view import View
from .actor import Actor, Place


class SideStreet(Actor):
    """A strip of road across the sidewalk; it lies on the ground and hides nothing."""

    kinds = (Kind.ROAD,)
    shadow = 0.0
    tall = 0.0
    reach = 90.0

    def __init__(self, wide: float, edge: float, sign: int, deep: float = 45.0) -> None:
        self.length, self.width = wide, 40.0
        self.edge, self.sign, self.deep = edge, sign, deep

    def draw(self, view: View, place: Place, identities: Mapping[Kind, int]) -> None:
        """Draw the strip."""
        half = self.length / 2
        low, high = self.sign * (self.edge - .1), self.sign * (self.edge + self.deep)
        points = np.array([view.road.point(s, d, y) for s, d, y in (
            (place.s - half, low, 0), (place.s + half, low, 0), (place.s + half, high, .1),
            (place.s - half, high, .1))])
        outline = view.camera.outline(points)
        if outline is not None:
            depth = max(1.0, view.depth(points[1]))
            view.painter.polygon(outline, view.color((88, 86, 86), depth), int(Kind.ROAD))
