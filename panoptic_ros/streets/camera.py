"""The pinhole camera that drives along the street."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

NEAR = 1.5
"""Nearest depth that is drawn, in metres."""


@dataclass(frozen=True, eq=False)
class Camera:
    """
    A pinhole camera in a world of x right, y up, z forward (metres).

    Angles are in radians: yaw turns right, pitch looks down, roll leans right.
    """

    size: tuple[int, int]
    """(height, width) in pixels."""
    focal: float
    """Focal length in pixels."""
    position: Floats
    """(3,) metres."""
    yaw: float
    pitch: float
    roll: float
    principal: tuple[float, float] | None = None
    """The principal point (x, y) in pixels; without one, a little above the middle."""
    rotation: Floats = field(init=False, repr=False)
    """(3, 3): rows are the camera's right, down and forward axes in the world."""

    def __post_init__(self) -> None:
        sin_yaw, cos_yaw = np.sin(self.yaw), np.cos(self.yaw)
        forward = np.array([sin_yaw * np.cos(self.pitch), -np.sin(self.pitch),
                            cos_yaw * np.cos(self.pitch)])
        right = np.array([cos_yaw, 0.0, -sin_yaw])
        down = np.cross(right, forward)
        sin_roll, cos_roll = np.sin(self.roll), np.cos(self.roll)
        object.__setattr__(self, 'rotation', np.stack([
            cos_roll * right + sin_roll * down, cos_roll * down - sin_roll * right, forward]))

    @cached_property
    def center(self) -> Floats:
        """The principal point (x, y) in pixels."""
        if self.principal is not None:
            return np.array(self.principal)
        return np.array([(self.size[1] - 1) / 2, (self.size[0] - 1) * 0.47])

    @cached_property
    def matrix(self) -> Floats:
        """(3, 3) from camera coordinates to homogeneous pixels."""
        x, y = self.center
        return np.array([[self.focal, 0, x], [0, self.focal, y], [0, 0, 1]])

    def to_camera(self, points: Floats) -> Floats:
        """Turn world points (N, 3) into camera coordinates (N, 3): right, down, forward."""
        return np.asarray((points - self.position) @ self.rotation.T)

    def pixels(self, points: Floats) -> Floats:
        """Project camera coordinates (N, 3) with depth over zero to pixels (N, 2)."""
        return points[:, :2] * (self.focal / points[:, 2:]) + self.center

    def project(self, points: Floats) -> Floats:
        """Project world points (N, 3) ahead of the camera to pixels (N, 2)."""
        return self.pixels(self.to_camera(points))

    def outline(self, points: Floats) -> Floats | None:
        """Project a world polygon (N, 3), cut at the near plane; None when behind it."""
        return self.outline_in_camera(self.to_camera(points))

    def outline_in_camera(self, points: Floats) -> Floats | None:
        """Project a polygon (N, 3) in camera coordinates, cut at the near plane."""
        ahead = points[:, 2] > NEAR
        if not ahead.all():
            if not ahead.any():
                return None
            points = clip_near(points)
        return self.pixels(points)

    def horizon(self) -> float:
        """Return the row of the horizon at the image's centre column."""
        return float(self.center[1] - self.focal * np.tan(self.pitch))


def clip_near(points: Floats) -> Floats:
    """Cut a polygon (N, 3) in camera coordinates at the near plane (Sutherland-Hodgman)."""
    kept = []
    previous = points[-1]
    for point in points:
        if (point[2] > NEAR) != (previous[2] > NEAR):
            share = (NEAR - previous[2]) / (point[2] - previous[2])
            kept.append(previous + share * (point - previous))
        if point[2] > NEAR:
            kept.append(point)
        previous = point
    return np.array(kept)
