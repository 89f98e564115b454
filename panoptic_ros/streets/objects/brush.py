"""Rounded parts of figures, lit from one side."""

from __future__ import annotations

from math import hypot

import numpy as np

from ..camera import Floats
from ..painter import Painter
from ..view import View
from .paint import Albedo, scaled

_TURN = np.linspace(0, 2 * np.pi, 12, endpoint=False)
_ROUND = np.stack([np.cos(_TURN), np.sin(_TURN)], 1)


class Brush:
    """Draws rounded parts of one figure, lit from one side."""

    def __init__(self, view: View, depth: float, scale: float, identity: int) -> None:
        self.view, self.depth, self.scale, self.identity = view, depth, scale, identity
        self.painter: Painter = view.painter
        self.side = -1.0 if view.light.sun[0] < 0 else 1.0
        self.fine = scale > 26
        self.finest = scale > 60

    def tone(self, color: Albedo) -> list[float]:
        """Return a colour as the light and the air show it."""
        return self.view.color(color, self.depth)

    def taper(self, a: Floats, b: Floats, radii: tuple[float, float], color: Albedo) -> None:
        """Draw a limb from a to b in pixels, with radii in metres."""
        ra, rb = radii[0] * self.scale, radii[1] * self.scale
        tone = self.tone(color)
        if not self.fine:
            self.painter.line(np.array([a, b]), ra + rb, tone, self.identity)
            return
        ax, ay = a.tolist()
        bx, by = b.tolist()
        size = hypot(bx - ax, by - ay) + 1e-6
        x, y = (ay - by) / size, (bx - ax) / size
        self.painter.disc(b, rb, tone, self.identity)
        self.painter.disc(a, ra, tone, self.identity)
        points = np.array([(ax + x * ra, ay + y * ra), (bx + x * rb, by + y * rb),
                           (bx - x * rb, by - y * rb), (ax - x * ra, ay - y * ra)])
        self.painter.polygon(points, tone, self.identity)
        if self.finest:
            near, far = ((0, 1), (3, 2)) if (x > 0) == (self.side < 0) else ((3, 2), (0, 1))
            dark = self.tone(scaled(color, .72))
            inner = points[list(near)] * .62 + points[list(far)] * .38
            self.painter.polygon(np.array([*points[list(near)], *inner[::-1]]), dark,
                                 self.identity)

    def shape(self, points: Floats, color: Albedo) -> None:
        """Fill a convex polygon."""
        self.painter.polygon(points, self.tone(color), self.identity)

    def oval(self, center: Floats, radii: tuple[float, float], color: Albedo) -> None:
        """Fill an upright oval; radii in metres."""
        self.shape(center + _ROUND * np.array(radii) * self.scale, color)
