"""Street furniture: lamps, poles, traffic lights and traffic signs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..camera import NEAR, Floats
from ..classes import Kind
from ..view import View
from .actor import Actor, Place
from .paint import Albedo, gray, hue

_CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 16, endpoint=False)),
                    np.sin(np.linspace(0, 2 * np.pi, 16, endpoint=False))], axis=1)
_SHAPES: dict[str, Floats] = {
    'circle': _CIRCLE,
    'triangle': np.array([[-1, -.8], [1, -.8], [0, .95]]),
    'yield': np.array([[-1, .8], [1, .8], [0, -.95]]),
    'diamond': np.array([[-1, 0], [0, -1], [1, 0], [0, 1]]),
    'octagon': np.array([[-1, -.42], [-.42, -1], [.42, -1], [1, -.42], [1, .42], [.42, 1],
                         [-.42, 1], [-1, .42]]),
    'square': np.array([[-.85, -.85], [.85, -.85], [.85, .85], [-.85, .85]]),
    'board': np.array([[-1.9, -.8], [1.9, -.8], [1.9, .8], [-1.9, .8]]),
}
_RED: Albedo = (45, 40, 205)
_BLUE: Albedo = (190, 95, 25)
_YELLOW: Albedo = (40, 195, 240)
_GREEN: Albedo = (80, 130, 20)
_WHITE: Albedo = (235, 235, 235)
_SIGNS: tuple[tuple[str, Albedo, Albedo], ...] = (
    ('circle', _RED, _WHITE), ('circle', _BLUE, _BLUE), ('triangle', _RED, _WHITE),
    ('yield', _RED, _WHITE), ('diamond', _WHITE, _YELLOW), ('octagon', _RED, _RED),
    ('square', _BLUE, _BLUE), ('square', _WHITE, _BLUE), ('circle', _RED, _RED),
    ('board', _WHITE, _YELLOW), ('board', _WHITE, _BLUE), ('board', _WHITE, _GREEN))


class Furniture(Actor):
    """Something on a pole."""

    length = width = 0.3
    shadow = 0.6
    overhang = 1.2
    reach = 62.0

    def _pole(self, view: View, place: Place, high: float, thick: float, color: Albedo,
              identity: int) -> tuple[Floats, float] | None:
        """Draw a pole; return its foot in the world and its depth."""
        foot = view.road.point(place.s, place.d, place.height)
        depth = view.depth(foot)
        if depth < NEAR + 1.0:
            return None
        ends = view.camera.project(np.array([foot, foot + (0, high, 0)]))
        thick = max(thick * view.camera.focal / depth, 2.5 * view.camera.size[0] / 512) / 2
        view.painter.polygon(np.concatenate([ends - (thick, 0), ends[::-1] + (thick, 0)]),
                             view.color(color, depth), identity)
        return foot, depth


class Lamp(Furniture):
    """A street lamp with an arm over the road."""

    kinds = (Kind.POLE,)

    def __init__(self, rng: np.random.Generator, sign: int, lit: bool) -> None:
        self.sign, self.lit = sign, lit
        self.tall = rng.uniform(5.5, 8.5)
        self.color = gray(rng, 40, 170)
        self.thick = rng.uniform(0.15, 0.24)
        self.arm = rng.uniform(0.8, 2.2)
        self.overhang = self.arm + 0.5

    def draw(self, view: View, place: Place, identities: Mapping[Kind, int]) -> None:
        """Draw the pole, the arm and the lamp's head, all of them pole."""
        identity = identities[Kind.POLE]
        pole = self._pole(view, place, self.tall, self.thick, self.color, identity)
        if pole is None:
            return
        foot, depth = pole
        scale = view.camera.focal / depth
        tips = np.array([foot + (0, self.tall, 0),
                         foot + (-self.sign * self.arm, self.tall + 0.25, 0)])
        arm = view.camera.project(tips)
        thick = max(0.1 * scale, 2.5 * view.camera.size[0] / 512)
        view.painter.line(arm, thick, view.color(self.color, depth), identity)
        head = np.array([arm[1] - (0.3 * scale, 0), arm[1] + (0.3 * scale, 0)])
        color: Albedo = (170, 225, 255) if self.lit else (200, 205, 205)
        view.painter.line(head, thick * 1.5, view.color(color, depth, float(self.lit)), identity)


