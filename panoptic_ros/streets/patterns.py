"""Photographic patterns: seamless fields of noise and structure, smaller and smaller."""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

SIDE = 512
LEVELS = 7
Field = npt.NDArray[np.float32]


class Pattern(IntEnum):
    """What a surface is made of; the order is that of the bank."""

    PINK = 0
    CLOUDS = 1
    BLOBS = 2
    ASPHALT = 3
    SLABS = 4
    COBBLES = 5
    PAVERS = 6
    BRICK = 7
    ASHLAR = 8
    PLASTER = 9
    LEAVES = 10
    BARK = 11
    GRASS = 12
    FOLDS = 13
    CHECKS = 14
    GLOSS = 15
    SHEETS = 16
    POSTERS = 17


DENSITY = (40., 8, 40, 40, 40, 64, 64, 64, 32, 24, 48, 88, 64, 160, 296, 88, 40, 48)
"""Pixels per metre of each pattern: multiples of 8, so that all repeat after 64 metres."""


class Bank(NamedTuple):
    """All patterns, each with its smaller versions."""

    atlas: npt.NDArray[np.uint8]
    """(patterns, pixels of all levels): 128 is the mean, 40 the standard deviation."""
    starts: npt.NDArray[np.int64]
    """(levels,) where in a row of the atlas each level begins."""


@lru_cache(maxsize=1)
def bank() -> Bank:
    """Return the patterns; they are drawn once in a process, the same in all."""
    sizes = [(SIDE >> level) ** 2 for level in range(LEVELS)]
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]).astype(np.int64)
    atlas = np.empty((len(Pattern), sum(sizes)), np.uint8)
    for pattern in Pattern:
        field = _DRAW[pattern](np.random.default_rng([31, pattern]))
        field = (field - field.mean()) / (field.std() + 1e-9)
        for level, (start, size) in enumerate(zip(starts, sizes, strict=True)):
            side = SIDE >> level
            small = cv2.resize(field, (side, side), interpolation=cv2.INTER_AREA)
            atlas[pattern, start:start + size] = np.clip(128 + 40 * small, 0, 255).ravel()
    return Bank(atlas, starts)


def pink(rng: np.random.Generator, beta: float, stretch: tuple[float, float] = (1, 1),
         ) -> Field:
    """Return seamless noise of standard deviation 1, whose amplitude falls as f ** -beta."""
    fy = np.fft.fftfreq(SIDE)[:, None] * stretch[0]
    fx = np.fft.rfftfreq(SIDE)[None] * stretch[1]
    frequency = np.hypot(fy, fx)
    frequency[0, 0] = 1
    spectrum = np.fft.rfft2(rng.standard_normal((SIDE, SIDE))) * frequency ** -beta
    spectrum[0, 0] = 0
    field = np.fft.irfft2(spectrum, (SIDE, SIDE))
    return np.asarray(field / field.std(), np.float32)


