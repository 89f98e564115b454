"""Random fields for clouds, walls, leaves and asphalt."""

from __future__ import annotations

import cv2
import numpy as np

from .camera import Floats


def fractal(rng: np.random.Generator, shape: tuple[int, int], cell: tuple[int, int],
            octaves: int = 3, fade: float = 0.55) -> Floats:
    """
    Return smooth noise (h, w) from 0 to 1 with a mean of about a half.

    Coarse random grids are enlarged and summed: each octave has cells half as large and
    ``fade`` times as strong.
    """
    height, width = shape
    total = np.zeros(shape, np.float32)
    weight = 0.0
    for octave in range(octaves):
        rows = max(2, round(height / max(1, cell[0] >> octave)))
        columns = max(2, round(width / max(1, cell[1] >> octave)))
        grid = rng.random((rows, columns), np.float32)
        strength = fade ** octave
        total += strength * cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        weight += strength
    return np.asarray(np.clip(total / weight, 0, 1), np.float64)
