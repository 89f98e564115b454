"""The background: the sky and a far skyline of trees and houses."""

from __future__ import annotations

import cv2
import numpy as np

from .camera import Floats
from .classes import Kind
from .view import View

_FAR = 320.0


class Backdrop:
    """The far end of the world; it turns with the camera but never comes nearer."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.trees = rng.uniform(4, 13, 96)
        self.houses = np.repeat(rng.uniform(6, 18, 48) * (rng.random(48) < 0.6), 2)
        self.leaf = [rng.uniform(45, 80), rng.uniform(85, 120), rng.uniform(65, 110)]
        self.wall = rng.uniform(110, 180, 3).tolist()

    def draw(self, view: View) -> None:
        """Draw the sky, the houses far away, and the trees before them."""
        canvas = view.painter.canvas
        sky = view.light.sky(view.camera)
        canvas[:len(sky)] = cv2.cvtColor(sky, cv2.COLOR_BGR2BGRA)
        canvas[..., 3] = int(Kind.SKY)
        turn = 2 * np.pi / 96
        camera = view.camera
        across = abs(camera.center[0] - camera.size[1] / 2) + camera.size[1] / 2
        half = max(0.7, float(np.arctan(across / camera.focal)) + 0.15)
        first = int(np.floor((camera.yaw - half) / turn))
        index = np.arange(first, first + int(2 * half / turn) + 2)
        corners = np.asarray(np.repeat(index, 2)[1:-1] * turn, np.float64)
        self._layer(view, corners, np.repeat(self.houses[index % 96], 2)[:-2], self.wall,
                    Kind.BUILDING)
        fine: Floats = np.linspace(index[0], index[-1], 4 * len(index))
        high = np.interp(fine, index, self.trees[index % 96]) + 1.2 * np.sin(fine * 9)
        angles = np.asarray(fine * turn, np.float64)
        self._layer(view, angles, np.asarray(high, np.float64), self.leaf, Kind.VEGETATION)

    def _layer(self, view: View, angles: Floats, high: Floats, color: list[float],
               kind: Kind) -> None:
        base = view.camera.position * (1, 0, 1)
        around = np.stack([np.sin(angles), np.zeros(len(angles)), np.cos(angles)], 1) * _FAR
        tops = base + around + np.stack([0 * high, high, 0 * high], 1)
        lows = base + around[::-1] - (0, 1.0, 0)
        pixels = view.camera.project(np.concatenate([tops, lows]))
        view.painter.shape(pixels, view.color(color, 0.6 * _FAR), int(kind))
