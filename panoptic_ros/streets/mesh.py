"""Solid bodies of flat, coloured faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from .camera import NEAR, Floats
from .view import View

Point = Sequence[float]
Albedo = Sequence[float]


@dataclass
class Mesh:
    """
    A nearly convex body, whose later faces lie on its earlier ones.

    Own coordinates are x right, y up, z to the front, in metres, with the ground at y = 0.
    Faces look away from ``inside`` and are drawn in order where they face the camera.
    """

    inside: Point
    points: list[Floats] = field(default_factory=list)
    colors: list[Albedo] = field(default_factory=list)
    glows: list[float] = field(default_factory=list)
    _packed: _Packed | None = None

    def face(self, points: Sequence[Point] | Floats, color: Albedo, glow: float = 0.0) -> None:
        """Add a convex face; ``glow`` 1: it shines by itself, 0: only by the light it gets."""
        self.points.append(np.asarray(points, np.float64))
        self.colors.append(color)
        self.glows.append(glow)

    def prism(self, profile: Sequence[Point], half: Sequence[float], side: Albedo,
              strips: Sequence[Albedo]) -> None:
        """
        Add a body by its outline (z, y) seen from the side.

        ``half`` is half the body's width at each point; ``strips`` colours the face from each
        point to the next.
        """
        z, y = np.asarray(profile, np.float64).T
        x = np.asarray(half, np.float64)
        right = np.stack([x, y, z], 1)
        left = right * (-1, 1, 1)
        for i, color in enumerate(strips):
            j = (i + 1) % len(profile)
            self.face([left[i], left[j], right[j], right[i]], color)
        self.face(right, side)
        self.face(left, side)

    def box(self, x: tuple[float, float], y: tuple[float, float], z: tuple[float, float],
            color: Albedo) -> None:
        """Add the five faces of a box that can be seen from above the ground."""
        (a, b), (c, d), (e, f) = x, y, z
        self.face([(a, c, e), (a, d, e), (a, d, f), (a, c, f)], color)
        self.face([(b, c, e), (b, d, e), (b, d, f), (b, c, f)], color)
        self.face([(a, c, e), (b, c, e), (b, d, e), (a, d, e)], color)
        self.face([(a, c, f), (b, c, f), (b, d, f), (a, d, f)], color)
        self.face([(a, d, e), (b, d, e), (b, d, f), (a, d, f)], color)

    def flat(self, x: tuple[float, float], y: tuple[float, float], z: float, color: Albedo,
             glow: float = 0.0) -> None:
        """Add a rectangle across the body at z, on its front or back."""
        self.face([(x[0], y[0], z), (x[1], y[0], z), (x[1], y[1], z), (x[0], y[1], z)],
                  color, glow)

    def flank(self, x: float, y: tuple[float, float], z: tuple[float, float],
              color: Albedo) -> None:
        """Add a rectangle along the body on both sides, x from its middle."""
        for sign in (x, -x):
            self.face([(sign, y[0], z[0]), (sign, y[1], z[0]), (sign, y[1], z[1]),
                       (sign, y[0], z[1])], color)

    def wheel(self, x: float, z: float, radius: float, hub: Albedo) -> None:
        """Add a wheel on both sides and its treads in front and behind."""
        turn = np.linspace(0, 2 * np.pi, 14, endpoint=False)
        circle = np.stack([np.zeros(14), np.cos(turn), np.sin(turn)], 1)
        for sign in (x, -x):
            inner = sign * (1 - 0.22 / abs(x))
            low, high = min(sign, inner), max(sign, inner)
            for end in (-0.5, 0.5):
                self.flat((low, high), (0, radius * 0.7), z + end * radius, (26, 26, 28))
            for scale, color in ((1.0, (26, 26, 28)), (0.62, hub)):
                self.face(circle * radius * scale + (sign, radius, z), color)

    def pane(self, low: tuple[float, float, float], high: tuple[float, float, float],
             glass: Albedo, z_out: float) -> None:
        """
        Add a window across the body, with a reflection.

        ``low`` and ``high``: (half width, y, z) of the edges; ``z_out`` lifts it off the body.
        """
        a, b = np.array(low), np.array(high)
        bottom, top = a + (b - a) * 0.1, a + (b - a) * 0.9
        corners = []
        for edge, sign in ((bottom, -1), (bottom, 1), (top, 1), (top, -1)):
            corners.append((sign * edge[0] * 0.9, edge[1], edge[2] + z_out))
        self.face(corners, glass)
        left, right, up, _ = np.array(corners)
        shine = [min(255.0, 1.45 * c + 12) for c in glass]
        self.face([left + (right - left) * 0.62, left + (right - left) * 0.86,
                   up + (left - right) * 0.04, up + (left - right) * 0.28], shine)

    def draw(self, view: View, position: Floats, yaw: float, identity: int) -> None:
        """Draw the body that stands at a world point and looks in a direction."""
        packed = self._packed = self._packed or _Packed.of(self)
        turn = rotation(yaw)
        camera, light = view.camera, view.light
        vertices = camera.to_camera(packed.vertices @ turn + position)
        normals = packed.normals @ turn
        toward = packed.centers @ turn + position - camera.position
        visible = np.flatnonzero((normals * toward).sum(1) < 0)
        if not len(visible):
            return
        lit = light.shade(normals[visible])
        glow = packed.glows[visible, None]
        share = light.haze(view.depth(position))
        colors = np.clip(packed.colors[visible] * (lit * (1 - glow) + glow), 0, 255)
        colors = (colors * (1 - share) + light.haze_color * share).tolist()
        parts = [packed.parts[i] for i in visible]
        if vertices[:, 2].min() > NEAR:
            view.painter.polygons(camera.pixels(vertices), parts, colors, identity)
            return
        for (first, last), color in zip(parts, colors, strict=True):
            outline = camera.outline_in_camera(vertices[first:last])
            if outline is not None:
                view.painter.polygon(outline, color, identity)


def rotation(yaw: float) -> Floats:
    """Return the matrix (3, 3) that a body's points (N, 3) are multiplied with to turn right."""
    sin, cos = np.sin(yaw), np.cos(yaw)
    return np.array([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]])


@dataclass(frozen=True)
class _Packed:
    vertices: Floats
    parts: list[tuple[int, int]]
    normals: Floats
    centers: Floats
    colors: Floats
    glows: Floats

    @classmethod
    def of(cls, mesh: Mesh) -> _Packed:
        counts = np.array([len(face) for face in mesh.points])
        ends = np.cumsum(counts).tolist()
        vertices = np.concatenate(mesh.points)
        centers = np.empty((len(counts), 3))
        for count in np.unique(counts):
            rows = np.flatnonzero(counts == count)
            centers[rows] = np.stack([mesh.points[i] for i in rows]).mean(1)
        first, second, third = (np.stack([face[i] for face in mesh.points]) for i in range(3))
        normals = np.cross(second - first, third - first)
        for i in np.flatnonzero(np.abs(normals).sum(1) < 1e-9):     # three corners in a line
            face = mesh.points[i]
            normals[i] = np.cross(face[2] - face[1], face[3] - face[1])
        normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-12
        inward = ((centers - np.asarray(mesh.inside)) * normals).sum(1) < 0
        normals[inward] *= -1
        parts = list(zip([0, *ends[:-1]], ends, strict=True))
        return cls(vertices, parts, normals, centers,
                   np.array(mesh.colors, np.float64), np.array(mesh.glows, np.float64))
