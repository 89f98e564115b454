"""Walls and fences."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from ..classes import Kind
from ..noise import fractal
from ..view import View
from .actor import Actor, Place
from .paint import gray, hue, scaled
from .planes import Texture, draw_plane, pyramid


class Barrier(Actor):
    """A wall or fence along the road."""

    shadow = 0.5
    reach = 90.0

    def __init__(self, rng: np.random.Generator, kind: Kind, pictures: list[list[Texture]],
                 length: float) -> None:
        self.kinds = (kind,)
        self.kind = kind
        self.picture = pictures[rng.integers(len(pictures))]
        self.length, self.width = length, 0.2
        self.tall = rng.uniform(1.3, 2.6) if kind == Kind.WALL else rng.uniform(1.1, 1.9)
        see_through = kind == Kind.FENCE and rng.random() < 0.4
        self.opacity = rng.uniform(0.6, 0.75) if see_through else 1.0

    def draw(self, view: View, place: Place, identities: Mapping[Kind, int]) -> None:
        """Draw the side that faces the camera."""
        half = self.length / 2
        start = view.road.point(place.s - half, place.d)
        end = view.road.point(place.s + half, place.d)
        draw_plane(view, self.picture, start, end, 0, self.tall, identities[self.kind],
                   self.opacity)


def draw_walls(rng: np.random.Generator, count: int) -> list[list[Texture]]:
    """Draw textures of walls of brick, stone or concrete, some with paint on them."""
    out = []
    for _ in range(count):
        height, width = 64, 420
        color = gray(rng, 80, 210) if rng.random() < 0.5 else hue(rng, (.15, .6), (.35, .8))
        rough = fractal(rng, (height, width), (12, 12), 3)[..., None] - 0.5
        picture = np.clip(np.array(color) * (1 + 0.5 * rough), 0, 255).astype(np.uint8)
        if rng.random() < 0.7:
            course, brick = int(rng.integers(7, 13)), int(rng.integers(16, 34))
            joint = scaled(color, rng.choice([0.6, 1.3]))
            for row, y in enumerate(range(0, height, course)):
                cv2.line(picture, (0, y), (width, y), joint, 1)
                for x in range((row % 2) * brick // 2, width, brick):
                    cv2.line(picture, (x, y), (x, y + course), joint, 1)
        else:
            for x in range(0, width, 70):
                cv2.line(picture, (x, 0), (x, height), scaled(color, 0.6), 2)
        cv2.rectangle(picture, (0, 0), (width, 5), scaled(color, 1.25), -1)
        out.append(pyramid(picture))
    return out


def draw_fences(rng: np.random.Generator, count: int) -> list[list[Texture]]:
    """Draw textures of fences: pickets between posts and rails."""
    out = []
    for _ in range(count):
        height, width = 64, 480
        color = gray(rng, 50, 235) if rng.random() < 0.5 else hue(rng, (.2, .7), (.25, .8))
        gap = scaled(color, rng.uniform(0.3, 0.5))
        picture = np.full((height, width, 3), gap, np.uint8)
        step = int(rng.integers(7, 14))
        slat = max(3, int(step * rng.uniform(0.45, 0.75)))
        for x in range(0, width, step):
            tone = scaled(color, rng.uniform(0.88, 1.08))
            cv2.rectangle(picture, (x, 0), (x + slat - 1, height), tone, -1)
        for y in (8, 46):
            cv2.rectangle(picture, (0, y), (width, y + 6), scaled(color, 0.8), -1)
        for x in range(0, width, 80):
            cv2.rectangle(picture, (x, 0), (x + 8, height), scaled(color, 0.7), -1)
        out.append(pyramid(picture))
    return out
