"""One moment as the camera sees it, which every object needs to draw itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .atmosphere import Atmosphere
from .camera import Camera, Floats
from .painter import Painter
from .road import Road
from .variety import PLAIN, Variety


@dataclass(frozen=True)
class View:
    """The camera, the canvas, the light, the road and the time of one frame."""

    camera: Camera
    painter: Painter
    light: Atmosphere
    road: Road
    time: float
    variety: Variety = PLAIN

    def color(self, albedo: Sequence[float], depth: float, glow: float = 0.0) -> list[float]:
        """Light a surface of no particular direction at a depth in metres."""
        light = self.light
        share = light.haze(depth)
        return [min(255.0, a * (m * (1 - glow) + glow)) * (1 - share) + h * share
                for a, m, h in zip(albedo, light.mean_list, light.haze_list, strict=True)]

    def tone(self, normal: Floats | None, depth: float) -> Floats:
        """Return gain and offset per channel (3, 2) for a surface at a depth in metres."""
        light = self.light
        gain = light.mean if normal is None else light.shade(normal[None])[0]
        share = light.haze(depth)
        return np.array([gain * (1 - share), light.haze_color * share]).T

    def depth(self, point: Floats) -> float:
        """Return the depth of a world point in metres."""
        return float((point - self.camera.position) @ self.camera.rotation[2])
