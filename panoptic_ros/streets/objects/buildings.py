"""Houses: facades with windows and doors of many styles."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np

from ..classes import Kind
from ..noise import fractal
from ..view import View
from .actor import Actor, Place
from .paint import Albedo, gray, hue, scaled
from .planes import Texture, draw_plane, pyramid

_DENSITY = 22
"""Texture pixels per metre."""


def facade(rng: np.random.Generator, length: float, floors: int, lit: bool) -> Texture:
    """Return the texture of a house front (h, w, 3)."""
    width, height = int(length * _DENSITY), int((floors * 3.1 + 1.2) * _DENSITY)
    wall = _wall_color(rng)
    rough = fractal(rng, (height, width), (16, 16), 3)[..., None] - 0.5
    picture = np.clip(np.array(wall) * (1 + 0.22 * rough), 0, 255).astype(np.uint8)
    if rng.random() < 0.3:
        step = int(rng.integers(5, 9))
        picture[::step] = (picture[::step] * 0.82).astype(np.uint8)
    axes = max(2, int(length / rng.uniform(2.2, 3.4)))
    pitch = width / axes
    frame, sill = gray(rng, 60, 245), scaled(wall, rng.uniform(0.6, 1.3))
    share = rng.uniform(0.4, 0.75)
    tall = rng.uniform(1.3, 2.0) * _DENSITY
    ground = height - int(3.4 * _DENSITY)
    shop = rng.random() < 0.45
    glass = gray(rng, 45, 110)
    balconies = rng.random() < 0.25
    for floor in range(floors - 1):
        y1 = ground - int(floor * 3.1 * _DENSITY) - int(0.75 * _DENSITY)
        y0 = int(y1 - tall)
        if y0 < 8:
            break
        if rng.random() < 0.35:
            cv2.rectangle(picture, (0, y1 + 14), (width, y1 + 17), scaled(wall, 0.75), -1)
        for axis in range(axes):
            x0 = int(axis * pitch + pitch * (1 - share) / 2)
            x1 = int(x0 + pitch * share)
            pane: Albedo = scaled(glass, rng.uniform(0.7, 1.5))
            if lit and rng.random() < 0.4:
                pane = (110, 190, 250)
            cv2.rectangle(picture, (x0 - 3, y0 - 3), (x1 + 3, y1 + 3), sill, -1)
            cv2.rectangle(picture, (x0, y0), (x1, y1), frame, -1)
            cv2.rectangle(picture, (x0 + 2, y0 + 2), (x1 - 2, y1 - 2), pane, -1)
            middle = (x0 + x1) // 2
            cv2.line(picture, (middle, y0), (middle, y1), frame, 2)
            if balconies:
                cv2.rectangle(picture, (x0 - 6, y1 - 12), (x1 + 6, y1 + 4), scaled(sill, 0.8), -1)
    _ground_floor(rng, picture, ground, pitch, axes, shop, glass, frame, wall, lit)
    cv2.rectangle(picture, (0, 0), (width, 7), scaled(wall, 0.65), -1)
    return picture


def _wall_color(rng: np.random.Generator) -> Albedo:
    if rng.random() < 0.35:
        return gray(rng, 90, 235)
    return hue(rng, (0.08, 0.48), (0.45, 0.95))


def _ground_floor(rng: np.random.Generator, picture: Texture, top: int, pitch: float, axes: int,
                  shop: bool, glass: Albedo, frame: Albedo, wall: Albedo, lit: bool) -> None:
    height, width = picture.shape[:2]
    door = int(rng.integers(axes))
    if shop:
        cv2.rectangle(picture, (0, top - 4), (width, top + 12), hue(rng, (.4, .95), (.3, .9)), -1)
    else:
        cv2.rectangle(picture, (0, height - 14), (width, height), scaled(wall, 0.6), -1)
    for axis in range(axes):
        x0, x1 = int(axis * pitch + pitch * 0.14), int((axis + 1) * pitch - pitch * 0.14)
        if axis == door:
            cv2.rectangle(picture, (x0 + 4, top + 20), (x1 - 4, height), frame, -1)
            cv2.rectangle(picture, (x0 + 8, top + 24), (x1 - 8, height), gray(rng, 30, 110), -1)
        else:
            bottom = height - (8 if shop else 24)
            pane: Albedo = (120, 200, 250) if lit and rng.random() < 0.6 else glass
            cv2.rectangle(picture, (x0, top + 18), (x1, bottom), frame, -1)
            cv2.rectangle(picture, (x0 + 3, top + 21), (x1 - 3, bottom - 3), pane, -1)


class Building(Actor):
    """A house along the road, seen by its front and by the end that faces the camera."""

    kinds = (Kind.BUILDING,)
    shadow = 0.9
    reach = 150.0

    def __init__(self, rng: np.random.Generator, fronts: list[list[Texture]], sign: int,
                 length: float) -> None:
        self.front = fronts[rng.integers(len(fronts))]
        self.end = self.front if rng.random() < 0.4 else fronts[rng.integers(len(fronts))]
        self.sign = sign
        self.length, self.width = length, rng.uniform(7, 11)
        floors = rng.integers(2, 6)
        self.tall = floors * 3.1 + rng.uniform(0.8, 1.5)
        self.roof = gray(rng, 40, 120) if rng.random() < 0.5 else hue(rng, (.3, .7), (.3, .6))
        self.overhang = 3.0
        self.gable = rng.random() < 0.5 and floors < 5

    def draw(self, view: View, place: Place, identities: Mapping[Kind, int]) -> None:
        """Draw the end wall that faces the camera, the roof and the front."""
        identity = identities[Kind.BUILDING]
        road, half = view.road, self.length / 2
        front = place.d - self.sign * self.width / 2
        back = place.d + self.sign * self.width / 2
        near, far = place.s - half, place.s + half
        ends = [road.point(near, front), road.point(far, front)]
        rear = [road.point(near, back), road.point(far, back)]
        if self.gable:
            rise = self.tall + 2.6
            ridge = [(a + b) / 2 + (0, rise, 0) for a, b in zip(ends, rear, strict=True)]
            eave = [point + (0, self.tall, 0) for point in ends]
            for points, shade in ((np.stack([eave[0], eave[1], ridge[1], ridge[0]]), 1.0),
                                  (np.stack([eave[0], ridge[0], rear[0] + (0, self.tall, 0)]),
                                   0.8)):
                outline = view.camera.outline(points)
                if outline is not None:
                    view.painter.polygon(outline, view.color(
                        scaled(self.roof, shade), max(view.depth(eave[0]), 1.0)), identity)
        if view.depth(rear[0]) > 0:
            draw_plane(view, self.end, rear[0], ends[0], -0.2, self.tall, identity)
        draw_plane(view, self.front, ends[0], ends[1], -0.2, self.tall, identity)


def draw_fronts(rng: np.random.Generator, count: int, lit: bool) -> list[list[Texture]]:
    """Draw the textures of ``count`` house fronts."""
    return [pyramid(facade(rng, rng.uniform(11, 16), int(rng.integers(2, 6)), lit))
            for _ in range(count)]
