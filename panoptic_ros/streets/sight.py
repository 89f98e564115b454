"""Finding what is in sight, before anything is drawn."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from .camera import NEAR, Camera, Floats
from .classes import FIRST_THING, VOID, Kind
from .road import Road
from .scene import Presence

Box = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels, half-open."""

_CELL = 8


def footprint(presence: Presence) -> tuple[float, float, float, float]:
    """Return s0, s1, d0, d1 in metres."""
    actor, place = presence.actor, presence.place
    sin, cos = abs(np.sin(place.yaw)), abs(np.cos(place.yaw))
    along = (actor.length * cos + actor.width * sin) / 2
    across = (actor.length * sin + actor.width * cos) / 2
    return place.s - along, place.s + along, place.d - across, place.d + across


def boxes_of(camera: Camera, road: Road, presences: Sequence[Presence],
             footprints: Floats) -> list[Box | None]:
    """Return the window of the image that each object may touch; None for one out of sight."""
    if not presences:
        return []
    actors = [presence.actor for presence in presences]
    margin = np.array([actor.overhang for actor in actors])
    tall = np.array([actor.tall for actor in actors])
    s0, s1, d0, d1 = (footprints + margin[:, None] * (-1, 1, -1, 1)).T
    s = np.stack([s0, s0, s1, s1], 1).ravel()
    d = np.stack([d0, d1, d0, d1], 1).ravel()
    low = road.points(s, d, -0.3)
    high = road.points(s, d, np.repeat(tall * 1.12 + margin * 0.5 + 0.4, 4))
    corners = camera.to_camera(np.concatenate([low, high])).reshape(2, -1, 4, 3)
    spots: Floats = corners.transpose(1, 0, 2, 3).reshape(-1, 8, 3)
    height, width = camera.size
    ahead = spots[..., 2] > 0.5
    reach = (width / 2 + 4) / camera.focal * spots[..., 2] + 0.5
    beside = (spots[..., 0] > reach).all(1) | (spots[..., 0] < -reach).all(1)
    safe = np.maximum(spots, (-np.inf, -np.inf, 0.5))
    pixels = camera.pixels(safe.reshape(-1, 3)).reshape(-1, 8, 2)
    pixels[~ahead.all(1), 0] = -1, -1
    pixels[~ahead.all(1), 1] = width + 1, height + 1
    corner = np.maximum(np.floor(pixels.min(1)) - 4, 0).astype(int)
    far = np.minimum(np.ceil(pixels.max(1)) + 5, (width, height)).astype(int)
    seen = ahead.any(1) & ~beside & (corner < far).all(1)
    return [(x0, y0, x1, y1) if is_seen else None for (x0, y0), (x1, y1), is_seen in
            zip(corner.tolist(), far.tolist(), seen.tolist(), strict=True)]


def unhidden(camera: Camera, road: Road, presences: Sequence[Presence], footprints: Floats,
             boxes: Sequence[Box]) -> list[bool]:
    """
    Tell of objects, listed from far to near, which ones nearer objects do not hide almost wholly.

    A coarse mask takes the fronts of houses and the cores of vehicles, the nearest first.
    """
    height, width = camera.size
    cell = max(1, round(_CELL * height / 512))
    mask = np.zeros((-(-height // cell), -(-width // cell)), np.uint8)
    out = [True] * len(presences)
    for index in range(len(presences) - 1, -1, -1):
        x0, y0, x1, y1 = boxes[index]
        part = mask[y0 // cell:-(-y1 // cell), x0 // cell:-(-x1 // cell)]
        kind = next(iter(presences[index].actor.kinds), VOID)
        need = 0.84 if FIRST_THING <= kind < VOID else 1.0
        if cv2.countNonZero(part) >= need * part.size:
            out[index] = False
            continue
        if kind == Kind.BUILDING or Kind.CAR <= kind <= Kind.TRAIN:
            outline = _core(camera, road, presences[index], footprints[index])
            if outline is not None:
                fixed = (outline * 16 / cell).astype(np.int32)
                cv2.fillConvexPoly(mask, fixed, (1,), 8, 4)
    return out


def _core(camera: Camera, road: Road, presence: Presence,
          foot: npt.NDArray[np.float64]) -> Floats | None:
    """Return the outline of an upright plane that an object surely fills."""
    actor, place = presence.actor, presence.place
    s0, s1, d0, d1 = foot.tolist()
    if actor.kinds[0] == Kind.BUILDING:
        front = d0 if place.d > 0 else d1
        ends, high = [(s0, front), (s1, front)], actor.tall
    else:
        ends, high = [(s0 + .3, d0 + .15), (s0 + .3, d1 - .15)], actor.tall * 0.8
        if camera.position[2] > s0 - NEAR:
            return None
    low = [road.point(s, d, 0.2) for s, d in ends]
    top = [road.point(s, d, high) for s, d in ends[::-1]]
    return camera.outline(np.stack(low + top))
