"""Gives every pixel of a finished canvas its texture, its light and its tone, in one pass."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..segments.workers import compiled, inlined
from .appearance import Shadows, Surfaces, Tone
from .patterns import LEVELS, SIDE, Bank


@inlined
def _sample(row: npt.NDArray[np.uint8], starts: npt.NDArray[np.int64], x: float, y: float,
            size: float) -> float:
    """Return a pattern at (x, y) in its pixels, where a pixel of the image covers ``size``."""
    level = 0
    while size > 1.4 and level < LEVELS - 1:
        size *= 0.5
        x *= 0.5
        y *= 0.5
        level += 1
    side = SIDE >> level
    x0, y0 = int(np.floor(x)), int(np.floor(y))
    a, b = x - x0, y - y0
    start = starts[level]
    x0 &= side - 1
    x1 = (x0 + 1) & (side - 1)
    r0 = start + (y0 & (side - 1)) * side
    r1 = start + ((y0 + 1) & (side - 1)) * side
    top = row[r0 + x0] * (1 - a) + row[r0 + x1] * a
    low = row[r1 + x0] * (1 - a) + row[r1 + x1] * a
    return (top * (1 - b) + low * b - 128.0) * (1 / 40.0)


@inlined
def _shade(shadows: Shadows, kind: int, u: float, v: float, size: float) -> float:
    """Return how much of the sun houses let through to (u, v) of a plane, 0 to 1."""
    if kind == 0:
        return 1.0
    along = v if kind == 1 else u
    step = int((along - shadows.start) * 4)
    step = min(max(step, 0), len(shadows.tall) - 1)
    if kind == 2:
        return min(max((v - shadows.tall[step]) * 3 + .5, 0.0), 1.0)
    soft = 4.0 / (1 + 8 * size)
    return min(max((u - shadows.low[step]) * soft + .5, 0.0), 1.0) * min(
        max((shadows.high[step] - u) * soft + .5, 0.0), 1.0)


@compiled
def dress(canvas: npt.NDArray[np.uint8], surfaces: Surfaces, bank: Bank, shadows: Shadows,
          tone: Tone, out: npt.NDArray[np.uint8]) -> None:
    """
    Write the image (H, W, 3) of a canvas (H, W, 4) to ``out``.

    Where ``out`` is smaller by a whole number, it takes every such pixel.
    """
    height, width = canvas.shape[:2]
    step = width // out.shape[1]
    plane, edge, grain, shift = surfaces.plane, surfaces.edge, surfaces.grain, surfaces.shift
    atlas, starts = bank.atlas, bank.starts
    for row in range(out.shape[0]):
        y = row * step
        ry = (2.0 * y / height - 1) ** 2
        for column in range(out.shape[1]):
            x = column * step
            i = canvas[y, x, 3]
            k = 1 if edge[i, 1] * (x - edge[i, 0]) > 0 else 0
            w = plane[i, k, 6] * x + plane[i, k, 7] * y + plane[i, k, 8]
            if abs(w) < 1e-5:
                w = 1e-5
            inverse = 1 / w
            u = (plane[i, k, 0] * x + plane[i, k, 1] * y + plane[i, k, 2]) * inverse
            v = (plane[i, k, 3] * x + plane[i, k, 4] * y + plane[i, k, 5]) * inverse
            size_x = abs(plane[i, k, 0] - u * plane[i, k, 6]) + abs(
                plane[i, k, 3] - v * plane[i, k, 6])
            size_y = abs(plane[i, k, 1] - u * plane[i, k, 7]) + abs(
                plane[i, k, 4] - v * plane[i, k, 7])
            size = abs(inverse) * max(0.5 * max(size_x, size_y), min(size_x, size_y))
            if not abs(u) + abs(v) < 1e5:
                u, v, size = 0.0, 0.0, 1.0
            pu, pv, density = u + shift[i, 0], v + shift[i, 1], grain[i, 0]
            fine = _sample(atlas[surfaces.pattern[i]], starts, pu * density, pv * density,
                           size * density)
            coarse = _sample(atlas[0], starts, pu * 8 + 77, pv * 8 + 31, size * 8)
            shade = _shade(shadows, surfaces.shadow[i], u, v, size)
            if surfaces.shadow[i] == 3:
                shade = min(max(0.5 + 0.8 * fine + 0.4 * coarse, 0.0), 1.6)
            aside = surfaces.rise[i, 2]
            if aside != 0:
                shade *= min(max(0.5 + aside * u, 0.0), 1.0)
            leaves = surfaces.leaves[i]
            if leaves > 0:
                leaf = _sample(atlas[2], starts, u * 16 + v * 8 + 11, v * 16, size * 16)
                where = _sample(atlas[1], starts, u * 8, v * 8 + 90, size * 8)
                cover = min(max((where + 4 * leaves - 2) * 3, 0.0), 1.0)
                shade *= 1 - cover * min(max(0.55 + 0.7 * leaf, 0.0), 1.0)
            factor = max(1 + grain[i, 1] * fine, 0.08) * max(1 + grain[i, 2] * coarse, 0.15)
            corner = 0.5 * ((2.0 * x / width - 1) ** 2 + ry)
            factor *= tone.exposure * (1 - tone.fall * corner)
            height_over = min(max(v - surfaces.rise[i, 1], -3.0), 3.0)
            factor *= max(1 + surfaces.rise[i, 0] * height_over, 0.2)
            mirror = surfaces.mirror[i] * min(max(0.3 + 0.6 * coarse + 0.3 * fine, 0.0), 1.5)
            wear = surfaces.wear[i, 1] * min(max(0.4 + fine + 0.5 * coarse, 0.0), 1.0)
            hole = fine + 0.6 * coarse > surfaces.hole[i, 0]
            share = surfaces.paint[i, 3]
            for c in range(3):
                light = tone.light[canvas[y, x, c]]
                if mirror > 0:
                    light += mirror * max(1 - 9 * light, 0.0)
                if light > surfaces.wear[i, 0]:
                    light -= wear * (light - 0.5 * surfaces.wear[i, 0])
                light += share * (surfaces.paint[i, c] - light)
                light *= factor * (1 + surfaces.tint[i, c] * coarse) * (
                    surfaces.gain[i, k, c] + surfaces.sun[i, k, c] * shade)
                if hole:
                    light = surfaces.hole[i, 1 + c] * tone.exposure
                index = int(light * 1024)
                out[row, column, c] = tone.display[min(max(index, 0), 4095), c]
