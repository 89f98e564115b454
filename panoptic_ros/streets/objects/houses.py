"""Houses that stand wall to wall: a front, an end, and a roof of some kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import cv2
import numpy as np

from ..camera import Floats
from ..classes import Kind
from ..noise import fractal
from ..view import View
from .actor import Actor, Place
from .facades import DENSITY, draw_blank, draw_front
from .paint import Albedo, gray, hue, scaled
from .panels import draw_panel
from .planes import Texture, draw_plane, pyramid

_ROOFS = ('flat', 'pitched', 'mansard', 'gabled')


class HousePictures(NamedTuple):
    """The textures that the houses of one drive share."""

    fronts: list[list[Texture]]
    blanks: list[list[Texture]]
    roofs: list[list[Texture]]

    @classmethod
    def draw(cls, rng: np.random.Generator, floors: tuple[int, int], lit: bool) -> HousePictures:
        """Draw fronts with a number of floors between two bounds, and what belongs to them."""
        fronts = [draw_front(rng, rng.uniform(8, 18), int(rng.integers(*floors)), lit)
                  for _ in range(7)]
        blanks = [draw_blank(rng, 10, 11) for _ in range(2)]
        return cls([pyramid(p, 4) for p in fronts], [pyramid(p, 4) for p in blanks],
                   [pyramid(draw_roof(rng)) for _ in range(3)])


class House(Actor):
    """
    A house along the road.

    ``sides``: its depth in metres, 0 for any, and how high the house before it hides its end.
    """

    kinds = (Kind.BUILDING,)
    shadow = 0.9
    reach = 150.0

    def __init__(self, rng: np.random.Generator, pictures: HousePictures, sign: int,
                 length: float, sides: tuple[float, float] = (0.0, 0.0)) -> None:
        depth, self.beside = sides
        fits = sorted(range(len(pictures.fronts)), key=lambda i: abs(
            pictures.fronts[i][0].shape[1] / DENSITY - length) + rng.uniform(0, 6))
        self.front = pictures.fronts[fits[0]]
        blank = rng.random() < 0.5 and not depth
        choice = pictures.blanks if blank else pictures.fronts
        self.end = choice[rng.integers(len(choice))]
        self.sign = sign
        self.length, self.width = length, depth or rng.uniform(8, 13)
        self.tall = self.front[0].shape[0] / DENSITY
        self.roof = pictures.roofs[rng.integers(len(pictures.roofs))]
        self.color = gray(rng, 40, 120) if rng.random() < 0.5 else hue(rng, (.3, .6), (.3, .6))
        self.kind = str(rng.choice(_ROOFS, p=[.3, .35, .2, .15]))
        if self.kind == 'gabled' and length > 15:
            self.kind = 'pitched'
        self.rise = {'flat': 0.0, 'pitched': rng.uniform(2.5, 4.5), 'mansard': 2.8,
                     'gabled': rng.uniform(3, 5)}[self.kind]
        self.overhang = max(.4, 2 * (self.rise - .12 * self.tall))

    def draw(self, view: View, place: Place, identities: Mapping[Kind, int]) -> None:
        """Draw the roof, the end wall that faces the camera, and the front."""
        identity = identities[Kind.BUILDING]
        half, up = self.length / 2, np.array([0, self.tall, 0])
        front = place.d - self.sign * self.width / 2
        back = place.d + self.sign * self.width / 2
        road = view.road
        ends = [road.point(place.s - half, front), road.point(place.s + half, front)]
        rear = [road.point(place.s - half, back), road.point(place.s + half, back)]
        self._draw_end(view, ends, rear, up, identity)
        draw_plane(view, self.front, ends[0], ends[1], -0.2, self.tall, identity)
        if self.rise:
            self._draw_roof(view, [end + up for end in ends], [end + up for end in rear],
                            identity)

    def _draw_end(self, view: View, ends: list[Floats], rear: list[Floats], up: Floats,
                  identity: int) -> None:
        if view.depth(rear[0]) <= 0:
            return
        if self.beside < self.tall:
            draw_plane(view, self.end, rear[0], ends[0], self.beside - .2, self.tall, identity)
        if self.kind in ('pitched', 'mansard'):
            inset = .5 if self.kind == 'pitched' else .25
            near = ends[0] + up + (rear[0] - ends[0]) * inset + (0, self.rise, 0)
            far = rear[0] + up + (ends[0] - rear[0]) * inset + (0, self.rise, 0)
            outline = view.camera.outline(np.stack([ends[0] + up, near, far, rear[0] + up]))
            if outline is not None:
                view.painter.polygon(outline, view.color(
                    scaled(self.color, .85), max(view.depth(ends[0]), 1.0)), identity)

    def _draw_roof(self, view: View, eaves: list[Floats], rear: list[Floats],
                   identity: int) -> None:
        if self.kind == 'gabled':
            peak = (eaves[0] + eaves[1]) / 2 + (0, self.rise, 0)
            outline = view.camera.outline(np.stack([eaves[0], peak, eaves[1]]))
            if outline is not None:
                level = self.front[-1][2].mean(0)
                view.painter.polygon(outline, view.color(
                    tuple((level * 1.05).tolist()), max(view.depth(peak), 1.0)), identity)
            return
        inset = .5 if self.kind == 'pitched' else .25
        ridge = [a + (b - a) * inset + (0, self.rise, 0) for a, b in zip(eaves, rear, strict=True)]
        order = (0, 1) if self.sign < 0 else (1, 0)
        low, high = [eaves[i] for i in order], [ridge[i] for i in order]
        draw_panel(view, self.roof, np.stack([high[0], high[1], low[0]]), identity, both=True)


def draw_roof(rng: np.random.Generator) -> Texture:
    """Return the texture of a roof (h, w, 3): tiles or sheets, dormers, windows."""
    width, height = 300, 110
    color: Albedo = gray(rng, 45, 130) if rng.random() < 0.5 else scaled(
        (60, 75, 140), rng.uniform(.6, 1.4))
    field = 1 + .4 * (fractal(rng, (height, width), (20, 20), 3) - .5)
    field[::int(rng.integers(3, 7))] *= .78
    if rng.random() < 0.4:
        field[:, ::int(rng.integers(4, 14))] *= .85
    picture = np.clip(np.array(color) * field[..., None], 0, 255).astype(np.uint8)
    count = int(rng.integers(0, 5))
    wall = gray(rng, 110, 235)
    for i in range(count):
        x, y = int((i + .5) * width / count), 100
        half, tall = 15, int(rng.uniform(35, 60))
        if rng.random() < 0.8:
            peak = np.array([[x - half - 4, y - tall], [x, y - tall - 14], [x + half + 4,
                                                                            y - tall]])
            cv2.rectangle(picture, (x - half, y - tall), (x + half, y), wall, -1)
            cv2.fillConvexPoly(picture, peak, scaled(color, .7))
        cv2.rectangle(picture, (x - half + 5, y - tall + 6), (x + half - 5, y - 6),
                      gray(rng, 30, 110), -1)
        cv2.line(picture, (x, y - tall + 6), (x, y - 6), wall, 2)
    cv2.rectangle(picture, (0, height - 5), (width, height), gray(rng, 90, 200), -1)
    return picture
