"""Hedges, and grass that stands in tufts."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from ..classes import Kind
from ..noise import fractal
from ..view import View
from .actor import Actor, Place
from .panels import draw_panel
from .planes import Texture, draw_plane, pyramid
from .vegetation import leaf_color


class Hedge(Actor):
    """A hedge along the road, with a ragged top."""

    kinds = (Kind.VEGETATION,)
    shadow = 0.6
    reach = 80.0

    def __init__(self, rng: np.random.Generator, pictures: list[list[Texture]], length: float,
                 sign: int) -> None:
        self.picture = pictures[rng.integers(len(pictures))]
        self.length, self.width, self.sign = length, rng.uniform(.5, 1.2), sign
        self.tall = rng.uniform(.6, 2.4)
        steps = int(length / .3)
        self.ragged = np.stack([np.linspace(-.5, .5, steps) * length,
                                rng.uniform(-.06, .1, steps)], 1)
        self.color = self.picture[-1].reshape(-1, 3).mean(0) * .8

    def draw(self, view: View, place: Place, identities: Mapping[Kind, int]) -> None:
        """Draw the ragged top, the near end and the side that faces the road."""
        identity = identities[Kind.VEGETATION]
        road, half = view.road, self.length / 2
        near, far = place.d - self.sign * self.width / 2, place.d + self.sign * self.width / 2
        for (a, low), (b, _) in zip(self.ragged[:-1:2], self.ragged[1::2], strict=False):
            top = self.tall + low
            points = np.stack([road.point(place.s + a, near, self.tall - .2),
                               road.point(place.s + (a + b) / 2, near, top + .06),
                               road.point(place.s + b + .3, near, self.tall - .2)])
            outline = view.camera.outline(points)
            if outline is not None:
                view.painter.polygon(outline, view.color(
                    self.color.tolist(), max(1.0, view.depth(points[1]))), identity)
        start, end = road.point(place.s - half, near), road.point(place.s + half, near)
        back = road.point(place.s - half, far)
        up = np.array([0, self.tall, 0])
        if view.depth(back) > 0:
            draw_plane(view, self.picture, back, start, 0, self.tall, identity)
        if self.tall < view.camera.position[1]:
            ends = (back, start) if self.sign > 0 else (start, back)
            along = end - start
            draw_panel(view, self.picture, np.stack([ends[0] + up + along, ends[1] + up + along,
                                                     ends[0] + up]), identity, both=True)
        draw_plane(view, self.picture, start, end, 0, self.tall, identity)


def draw_leaves(rng: np.random.Generator, count: int) -> list[list[Texture]]:
    """Draw textures of dense leaves."""
    out = []
    for _ in range(count):
        height, width = 80, 480
        fine = cv2.GaussianBlur(rng.random((height, width)), (0, 0), 1.0) - .5
        field = .55 + 2.2 * fine + .9 * (fractal(rng, (height, width), (20, 24), 3) - .5)
        field *= np.linspace(1.25, .6, height)[:, None]
        color = np.array(leaf_color(rng)) * 150
        out.append(pyramid(np.clip(color * field[..., None], 5, 255).astype(np.uint8)))
    return out