class Sign(Furniture):
    """One or two traffic signs on a pole."""

    kinds = (Kind.POLE, Kind.TRAFFIC_SIGN)

    def __init__(self, rng: np.random.Generator, faces_camera: bool) -> None:
        chosen = [_SIGNS[rng.integers(len(_SIGNS))] for _ in range(1 + (rng.random() < 0.35))]
        self.plates = chosen
        self.size = rng.uniform(0.38, 0.52)
        self.tall = rng.uniform(2.5, 3.1)
        self.color = gray(rng, 90, 180)
        self.back = None if faces_camera else gray(rng, 110, 190)
        self.mark = hue(rng, (0, 1), (0, .4))

    def draw(self, view: View, place: Place, identities: Mapping[Kind, int]) -> None:
        """Draw the pole and the plates, rim, ground and mark."""
        pole = self._pole(view, place, self.tall, 0.09, self.color, identities[Kind.POLE])
        if pole is None:
            return
        foot, depth = pole
        scale = view.camera.focal / depth
        identity = identities[Kind.TRAFFIC_SIGN]
        high = self.tall
        for shape, rim, ground in self.plates:
            up = 0.8 if shape == 'board' else 1.0
            center = view.camera.project((foot + (0, high, 0))[None])[0]
            plate = _SHAPES[shape] * (1, -1) * self.size * scale
            painter = view.painter
            if self.back is not None:
                painter.polygon(center + plate, view.color(self.back, depth), identity)
            else:
                painter.polygon(center + plate, view.color(rim, depth), identity)
                painter.polygon(center + plate * 0.78, view.color(ground, depth), identity)
                wide = 1.3 if shape == 'board' else 0.42
                mark = _SHAPES['square'] * (wide, 0.18) * self.size * scale
                color = self.mark if ground in (_WHITE, _YELLOW) else _WHITE
                painter.polygon(center + mark, view.color(color, depth), identity)
            high -= 2.05 * self.size * up


class TrafficLight(Furniture):
    """A traffic light beside the road; some have a second one on an arm over it."""

    kinds = (Kind.POLE, Kind.TRAFFIC_LIGHT)

    def __init__(self, rng: np.random.Generator, sign: int, faces_camera: bool) -> None:
        self.sign = sign
        self.arm = rng.uniform(2.5, 4.5) if rng.random() < 0.5 else 0.0
        self.tall = 5.3 if self.arm else 3.4
        self.color = gray(rng, 60, 150)
        self.case = gray(rng, 20, 50) if rng.random() < 0.75 else (40, 170, 210)
        self.faces_camera = faces_camera
        self.start = rng.uniform(0, 20)
        self.overhang = self.arm + 0.6

    def draw(self, view: View, place: Place, identities: Mapping[Kind, int]) -> None:
        """Draw the pole, the arm and the cases with the lamp of this moment lit."""
        identity = identities[Kind.POLE]
        pole = self._pole(view, place, self.tall, 0.16, self.color, identity)
        if pole is None:
            return
        foot, depth = pole
        scale = view.camera.focal / depth
        cases = [foot + (0, 2.9, 0)]
        if self.arm:
            cases.append(foot + (-self.sign * self.arm, self.tall, 0))
            tips = np.array([foot + (0, self.tall, 0), cases[1]])
            arm = view.camera.project(tips)
            view.painter.line(arm, max(0.12 * scale, 2.5 * view.camera.size[0] / 512),
                              view.color(self.color, depth), identity)
        phase = int((view.time + self.start) / 8) % 3
        for case in cases:
            center = view.camera.project(case[None])[0]
            self._case(view, center, depth, scale, phase, identities[Kind.TRAFFIC_LIGHT])

    def _case(self, view: View, center: Floats, depth: float, scale: float, phase: int,
              identity: int) -> None:
        box = np.array([[-.25, -.62], [.25, -.62], [.25, .62], [-.25, .62]]) * scale
        view.painter.polygon(center + box, view.color(self.case, depth), identity)
        if not self.faces_camera:
            return
        lamps: tuple[Albedo, ...] = ((40, 40, 245), (30, 190, 250), (120, 240, 60))
        for index, color in enumerate(lamps):
            on = index == phase
            tone = view.color(color if on else (45, 45, 45), depth, 1.0 if on else 0.0)
            view.painter.disc(center + (0, (index - 1) * 0.38 * scale), 0.15 * scale, tone,
                              identity)
