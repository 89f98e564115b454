"""A row of houses across the road's end, and the street that runs before it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..classes import Kind
from ..view import View
from .actor import Actor, Place
from .facades import DENSITY
from .houses import HousePictures
from .panels import draw_panel
from .planes import draw_plane
from .side_street import SideStreet


class RowAhead(Actor):
    """Houses whose fronts look at the camera."""

    kinds = (Kind.BUILDING,)
    shadow = 0.9
    reach = 190.0

    def __init__(self, rng: np.random.Generator, pictures: HousePictures, span: float) -> None:
        self.length, self.width = 1.0, span
        self.fronts, self.ends = [], [-span / 2]
        self.roofs = []
        while self.ends[-1] < span / 2:
            front = pictures.fronts[rng.integers(len(pictures.fronts))]
            self.fronts.append(front)
            self.ends.append(self.ends[-1] + front[0].shape[1] / DENSITY)
            self.roofs.append(pictures.roofs[rng.integers(len(pictures.roofs))]
                              if rng.random() < .6 else None)
        self.tall = max(front[0].shape[0] for front in self.fronts) / DENSITY
        self.overhang = 4.5

    def draw(self, view: View, place: Place, identities: Mapping[Kind, int]) -> None:
        """Draw the roofs and the fronts, from left to right."""
        identity = identities[Kind.BUILDING]
        for i, (front, roof) in enumerate(zip(self.fronts, self.roofs, strict=True)):
            tall = front[0].shape[0] / DENSITY
            ends = [view.road.point(place.s, place.d + end) for end in self.ends[i:i + 2]]
            if roof is not None:
                up = np.array([0, tall, 0])
                ridge = up + (0, 3.2, 4.5)
                draw_panel(view, roof, np.stack([ends[0] + ridge, ends[1] + ridge, ends[0] + up]),
                           identity, both=True)
            draw_plane(view, front, ends[0], ends[1], -.2, tall, identity)


class CrossStreet(SideStreet):
    """A street across the road, from far left to far right, or the sidewalk along it."""

    reach = 150.0

    def __init__(self, wide: float, kind: Kind, reach: tuple[float, float]) -> None:
        super().__init__(wide, 0.0, 1, 50.0)
        self.kinds = (kind,)
        self.inner, self.outer = reach

    def draw(self, view: View, place: Place, identities: Mapping[Kind, int]) -> None:
        """Draw the strip on both sides."""
        half = self.length / 2
        sidewalk = self.kinds[0] == Kind.SIDEWALK
        color = (150, 150, 152) if sidewalk else (88, 86, 86)
        up = .13 if sidewalk else .0
        for sign in (-1, 1):
            near, far = sign * self.inner, sign * self.outer
            points = np.array([view.road.point(place.s + along, across, up) for along, across in (
                (-half, near), (half, near), (half, far), (-half, far))])
            outline = view.camera.outline(points)
            if outline is not None:
                view.painter.polygon(outline, view.color(color, max(1.0, view.depth(points[1]))),
                                     int(self.kinds[0]))
