"""Colours of painted and dyed things, as albedo in BGR from 0 to 255."""

from __future__ import annotations

import colorsys

import numpy as np

Albedo = tuple[float, float, float]

GLASS: Albedo = (74, 64, 56)
RUBBER: Albedo = (28, 28, 30)
DARK: Albedo = (40, 38, 38)


def hue(rng: np.random.Generator, saturation: tuple[float, float],
        value: tuple[float, float]) -> Albedo:
    """Draw a colour of any hue."""
    red, green, blue = colorsys.hsv_to_rgb(rng.random(), rng.uniform(*saturation),
                                           rng.uniform(*value))
    return blue * 255, green * 255, red * 255


def gray(rng: np.random.Generator, low: float, high: float) -> Albedo:
    """Draw a grey with a slight tint."""
    level = rng.uniform(low, high)
    blue, green, red = np.clip(level + rng.normal(0, 0.02 * level, 3), 0, 255)
    return float(blue), float(green), float(red)


def lacquer(rng: np.random.Generator) -> Albedo:
    """Draw the colour of a vehicle."""
    if rng.random() < 0.45:
        return gray(rng, 35, 245)
    return hue(rng, (0.3, 0.95), (0.25, 0.95))


def cloth(rng: np.random.Generator) -> Albedo:
    """Draw the colour of a garment."""
    if rng.random() < 0.3:
        return gray(rng, 25, 230)
    return hue(rng, (0.2, 0.9), (0.15, 0.95))


def scaled(color: Albedo, factor: float) -> Albedo:
    """Return a lighter or darker shade."""
    blue, green, red = (min(255.0, c * factor) for c in color)
    return blue, green, red
