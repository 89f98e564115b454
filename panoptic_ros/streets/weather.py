"""Skies and sunlight of varied drives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .atmosphere import Atmosphere

_SUNNY = {'clear': 0.85, 'golden': 0.8, 'dusk': 0.2, 'cloudy': 0.25, 'mist': 0.05}
"""How often the sun shines hard in each weather."""


def relit(light: Atmosphere, seed: int) -> Atmosphere:
    """Return the light of a drive with other skies and with another share of direct light."""
    rng = np.random.default_rng([seed, 12])
    gray = rng.uniform(120, 235)
    tint = rng.uniform(-6, 6, 3)
    share = rng.random() ** (2.0 if light.weather == 'clear' else 0.8)
    overcast = gray + tint
    sunny = rng.random() < _SUNNY[light.weather]
    direct = (rng.uniform(0.45, 0.7) if sunny else rng.uniform(0, 0.18)) / light.sun_color.mean()
    return replace(light, zenith=light.zenith * (1 - share) + overcast * share,
                   horizon=light.horizon * (1 - share) + (overcast * 1.05) * share,
                   sun_color=light.sun_color * direct,
                   ambient=light.ambient * rng.uniform(0.75, 1.05),
                   haze_length=light.haze_length * rng.uniform(0.5, 2.0))
