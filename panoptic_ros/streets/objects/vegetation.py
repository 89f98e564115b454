"""Trees and bushes with irregular crowns."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import cv2
import numpy as np

from ..camera import NEAR
from ..classes import Kind
from ..noise import fractal
from ..view import View
from .actor import Actor, Place
from .paint import Albedo
from .planes import Texture

_SIZE = 192
_CROWNS = 10


@lru_cache(maxsize=2 * _CROWNS)
def crown(index: int) -> Texture:
    """Return the texture of one crown (h, w, 4): grey leaves and a mask."""
    rng = np.random.default_rng([20, index])
    y, x = np.mgrid[:_SIZE, :_SIZE] / (_SIZE - 1) * 2.5 - 1.25
    angle = np.arctan2(y, x)
    edge = 0.78 + sum(rng.uniform(-0.09, 0.09) * np.sin(k * angle + rng.uniform(0, 6.28))
                      for k in (2, 3, 4, 5, 7))
    leaves = fractal(rng, (_SIZE, _SIZE), (28, 28), 4, 0.8)
    radius = np.hypot(x, y * 1.04) + 0.42 * (leaves - 0.5)
    inside = (radius < edge) & (np.hypot(x, y) < 1.2)
    mask = cv2.medianBlur((inside * 255).astype(np.uint8), 9)
    puffs = fractal(rng, (_SIZE, _SIZE), (56, 56), 2)
    fine = cv2.GaussianBlur(rng.random((_SIZE, _SIZE)), (0, 0), 1.1) - 0.5
    light = 0.62 + 1.3 * fine + 0.75 * (leaves - 0.5) * 1.6 + 0.5 * (puffs - 0.5) - 0.24 * y
    value = np.clip(light * 150, 12, 255).astype(np.uint8)
    return np.dstack([value, value, value, mask])


def leaf_color(rng: np.random.Generator) -> Albedo:
    """Draw a gain per channel for leaves: green, olive, autumn yellow or red."""
    kind = rng.random()
    if kind < 0.6:
        return rng.uniform(.25, .5), rng.uniform(.7, 1.0), rng.uniform(.4, .75)
    if kind < 0.8:
        return rng.uniform(.3, .6), rng.uniform(.6, .8), rng.uniform(.55, .8)
    return rng.uniform(.2, .35), rng.uniform(.55, .85), rng.uniform(.85, 1.2)


class Plant(Actor):
    """A tree with a trunk, or a bush without one."""

    kinds = (Kind.VEGETATION,)
    shadow = 0.75

    def __init__(self, rng: np.random.Generator, tree: bool) -> None:
        self.crown = crown(int(rng.integers(_CROWNS)))
        if rng.random() < 0.5:
            self.crown = np.ascontiguousarray(self.crown[:, ::-1])
        self.color = np.array(leaf_color(rng))
        self.trunk = rng.uniform(1.8, 2.8) if tree else 0.0
        self.across = rng.uniform(3.2, 6.0) if tree else rng.uniform(1.6, 3.2)
        self.up = self.across * rng.uniform(0.85, 1.3) if tree else rng.uniform(1.2, 2.2)
        self.bark = tuple((np.array([45, 58, 72]) * rng.uniform(0.6, 1.6)).tolist())
        self.lean = rng.uniform(-0.25, 0.25)
        self.length = self.width = 0.5 if tree else 1.4
        self.tall = self.trunk + self.up
        self.overhang = 0.75 * self.across + 0.3
        self.reach = 115.0 if tree else 70.0

    def draw(self, view: View, place: Place, identities: Mapping[Kind, int]) -> None:
        """Draw the trunk, then the crown turned to the camera."""
        identity = identities[Kind.VEGETATION]
        foot = view.road.point(place.s, place.d, place.height)
        depth = view.depth(foot)
        if depth < 2 * NEAR + 1.5:
            return
        scale = view.camera.focal / depth
        middle = foot + (self.lean, self.trunk + self.up * 0.5, 0)
        foot_px, middle_px = view.camera.project(np.array([foot, middle]))
        if self.trunk:
            thick = 0.3 * scale
            painter = view.painter
            painter.polygon(np.array([
                foot_px + (-thick * 0.6, 0), foot_px + (thick * 0.6, 0),
                middle_px + (thick * 0.35, 0), middle_px + (-thick * 0.35, 0)]),
                view.color(self.bark, depth), identity)
        half = np.array([self.across * 0.72, self.up * 0.74]) * scale
        corners = middle_px + half * np.array([[-1, -1], [1, -1], [-1, 1]])
        tone = view.tone(None, depth)
        tone = np.array([tone[:, 0] * self.color, tone[:, 1]]).T
        view.painter.sprite(self.crown, corners, tone, identity)
