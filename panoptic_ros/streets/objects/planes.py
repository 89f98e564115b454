"""Upright textured rectangles: facades, walls, fences."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ..camera import NEAR, Floats
from ..view import View

Texture = npt.NDArray[np.uint8]


def draw_plane(view: View, textures: list[Texture], start: Floats, end: Floats, low: float,
               high: float, identity: int, opacity: float = 1.0) -> None:
    """
    Draw an upright rectangle from one point on the ground (3,) to another.

    ``textures`` holds a texture and its smaller versions; the version that fits the size in the
    image is taken.
    """
    camera = view.camera
    up = np.array([0, 1.0, 0])
    base = camera.to_camera(np.array([start + up * low, end + up * low,
                                      end + up * high, start + up * high]))
    outline = camera.outline_in_camera(base)
    if outline is None or not view.painter.touches(outline):
        return
    along = end - start
    normal = np.array([along[2], 0, -along[0]])
    normal /= np.linalg.norm(normal) + 1e-9
    if normal @ (camera.position - start) < 0:
        normal = -normal
    nearest = max(float(base[:, 2].min()), NEAR)
    tall = (high - low) * camera.focal / nearest
    level = 0
    while level + 1 < len(textures) and textures[level + 1].shape[0] >= 0.8 * tall:
        level += 1
    picture = textures[level]
    height, width = picture.shape[:2]
    rotation = camera.rotation
    homography = camera.matrix @ np.stack([
        rotation @ (along / width), rotation @ (-up * (high - low) / height),
        rotation @ (start + up * high - camera.position)], axis=1)
    depth = max(view.depth((start + end) / 2), nearest)
    view.painter.texture(outline, picture, homography, view.tone(normal, depth), identity,
                         opacity)


def pyramid(picture: Texture, levels: int = 3) -> list[Texture]:
    """Return a texture and smaller versions, each half as large as the one before."""
    out = [picture]
    for _ in range(levels - 1):
        height, width = out[-1].shape[:2]
        out.append(np.asarray(cv2.resize(out[-1], (max(8, width // 2), max(8, height // 2)),
                                         interpolation=cv2.INTER_AREA), np.uint8))
    return out
