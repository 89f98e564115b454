"""Posts with lanterns, wires over the road, guard rails."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from ..camera import NEAR
from ..classes import VOID, Kind
from ..view import View
from .actor import Actor, Place
from .furniture import Furniture
from .paint import Albedo, gray
from .planes import Texture, draw_plane


class Lantern(Furniture):
    """A post with a lantern or a globe on its top."""

    kinds = (Kind.POLE,)

    def __init__(self, rng: np.random.Generator, lit: bool) -> None:
        self.lit = lit
        self.tall = rng.uniform(3.0, 5.0)
        self.thick = rng.uniform(.09, .18)
        self.color = gray(rng, 25, 150)
        self.size = rng.uniform(.14, .26)
        self.globe = bool(rng.random() < .4)

    def draw(self, view: View, place: Place, identities: Mapping[Kind, int]) -> None:
        """Draw the post and the lantern."""
        identity = identities[Kind.POLE]
        pole = self._pole(view, place, self.tall, self.thick, self.color, identity)
        if pole is None:
            return
        foot, depth = pole
        scale = view.camera.focal / depth
        top = view.camera.project((foot + (0, self.tall, 0))[None])[0]
        glass: Albedo = (170, 225, 255) if self.lit else (205, 210, 210)
        tone = view.color(glass, depth, float(self.lit))
        size = self.size * scale
        if self.globe:
            view.painter.disc(top, size, tone, identity)
            return
        shape = np.array([[-.7, 0], [.7, 0], [1.0, -1.5], [-1.0, -1.5]])
        view.painter.polygon(top + shape * size, tone, identity)
        roof = np.array([[-1.3, -1.5], [1.3, -1.5], [0, -2.4]])
        view.painter.polygon(top + roof * size, view.color(self.color, depth), identity)


class Wires(Actor):
    """Wires across the road; they are too thin to be labelled and keep what is behind them."""

    kinds = ()
    shadow = 0.0
    reach = 60.0

    def __init__(self, rng: np.random.Generator, span: float) -> None:
        self.length, self.width = .2, span
        self.tall = rng.uniform(5.5, 8.0)
        self.sag = rng.uniform(.1, .8)
        self.lamp = bool(rng.random() < .4)
        self.along = rng.uniform(-5, 5)

    def draw(self, view: View, place: Place, identities: Mapping[Kind, int]) -> None:
        """Draw the wire and the lamp that hangs from it."""
        share = np.linspace(-1, 1, 9)
        points = view.road.points(place.s + self.along * share, place.d + share * self.width / 2,
                                  self.tall - self.sag * (1 - share ** 2))
        if (view.camera.to_camera(points)[:, 2] < NEAR).any():
            return
        canvas = view.painter.canvas
        labels = canvas[..., 3].copy()
        depth = view.depth(points[4])
        view.painter.line(view.camera.project(points), .02 * view.camera.focal / depth,
                          view.color((40, 40, 42), depth), 0)
        canvas[..., 3] = labels
        if self.lamp:
            scale = view.camera.focal / depth
            hung = view.camera.project(points[4][None])[0]
            view.painter.polygon(hung + np.array([[-.3, 0], [.3, 0], [.2, .3], [-.2, .3]]) * scale,
                                 view.color((120, 120, 120), depth), VOID)


class GuardRail(Actor):
    """A guard rail along the road, unlabelled."""

    kinds = ()
    shadow = 0.4
    reach = 80.0

    def __init__(self, rng: np.random.Generator, length: float) -> None:
        self.length, self.width = length, .25
        self.tall = .78
        rail = np.array([.6, .8, 1.0, .75, .5, .75, 1.0, .7])[:, None] * gray(rng, 130, 220)[1]
        picture = np.repeat(np.repeat(rail, 2, 0), 60, 1)
        picture[:, ::20] *= .8
        self.rail: list[Texture] = [np.asarray(cv2.merge([picture] * 3), np.uint8)]
        self.color = gray(rng, 80, 170)

    def draw(self, view: View, place: Place, identities: Mapping[Kind, int]) -> None:
        """Draw the posts, then the rail."""
        half = self.length / 2
        for along in np.linspace(half, -half, max(2, int(self.length / 2.5))):
            foot = view.road.point(place.s + along, place.d, place.height)
            outline = view.camera.outline(foot + np.array([
                [-.05, 0, 0], [.05, 0, 0], [.05, .6, 0], [-.05, .6, 0]]))
            if outline is not None:
                view.painter.polygon(outline, view.color(self.color, max(1.0, view.depth(foot))),
                                     VOID)
        draw_plane(view, self.rail, view.road.point(place.s - half, place.d),
                   view.road.point(place.s + half, place.d), .42, .74, VOID)
