"""Parts that vehicles are built of: rounded hulls, cabins, lamps, mirrors, wheels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ..mesh import Mesh
from .paint import DARK, Albedo, gray, scaled

HEADLIGHT: Albedo = (225, 235, 240)
TAIL_LIGHT: Albedo = (35, 28, 170)


class Section(NamedTuple):
    """A slice across a hull at z: half its width, and the heights of its edges, in metres."""

    z: float
    half: float
    low: float
    crease: float
    top: float


def hull(mesh: Mesh, sections: Sequence[Section], color: Albedo, skirt: Albedo,
         lid: Albedo | None = None) -> None:
    """Add a hull through slices from the rear to the front; its flanks lean in above a crease."""
    rows = []
    for section in sections:
        half = section.half
        rows.append(np.array([
            [.93 * half, section.low, section.z], [.995 * half, section.low * .4
             + section.crease * .6, section.z], [half, section.crease, section.z],
            [.93 * half, section.top, section.z]]))
    mirror = np.array([-1.0, 1, 1])
    for a, b in pairwise(rows):
        mesh.face([a[3], b[3], b[3] * mirror, a[3] * mirror], lid or color)
        for side in (np.ones(3), mirror):
            for k, tone in enumerate((skirt, color, color)):
                mesh.face(np.stack([a[k], b[k], b[k + 1], a[k + 1]]) * side, tone)
    for end in (rows[0], rows[-1]):
        mesh.face(np.concatenate([end, end[::-1] * mirror]), color)


class Cabin(NamedTuple):
    """The outline of a cabin from the side: z of its four corners, and heights."""

    rear_low: float
    rear_top: float
    front_top: float
    front_low: float
    belt: float
    tall: float
    half_low: float
    half_top: float


def cabin(mesh: Mesh, shape: Cabin, color: Albedo, glass: Albedo, pillars: Sequence[float],
          blind: int = 0) -> None:
    """
    Add a cabin with a curved roof and windows.

    ``pillars`` are shares of its length from the rear at which windows end; the first ``blind``
    windows are sheet metal.
    """
    c = shape
    up = c.tall - c.belt
    bow = .035 * (c.front_top - c.rear_top)
    outline = np.array([
        (c.rear_low, c.belt), (c.rear_low * .35 + c.rear_top * .65, c.belt + .72 * up),
        (c.rear_top, c.tall - bow), ((c.rear_top * 2 + c.front_top) / 3, c.tall),
        ((c.rear_top + c.front_top * 2) / 3, c.tall), (c.front_top, c.tall - bow * 1.3),
        (c.front_low * .42 + c.front_top * .58, c.belt + .62 * up), (c.front_low, c.belt - .03)])
    high = np.clip((outline[:, 1] - c.belt) / up, 0, 1)
    half = c.half_low + (c.half_top - c.half_low) * high
    right = np.stack([half, outline[:, 1], outline[:, 0]], 1)
    left = right * (-1, 1, 1)
    for i in range(len(outline) - 1):
        mesh.face([left[i], left[i + 1], right[i + 1], right[i]], color)
    mesh.face(right, color)
    mesh.face(left, color)
    shine = scaled(glass, 1.9)
    for a, b, tone in ((0, 1, glass), (1, 2, scaled(glass, 1.3)), (7, 6, scaled(glass, 1.15)),
                       (6, 5, shine)):
        if a < 2 and blind:
            continue
        low, top = right[a] * (.93, 1, 1), right[b] * (.93, 1, 1)
        out = np.array([0, .012, -.012 if a < 2 else .012])
        if a in (0, 7):
            low = low + (top - low) * .12
        else:
            top = low + (top - low) * .82
        mesh.face([low * (-1, 1, 1) + out, low + out, top + out, top * (-1, 1, 1) + out], tone)
    _windows(mesh, c, glass, shine, pillars, blind)


def _windows(mesh: Mesh, c: Cabin, glass: Albedo, shine: Albedo, pillars: Sequence[float],
             blind: int) -> None:
    up = c.tall - c.belt
    low_y, high_y = c.belt + .05 * up, c.belt + .84 * up

    def edge(y: float) -> tuple[float, float, float]:
        share = (y - c.belt) / up
        return (c.rear_low + (c.rear_top - c.rear_low) * share + .12,
                c.front_low + (c.front_top - c.front_low) * share - .14,
                c.half_low + (c.half_top - c.half_low) * share + .012)

    middle_y = low_y + (high_y - low_y) * .55
    length = c.front_low - c.rear_low
    cuts = [-9.0, *(c.rear_low + share * length for share in pillars), 9.0]
    for number, (start, end) in enumerate(pairwise(cuts)):
        if number < blind:
            continue
        for y0, y1, tone in ((low_y, middle_y, glass), (middle_y, high_y, shine)):
            rear0, front0, x0 = edge(y0)
            rear1, front1, x1 = edge(y1)
            a0, a1 = max(rear0, start + .04), max(rear1, start + .04)
            b0, b1 = min(front0, end - .04), min(front1, end - .04)
            if b0 - a0 < .08:
                continue
            b1 = max(b1, a1)
            for sign in (1, -1):
                mesh.face([(sign * x0, y0, a0), (sign * x0, y0, b0), (sign * x1, y1, b1),
                           (sign * x1, y1, a1)], tone)


def wheels(mesh: Mesh, half: float, places: Sequence[float], radius: float, hub: Albedo,
           arch: bool = True) -> None:
    """Add wheels on both sides, with arches and rims."""
    turn = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    ring = np.stack([np.zeros(16), np.cos(turn), np.sin(turn)], 1)
    for z in places:
        if arch:
            for sign in (-half - .004, half + .004):
                mesh.face(ring[:9] * (1, 0, 1) * radius * 1.2
                          + np.abs(ring[:9]) * (0, 1, 0) * radius * 1.2
                          + (sign, radius * .92, z), (22, 22, 24))
        mesh.wheel(half + .012, z, radius, scaled(hub, .45))
        rim = ring[::2] * np.where(np.arange(8) % 2, .6, .3)[:, None] * radius
        for sign in (-half - .016, half + .016):
            mesh.face(rim + (sign, radius, z), hub)


def lamps(mesh: Mesh, ends: tuple[float, float], half: float, heights: tuple[float, float],
          lit: bool, upright: bool) -> None:
    """Add head and tail lamps; ``ends`` and ``heights`` are those of the rear and the front."""
    glow = .9 if lit else .3
    for sign in (-1, 1):
        x = sorted((sign * half * .42, sign * half * .8))
        mesh.flat((x[0], x[1]), (heights[1] - .13, heights[1]), ends[1], HEADLIGHT, glow)
        mesh.flat((x[0] + .05, x[1] - .05), (heights[1] - .11, heights[1] - .03), ends[1] + .005,
                  (150, 150, 150), glow)
        tail = sorted((sign * half * (.74 if upright else .55), sign * half * .93))
        mesh.flat((tail[0], tail[1]), (heights[0] - (.42 if upright else .15), heights[0]),
                  ends[0], TAIL_LIGHT, glow)


def mirrors(mesh: Mesh, half: float, y: float, z: float, color: Albedo) -> None:
    """Add a mirror on each side."""
    for sign in (-1, 1):
        x = sorted((sign * (half - .02), sign * (half + .17)))
        mesh.flat((x[0], x[1]), (y, y + .14), z, color)
        mesh.flat((x[0], x[1]), (y, y + .14), z - .1, scaled(color, .6))
        mesh.face([(sign * (half + .17), y, z), (sign * (half + .17), y + .14, z),
                   (sign * (half + .17), y + .14, z - .1), (sign * (half + .17), y, z - .1)],
                  color)


def plates(mesh: Mesh, rng: np.random.Generator, rear: float, front: float, high: float) -> None:
    """Add number plates with a few marks on them."""
    ground = (215, 222, 222) if rng.random() < .8 else (60, 190, 225)
    for z, y, out in ((rear, high, -.004), (front, .42, .004)):
        mesh.flat((-.26, .26), (y, y + .115), z, ground)
        for x in np.linspace(-.2, .14, 5).tolist():
            mesh.flat((x, x + .045), (y + .03, y + .085), z + out, DARK)


def car_color(rng: np.random.Generator) -> Albedo:
    """Draw a colour of lacquer as it is seen on streets: mostly grey, black, white, blue, red."""
    kind = rng.random()
    if kind < .3:
        return gray(rng, 20, 60)
    if kind < .55:
        return gray(rng, 100, 190)
    if kind < .72:
        return gray(rng, 215, 248)
    strong = rng.uniform(.5, 1.0)
    base = ((120, 65, 35), (40, 35, 150), (45, 60, 40), (150, 130, 90), (60, 110, 140),
            (30, 130, 200), (90, 40, 90))[rng.integers(7)]
    return scaled(base, strong * 1.35)