def cells(rng: np.random.Generator, count: int, jitter: float) -> tuple[Field, Field]:
    """
    Return seamless cells (Voronoi).

    They are a level for each from -1 to 1, and the distance to the cell's middle in pixels.
    """
    step = SIDE / count
    grid = np.stack(np.meshgrid(np.arange(count), np.arange(count)), -1).reshape(-1, 2) + 0.5
    middle = ((grid + rng.uniform(-jitter, jitter, grid.shape)) * step).astype(int) % SIDE
    seeds = np.full((SIDE, SIDE), 255, np.uint8)
    seeds[middle[:, 1], middle[:, 0]] = 0
    pad = min(SIDE // 2, int(3 * step))
    wide = np.pad(seeds, pad, mode='wrap')
    distance, label = cv2.distanceTransformWithLabels(wide, cv2.DIST_L2, 5,
                                                      labelType=cv2.DIST_LABEL_PIXEL)
    levels = np.pad(rng.uniform(-1, 1, (SIDE, SIDE)).astype(np.float32), pad, mode='wrap')
    of_label = np.zeros(label.max() + 1, np.float32)
    of_label[label[wide == 0]] = levels[wide == 0]
    inner = slice(pad, pad + SIDE)
    return (of_label[label[inner, inner]], np.asarray(distance[inner, inner], np.float32))


def bond(rng: np.random.Generator, rows: int, columns: int, joint: int, spread: float) -> Field:
    """Return courses of stones with dark joints, every other course shifted by half a stone."""
    y, x = np.mgrid[:SIDE, :SIDE]
    row = y * rows // SIDE
    shifted = (x + (row % 2) * SIDE // columns // 2) % SIDE
    stone = shifted * columns // SIDE
    levels = rng.normal(0, spread, (rows, columns))
    field = levels[row, stone]
    inside_y = y - (row * SIDE + rows - 1) // rows
    inside_x = shifted - (stone * SIDE + columns - 1) // columns
    seam = (inside_y < joint) | (inside_x < joint)
    return np.asarray(np.where(seam, -2.2, field + 0.5 * pink(rng, 0.7)), np.float32)


def _blurred(field: Field, sigma: float) -> Field:
    """Return a seamless field blurred, with its standard deviation as before."""
    wide = cv2.GaussianBlur(np.pad(field, 24, mode='wrap'), (0, 0), sigma)[24:-24, 24:-24]
    return np.asarray(wide * (field.std() / wide.std()), np.float32)


def _asphalt(rng: np.random.Generator) -> Field:
    grain = 0.6 * _blurred(rng.standard_normal((SIDE, SIDE)).astype(np.float32), 0.8)
    field = 1.3 * grain + 0.7 * pink(rng, 1.0)
    for _ in range(4):                      # where the road was mended
        x, y = rng.integers(0, SIDE - 130, 2)
        w, h = rng.integers(30, 120, 2)
        field[y:y + h, x:x + w] += rng.uniform(-1.2, 1.0)
        cv2.rectangle(field, (int(x), int(y)), (int(x + w), int(y + h)), -1.6, 2)
    level, _ = cells(np.random.default_rng(5), 4, 0.45)
    edge = cv2.Laplacian(level, cv2.CV_32F)
    edge = cv2.dilate((np.abs(edge) > 0.05).astype(np.float32), np.ones((2, 2)))
    shift = 5 * pink(rng, 1.3)
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    edge = cv2.remap(edge, (x + shift) % SIDE, (y + shift.T) % SIDE, cv2.INTER_LINEAR)
    field -= 2.0 * edge * (pink(rng, 1.4) > -0.1)
    for x0 in rng.integers(20, SIDE - 20, 2):       # seams of tar
        cv2.line(field, (int(x0), 0), (int(x0), SIDE), -2.2, int(rng.integers(2, 5)))
    for _ in range(2):
        x0, y0 = (int(v) for v in rng.integers(60, SIDE - 60, 2))
        cv2.circle(field, (x0, y0), 14, -1.9, -1)
        cv2.circle(field, (x0, y0), 11, -0.7, 2)
    return field


def _leaves(rng: np.random.Generator) -> Field:
    fine, _ = cells(rng, 110, 0.5)
    middle, spread = cells(rng, 38, 0.5)
    large, far = cells(rng, 9, 0.5)
    clump = np.exp(-(far / 30) ** 2)
    field = 0.75 * fine + 0.6 * middle - 0.05 * spread + 1.1 * clump + 0.5 * large
    return np.asarray(field + 0.8 * pink(rng, 1.2), np.float32)


def _folds(rng: np.random.Generator) -> Field:
    warp = pink(rng, 1.7, (2.5, 1))
    ridges = 1 - np.abs(pink(rng, 1.5, (2.0, 0.8))) * 1.5
    return np.asarray(np.sin(3.0 * warp) + ridges + 0.15 * pink(rng, 0.3), np.float32)


def _checks(rng: np.random.Generator) -> Field:
    profile = np.repeat(rng.uniform(-1, 1, 16), 8)
    line = np.tile(profile, SIDE // len(profile)).astype(np.float32)
    return np.asarray(line[None] + line[:, None] + 0.4 * pink(rng, 1.0), np.float32)


def _gloss(rng: np.random.Generator) -> Field:
    bands = pink(rng, 1.8, (0.5, 3.0))
    return np.asarray(np.tanh(1.5 * bands) + 0.5 * pink(rng, 1.4), np.float32)


def _sheets(rng: np.random.Generator) -> Field:
    x = np.arange(SIDE)[None]
    return np.asarray(np.sin(2 * np.pi * x * 40 / SIDE) - 2.0 * (x % 128 < 3)
                      + 0.6 * pink(rng, 1.3, (1.6, 0.4)), np.float32)


def _posters(rng: np.random.Generator) -> Field:
    field = np.zeros((SIDE, SIDE), np.float32)
    for _ in range(220):
        x, y = (int(v) for v in rng.integers(0, SIDE, 2))
        level = float(rng.uniform(-1.5, 1.5))
        w, h = (int(v) for v in rng.integers(4, 70, 2))
        if rng.random() < 0.6:
            cv2.rectangle(field, (x, y), (x + w, y + h), level, -1)
        else:
            cv2.ellipse(field, (x, y), (w // 2 + 1, h // 2 + 1), float(rng.uniform(0, 180)), 0,
                        360, level, int(rng.choice([-1, 2, 4])))
    return np.asarray(field + 0.3 * pink(rng, 1.0), np.float32)


def _cobbles(rng: np.random.Generator) -> Field:
    level, distance = cells(rng, 44, 0.3)
    return np.asarray(0.6 * level - 0.02 * distance ** 2 + 0.3 * pink(rng, 0.8), np.float32)


_DRAW: dict[Pattern, Callable[[np.random.Generator], Field]] = {
    Pattern.PINK: lambda rng: pink(rng, 1.1),
    Pattern.CLOUDS: lambda rng: pink(rng, 1.7),
    Pattern.BLOBS: lambda rng: np.asarray(np.tanh(
        3.5 * _blurred(pink(rng, 0.9), 4)), np.float32),
    Pattern.ASPHALT: _asphalt,
    Pattern.SLABS: lambda rng: bond(rng, 26, 16, 1, 0.6),
    Pattern.COBBLES: _cobbles,
    Pattern.PAVERS: lambda rng: bond(rng, 64, 32, 1, 0.6),
    Pattern.BRICK: lambda rng: bond(rng, 96, 32, 1, 0.8),
    Pattern.ASHLAR: lambda rng: bond(rng, 36, 18, 1, 0.7),
    Pattern.PLASTER: lambda rng: np.asarray(
        pink(rng, 1.2) + 1.1 * pink(rng, 1.3, (2.0, 0.15)), np.float32),
    Pattern.LEAVES: _leaves,
    Pattern.BARK: lambda rng: -np.abs(pink(rng, 0.9, (2.5, 0.3))),
    Pattern.GRASS: lambda rng: np.asarray(
        pink(rng, 0.35, (0.5, 1)) + 0.9 * pink(rng, 1.4), np.float32),
    Pattern.FOLDS: _folds,
    Pattern.CHECKS: _checks,
    Pattern.GLOSS: _gloss,
    Pattern.SHEETS: _sheets,
    Pattern.POSTERS: _posters,
}
