"""The ground and what lies on it: surfaces, markings, rails and shadows."""

from __future__ import annotations

from collections.abc import Iterable

import cv2
import numpy as np
import numpy.typing as npt

from .camera import Floats
from .classes import Kind
from .noise import fractal
from .objects.actor import Actor, Place
from .objects.paint import Albedo, gray
from .road import CURB, LANE, Road
from .shadows import cast
from .view import View

_AHEAD = np.array([2.2, 3.5, 5, 7, 9.5, 13, 18, 25, 35, 50, 70, 100, 140, 220.0])
_NEARER = np.array([0.9, 1.5])
"""Rows before the first, for cameras that look down more than plain ones."""
_TILE = 256
_DENSITY = 24.0
"""Texture pixels per metre."""

Band = tuple[float, float, float, float, Albedo, Kind]
"""From (d, y) to (d, y) in metres, colour, kind."""


class Ground:
    """The surfaces of one drive."""

    def __init__(self, rng: np.random.Generator, road: Road) -> None:
        self.road = road
        asphalt = gray(rng, 62, 125)
        paving = gray(rng, 105, 190) if rng.random() < 0.6 else (
            rng.uniform(90, 130), rng.uniform(110, 150), rng.uniform(130, 180))
        green = rng.uniform(0.7, 1.15)
        grass = (50 * green, rng.uniform(95, 130) * green, rng.uniform(75, 125) * green)
        self.paint = gray(rng, 190, 245)
        self.steel = gray(rng, 120, 190)
        self.sets = float(rng.uniform(0, 9))
        self.bands = self._bands(rng, asphalt, paving, grass)
        self.asphalt = asphalt
        field = fractal(rng, (_TILE, _TILE), (32, 32), 5, 0.95)
        field = (field - field.mean()) * rng.uniform(0.35, 0.65)
        self.tile = np.clip(128 * (1 + field), 60, 200).astype(np.uint8)

    def _bands(self, rng: np.random.Generator, asphalt: Albedo, paving: Albedo,
               grass: Albedo) -> list[Band]:
        road = self.road
        bands: list[Band] = [(-90, -.02, 90, -.02, grass, Kind.TERRAIN)]
        curb = (paving[0] * 1.12, paving[1] * 1.12, paving[2] * 1.12)
        cycle = (62.0, 70.0, 120.0) if rng.random() < 0.25 else asphalt
        parking = gray(rng, 70, 135)
        bands.append((-road.left.edge, 0, road.right.edge, 0, asphalt, Kind.ROAD))
        for sign, side in road.sides:
            if side.verge_end > side.sidewalk_end:
                bands.append((sign * side.sidewalk_end, CURB, sign * side.verge_end, CURB,
                              grass, Kind.TERRAIN))
            if side.sidewalk_end > side.edge:
                bands.append((sign * side.edge, CURB, sign * side.sidewalk_end, CURB, paving,
                              Kind.SIDEWALK))
                bands.append((sign * side.edge, 0, sign * side.edge, CURB, curb, Kind.SIDEWALK))
                bands.append((sign * side.edge, CURB, sign * (side.edge + .18), CURB, curb,
                              Kind.SIDEWALK))
            if side.parking is not None:
                bands.append((sign * (side.parking - 1.1), 0, sign * side.edge, 0, parking,
                              Kind.ROAD))
            if side.cycle > side.lanes_end:
                bands.append((sign * (side.lanes_end + .1), 0, sign * (side.lanes_end + 1.5), 0,
                              cycle, Kind.ROAD))
            if road.marked:
                line = sign * side.lanes_end
                bands.append((line - .07, 0, line + .07, 0, self.paint, Kind.ROAD))
        half = road.median / 2
        if road.grass_median:
            bands.append((-half, .05, half, .05, grass, Kind.TERRAIN))
        kind = Kind.TERRAIN if road.grass_median else Kind.ROAD
        for track in road.rails:
            for rail in (track - .72, track + .72):
                bands.append((rail - .07, .06, rail + .07, .06, self.steel, kind))
        if road.median == 0 and rng.random() < 0.5 and road.two_way:
            bands.append((-.07, 0, .07, 0, self.paint, Kind.ROAD))
        elif half and not road.grass_median:
            for line in (-half, half):
                bands.append((line - .07, 0, line + .07, 0, self.paint, Kind.ROAD))
        return bands

    def draw(self, view: View, s: float) -> None:
        """Draw the surfaces, then the markings."""
        rows = np.concatenate([_NEARER, _AHEAD]) if view.variety.cameras else _AHEAD
        along = s + rows
        camera, light = view.camera, view.light
        up = light.shade(np.array([[0.0, 1.0, 0.0]]))[0]
        depths = 0.5 * (rows[1:] + rows[:-1])
        share = np.array([light.haze(depth) for depth in depths])[:, None]
        low, high = (self.road.lane_center + sign * (2 + 2 * rows) for sign in (-1, 1))
        edges = np.stack([self.road.points(along, np.clip(d, low, high), y)
                          for band in self.bands for d, y in (band[:2], band[2:4])])
        pixels = camera.project(edges.reshape(-1, 3)).reshape(len(self.bands), 2, -1, 2)
        for band, (inner, outer) in zip(self.bands, pixels, strict=True):
            colors = np.clip(np.array(band[4]) * up, 0, 255) * (1 - share)
            colors += light.haze_color * share
            quads = np.stack([inner[:-1], inner[1:], outer[1:], outer[:-1]], 1)[::-1]
            parts = [(4 * i, 4 * i + 4) for i in range(len(quads))]
            view.painter.polygons(quads.reshape(-1, 2), parts, colors[::-1].tolist(),
                                  int(band[5]))
        self._draw_markings(view, s, up)

    def _draw_markings(self, view: View, s: float, up: Floats) -> None:
        if not self.road.marked:
            return
        quads: list[tuple[float, float, float, float]] = []
        for sign, side in self.road.sides:
            for lane in side.lanes[1:]:
                line = sign * (lane - LANE / 2)
                quads += [(a, a + 3, line - .07, line + .07) for a in _steps(s, 9, self.sets)]
        if self.road.median == 0 and self.road.two_way:
            quads += [(a, a + 3, -.07, .07) for a in _steps(s, 9, self.sets)]
        for a in _steps(s, 85, 9 * self.sets):
            low, high = -self.road.left.lanes_end, self.road.right.lanes_end
            quads += [(a, a + 3.2, float(d), float(d) + .5)
                      for d in np.arange(low + .3, high - .5, 1.0)
                      if abs(float(d)) > self.road.median / 2]
        quads = [quad for quad in quads if quad[0] > s + 2.3]
        if not quads:
            return
        rows = np.array(quads)
        ends = rows[:, [0, 1, 1, 0]]
        across = rows[:, [2, 2, 3, 3]]
        points = self.road.points(ends.ravel(), across.ravel(), 0.0)
        spots = view.camera.to_camera(points).reshape(-1, 4, 3)
        ahead = spots[..., 2].min(1) > 1.0
        rows, spots = rows[ahead], spots[ahead]
        pixels = view.camera.pixels(spots.reshape(-1, 3))
        lit = np.clip(np.array(self.paint) * up, 0, 255)
        light = view.light
        colors = [(lit * (1 - h) + light.haze_color * h).tolist()
                  for h in (light.haze(a - s) for a in rows[:, 0])]
        parts = [(4 * i, 4 * i + 4) for i in range(len(rows))]
        view.painter.polygons(pixels, parts, colors, int(Kind.ROAD))

    def finish(self, view: View, shadows: Iterable[tuple[Actor, Place]]) -> None:
        """Roughen the ground drawn so far and darken it where shadows fall."""
        camera = view.camera
        height, width = camera.size
        lean = abs(camera.roll) * width / 2
        top = int(max(0, camera.horizon() - lean + camera.focal * 1.4 / 60))
        if top >= height - 8:
            return
        shade = cast(view, shadows, top)
        if view.variety.textures:
            factor = cv2.convertScaleAbs(shade, alpha=128 / 255)
        else:
            factor = cv2.multiply(self._grain(view, top), shade, scale=1 / 255)
        full = np.full_like(factor, 128)
        region = view.painter.canvas[top:]
        cv2.multiply(region, cv2.merge([factor, factor, factor, full]), region, 1 / 128)

    def _grain(self, view: View, top: int) -> npt.NDArray[np.uint8]:
        camera = view.camera
        height, width = camera.size
        origin = np.floor(camera.position * _DENSITY / (2 * _TILE - 2)) * (
            2 * _TILE - 2) / _DENSITY
        x, _, z = camera.position - origin
        plane = np.array([[1, 0, -x], [0, 0, -camera.position[1]], [0, 1, -z]])
        matrix = camera.matrix @ camera.rotation @ plane @ np.diag(
            [1 / _DENSITY, 1 / _DENSITY, 1])
        matrix = np.array([[1, 0, 0], [0, 1, -top], [0, 0, 1]]) @ matrix
        grain = cv2.warpPerspective(self.tile, matrix, (width, height - top),
                                    flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        rows = np.arange(top, height) - camera.horizon()
        fade = np.clip(rows / (camera.focal * 1.4 / 10), 0.15, 1)[:, None].astype(np.float32)
        far = int((fade < 1).sum())
        grain[:far] = (grain[:far].astype(np.float32) - 128) * fade[:far] + 128
        return np.asarray(grain, np.uint8)


def _steps(s: float, step: float, start: float) -> list[float]:
    first = np.ceil((s + 2.3 - start) / step) * step + start
    return np.arange(first, s + 75, step).tolist()
