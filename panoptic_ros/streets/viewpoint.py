"""Where the camera is fixed to the car, how it looks ahead, and the bonnet below it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .painter import Painter

BONNET = 255


@dataclass(frozen=True)
class Viewpoint:
    """The camera of a varied drive."""

    focal: float
    """Pixels."""
    high: float
    """Metres over the road."""
    aside: float
    """Metres to the right of the middle of the lane."""
    pitch: float
    roll: float
    center: tuple[float, float]
    """The principal point (x, y) in pixels."""
    hood: Hood | None

    @classmethod
    def draw(cls, seed: int, size: tuple[int, int]) -> Viewpoint:
        """Draw a camera: wide or narrow, high or low, level or not."""
        rng = np.random.default_rng([seed, 16])
        height, width = size
        focal = max(width, 1.6 * height) * float(np.exp(rng.uniform(np.log(0.5), np.log(1.3))))
        pitch = float(rng.normal(0.01, 0.03))
        horizon = rng.uniform(0.30, 0.62)
        center = (width * (0.5 + rng.uniform(-0.04, 0.04)),
                  height * horizon + focal * np.tan(pitch))
        hood = Hood.draw(rng) if rng.random() < 0.45 else None
        return cls(focal, float(rng.uniform(1.1, 2.6)), float(rng.uniform(-0.9, 0.9)), pitch,
                   float(rng.normal(0, 0.008)), (float(center[0]), float(center[1])), hood)


@dataclass(frozen=True)
class Hood:
    """The own car's bonnet or dashboard at the lower edge of the image."""

    top: float
    """Share of the height at which its middle begins."""
    bend: float
    middle: float
    power: float
    color: tuple[float, float, float]
    star: bool

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Hood:
        """Draw a bonnet."""
        level = rng.uniform(15, 220)
        tint = rng.uniform(-12, 12, 3) if rng.random() < 0.7 else rng.uniform(-80, 80, 3)
        blue, green, red = np.clip(level + tint, 5, 250).tolist()
        return cls(float(rng.uniform(0.84, 0.97)), float(rng.uniform(-0.05, 0.35)),
                   float(rng.uniform(0.4, 0.6)), float(rng.uniform(1.6, 3.5)),
                   (blue, green, red), bool(rng.random() < 0.4))

    def draw_on(self, painter: Painter, size: tuple[int, int], light: float) -> None:
        """Draw it in strips that grow darker or lighter downward."""
        height, width = size
        x = np.linspace(-0.05, 1.05, 32)
        arch = self.top + self.bend * np.abs(2 * (x - self.middle)) ** self.power / 2
        color = np.array(self.color) * light
        for step, factor in enumerate((1.5, 1.15, 1.0, 0.85, 0.7)):
            y = np.maximum(arch + (1 - self.top) * step / 6, arch)
            points = np.stack([x * width, y * height], 1)
            corners = np.array([[1.05 * width, 1.2 * height], [-.05 * width, 1.2 * height]])
            painter.shape(np.concatenate([points, corners]),
                          np.clip(color * factor, 0, 255).tolist(), BONNET)
        if self.star:
            foot = np.array([self.middle * width, self.top * height])
            radius = 0.022 * height
            center = foot - (0, 1.4 * radius)
            bright = np.clip(color * 1.6 + 60, 0, 255).tolist()
            painter.disc(center, radius, bright, BONNET)
            painter.disc(center, 0.7 * radius, np.clip(color * 0.5, 0, 255).tolist(), BONNET)
            for turn in (0.0, 2.1, 4.2):
                tip = center + radius * np.array([np.sin(turn), -np.cos(turn)])
                painter.line(np.stack([center, tip]), 0.15 * radius, bright, BONNET)
            painter.line(np.stack([foot, center + (0, radius)]), 0.3 * radius, bright, BONNET)
