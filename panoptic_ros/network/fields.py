"""Random fields: 1/f noise, whose spectrum is that of natural images, and smooth ones."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt
import torch

Field = npt.NDArray[np.float32]

_SIDE = 1024
_EXPONENTS = np.linspace(0.6, 1.5, 20)
"""Amplitudes of natural images fall with about the first power of the frequency (Field, 1987)."""


def pink(shape: tuple[int, int], random: np.random.Generator) -> Field:
    """Return 1/f noise (H, W) with a deviation of about 1, at a random magnification."""
    height, width = shape
    bank = _bank()[random.integers(len(_EXPONENTS))]
    zoom = float(np.exp(random.uniform(np.log(0.5), np.log(1.3))))
    rows, columns = (max(1, min(_SIDE, int(side / zoom))) for side in shape)
    y, x = random.integers(_SIDE - rows + 1), random.integers(_SIDE - columns + 1)
    part = bank[y:y + rows, x:x + columns]
    if random.random() < 0.5:
        part = part[:, ::-1]
    return np.asarray(cv2.resize(np.ascontiguousarray(part), (width, height)), np.float32)


def smooth(shape: tuple[int, int], random: np.random.Generator) -> Field:
    """Return a field (H, W) of deviation about 1 that varies a few times over the image."""
    cells = random.integers(2, 9)
    grid = random.standard_normal((cells, 2 * cells)).astype(np.float32)
    return np.asarray(cv2.resize(grid, shape[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


@cache
def _bank() -> list[Field]:
    """Return fields (1024, 1024) of several exponents, from which parts are cut."""
    random = np.random.default_rng(7)
    rows, columns = torch.fft.fftfreq(_SIDE)[:, None], torch.fft.rfftfreq(_SIDE)[None]
    frequency = torch.hypot(rows, columns)
    frequency[0, 0] = 1
    fields = []
    for exponent in _EXPONENTS.tolist():
        white = torch.from_numpy(random.standard_normal((_SIDE, _SIDE), np.float32))
        spectrum = torch.fft.rfft2(white) * frequency ** -exponent
        spectrum[0, 0] = 0
        field = torch.fft.irfft2(spectrum, s=(_SIDE, _SIDE)).numpy()
        fields.append(np.asarray(field / field.std(), np.float32))
    return fields
