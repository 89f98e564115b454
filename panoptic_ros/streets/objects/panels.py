"""Textured parallelograms of any slope: roofs, tops of hedges, boards."""

from __future__ import annotations

import numpy as np

from ..camera import NEAR, Floats
from ..view import View
from .planes import Texture


def draw_panel(view: View, textures: list[Texture], corners: Floats, identity: int,
               both: bool = False) -> None:
    """
    Draw a parallelogram; ``corners`` (3, 3): top left, top right and bottom left in the world.

    Seen from behind it is not drawn, unless ``both``.
    """
    camera = view.camera
    top_left, top_right, bottom_left = corners
    across, down = top_right - top_left, bottom_left - top_left
    normal = np.cross(across, down)
    normal /= np.linalg.norm(normal) + 1e-9
    if normal @ (camera.position - top_left) < 0:
        if not both:
            return
        normal = -normal
    base = camera.to_camera(np.stack([top_left, top_right, top_right + down, bottom_left]))
    outline = camera.outline_in_camera(base)
    if outline is None or not view.painter.touches(outline):
        return
    nearest = max(float(base[:, 2].min()), NEAR)
    tall = float(np.linalg.norm(down)) * camera.focal / nearest
    level = 0
    while level + 1 < len(textures) and textures[level + 1].shape[0] >= 0.8 * tall:
        level += 1
    picture = textures[level]
    height, width = picture.shape[:2]
    homography = camera.matrix @ np.stack([
        camera.rotation @ (across / width), camera.rotation @ (down / height),
        camera.rotation @ (top_left - camera.position)], axis=1)
    depth = max(view.depth((top_right + bottom_left) / 2), nearest)
    view.painter.texture(outline, picture, homography, view.tone(normal, depth), identity)
