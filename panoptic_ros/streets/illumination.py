"""The light of a photograph: sun against shade, and shadows of what is out of sight."""

from __future__ import annotations

import numpy as np

from .appearance import Shadows
from .atmosphere import Atmosphere
from .camera import Floats
from .road import Road, Side

_STEPS = 1024
_BLOCK = 7.0
"""Metres of road for which a house has one height."""


class Illumination:
    """How light falls on the street of one drive."""

    def __init__(self, seed: int, light: Atmosphere, road: Road, wild: bool) -> None:
        rng = np.random.default_rng([seed, 13])
        self.road = road
        self.direction = light.sun
        self.sunny = bool(light.sun_color.mean() > 0.3)
        strength = float(np.exp(rng.uniform(np.log(1.2), np.log(8)))) if self.sunny else 0.0
        warm, cool = rng.uniform(0, 0.18), rng.uniform(-0.03, 0.15)
        exposed_for = rng.uniform(0.15, 0.9)
        base = 1 / (1 + strength * exposed_for)
        self.ambient = base * np.array([1 + cool, 1.0, 1 - cool])
        self.sun = base * strength * np.array([1 - warm, 1.0, 1 + 0.6 * warm])
        if wild:
            self.ambient *= np.exp(rng.normal(0, 0.25, 3))
            self.sun *= np.exp(rng.normal(0, 0.25, 3))
        self.aside = rng.uniform(0.4, 0.95)
        """Share of the light of the sky that upright surfaces get."""
        self.sky = rng.uniform(0.7, 1.4) if rng.random() < 0.6 else rng.uniform(1.4, 3.5)
        self.leaves = rng.uniform(0.2, 0.75) if self.sunny and rng.random() < 0.5 else 0.0
        houses = self.sunny and rng.random() < 0.7
        self._tall = rng.uniform(5, 20, 512) * (rng.random(512) < rng.uniform(0.5, 0.95)) * houses
        self._edge = rng.uniform(0.4, 1.0)
        self.rise = max(float(light.sun[1]), 0.15) * rng.uniform(0.8, 1.6)

    def shadows(self, base: float) -> Shadows:
        """Return where houses throw shadows; ``base``: metres along at which to begin."""
        z = base - 16 + np.arange(_STEPS) / 4
        across = self.direction[0]
        tall = self._tall[(z // _BLOCK).astype(np.int64) % len(self._tall)]
        length = tall * abs(across) / self.rise
        low, high = np.full(_STEPS, -1e4), np.full(_STEPS, 1e4)
        middle = self.road.offset(z)
        cast = length > 1.0
        line = _line(self.road.right if across > 0 else self.road.left)
        if across > 0:
            high = np.where(cast, middle + line - length, high)
        else:
            low = np.where(cast, middle - line + length, low)
        wide = _line(self.road.right) + _line(self.road.left)
        facade = np.where(tall > 0, tall - wide * self.rise / max(abs(across), 0.1), -10)
        return Shadows(-16.0, low.astype(np.float32), high.astype(np.float32),
                       facade.astype(np.float32))

    def lit(self, shadows: Shadows, spot: Floats) -> float:
        """Tell how much sun reaches a point (x, metres from the base) of the ground."""
        step = int(np.clip((spot[1] - shadows.start) * 4, 0, _STEPS - 1))
        return float(shadows.low[step] < spot[0] < shadows.high[step])


def _line(side: Side) -> float:
    return side.verge_end
