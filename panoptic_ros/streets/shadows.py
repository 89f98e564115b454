"""Shadows that what stands on the ground throws on it."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from .camera import Floats
from .classes import Kind
from .objects.actor import Actor, Place
from .view import View

_CORNERS = np.array([[-1.0, -1], [-1, 1], [1, 1], [1, -1]])
_CIRCLE = np.stack([np.cos(np.arange(12) * np.pi / 6), np.sin(np.arange(12) * np.pi / 6)], 1)


def cast(view: View, shadows: Iterable[tuple[Actor, Place]], top: int) -> npt.NDArray[np.uint8]:
    """Return how light the ground is, 255 out of any shadow; rows from ``top``."""
    height, width = view.camera.size
    half = np.full(((height - top + 1) // 2, (width + 1) // 2), 255, np.uint8)
    sun = view.light.sun
    strength = float(view.light.sun_color.mean())
    hard = view.variety.light
    slope = -sun[[0, 2]] / max(sun[1], 0.25)
    for actor, place in shadows:
        if actor.shadow <= 0 or (hard and Kind.BUILDING in actor.kinds):
            continue            # in hard light, `Illumination` knows the shadows of houses
        yaw = view.road.heading(place.s) + place.yaw
        center = view.road.point(place.s, place.d)[[0, 2]]
        forward = np.array([np.sin(yaw), np.cos(yaw)])
        right = np.array([forward[1], -forward[0]])
        foot = (center + _CORNERS[:, :1] * forward * actor.length / 2
                + _CORNERS[:, 1:] * right * actor.width / 2)
        if strength > 0.2:
            end = foot + slope * min(actor.tall, 9.0)
            both = np.concatenate([foot, end]).astype(np.float32)
            _darken(view, half, np.asarray(cv2.convexHull(both)[:, 0], np.float64), top,
                    255 - int(min(190.0, (280 if hard else 150) * strength) * actor.shadow))
            if hard and Kind.VEGETATION in actor.kinds:
                crown = center + slope * 0.7 * actor.tall + actor.overhang * _CIRCLE
                _darken(view, half, crown, top, 255 - int(min(170.0, 250 * strength)))
        if actor.tall < 5:
            _darken(view, half, foot, top, 255 - int(115 * actor.shadow))
    soft = cv2.GaussianBlur(half, (0, 0), max(0.8, (0.9 if hard else 2.0) * height / 512))
    return np.asarray(cv2.resize(soft, (width, height - top), interpolation=cv2.INTER_LINEAR),
                      np.uint8)


def _darken(view: View, half: npt.NDArray[np.uint8], ground: Floats, top: int,
            value: int) -> None:
    points = np.zeros((len(ground), 3))
    points[:, [0, 2]] = ground
    outline = view.camera.outline(points)
    if outline is not None:
        fixed = np.clip((outline - (0, top)) * 8, -1 << 19, 1 << 19).astype(np.int32)
        cv2.fillConvexPoly(half, fixed, (value,), 8, 4)
