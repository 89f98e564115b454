"""Bicycles and motorcycles with more parts, and riders in clothes or gear."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..camera import Floats
from ..classes import Kind
from ..mesh import rotation
from ..view import View
from .cycles import Cycle
from .figures import Outfit, draw_figure
from .paint import gray, hue, scaled
from .people import Pose

_TURN = np.linspace(0, 2 * np.pi, 24, endpoint=False)
_CIRCLE = np.stack([np.zeros(24), np.cos(_TURN), np.sin(_TURN)], 1)


class Bike(Cycle):
    """A bicycle or motorcycle, parked or ridden."""

    def __init__(self, rng: np.random.Generator, kind: Kind, ridden: bool,
                 speed: float = 0.0) -> None:
        super().__init__(rng, kind, ridden, speed)
        motor = kind == Kind.MOTORCYCLE
        self.outfit = Outfit.draw(rng, 'motorcycle' if motor else 'bicycle') if ridden else None
        self.bend = rng.uniform(-.12, .25)
        self.dark = gray(rng, 20, 60)
        self.guards = bool(rng.random() < .6)
        self.rack = rng.random() < .5
        self.panniers = hue(rng, (.1, .8), (.15, .8)) if self.rack and rng.random() < .4 else None
        self.step_through = bool(rng.random() < .45)
        self.screen = bool(motor and rng.random() < .5)
        self.box = gray(rng, 20, 90) if motor and rng.random() < .4 else None

    def _pose(self, pedal: float) -> Pose:
        pose = super()._pose(pedal)
        ahead = np.array([0, -.35 * abs(self.bend), self.bend])
        arms = tuple(np.stack([arm[0] + ahead, arm[1] + ahead / 2, arm[2]]) for arm in pose.arms)
        return replace(pose, head=pose.head + ahead * 1.15, neck=pose.neck + ahead,
                       arms=(arms[0], arms[1]))

    def _draw_rider(self, view: View, pose: Pose, place: tuple[Floats, float], identity: int,
                    limbs: str) -> None:
        if self.outfit is not None:
            draw_figure(view, self.outfit, pose, place, identity, limbs)

    def _draw_bicycle(self, view: View, position: Floats, yaw: float, pedal: float,
                      identity: int) -> None:
        radius, base = .345, .53
        turn = rotation(yaw)
        depth = view.depth(position)
        scale = view.camera.focal / depth
        painter = view.painter
        steel, frame = view.color((135, 135, 138), depth), view.color(self.color, depth)
        dark = view.color(self.dark, depth)
        shine = view.color(scaled(self.color, 1.5), depth)

        def project(*points: tuple[float, float, float]) -> Floats:
            return view.camera.project(np.array(points) @ turn + position)

        for z in (-base, base):
            ring = view.camera.project((_CIRCLE * radius + (0, radius, z)) @ turn + position)
            painter.tinted(ring, steel, .3, identity)
            if scale > 60:
                for spoke in (ring[[0, 12]], ring[[4, 16]], ring[[8, 20]]):
                    painter.line(spoke, .006 * scale, steel, identity)
            painter.line(ring, .045 * scale, dark, identity, closed=True)
            if self.guards:
                arch = view.camera.project((_CIRCLE[[22, 23, 0, 1, 2, 3, 4] if z > 0 else
                                                    [20, 21, 22, 23, 0, 1, 2]] * (radius + .05)
                                            + (0, radius, z)) @ turn + position)
                painter.line(arch, .04 * scale, frame, identity)
        rear, crank, low, head, front, stem, left, right, seat = project(
            (0, radius, -base), (0, .29, -.05), (0, .8, -.22), (0, .8, .36), (0, radius, base),
            (0, 1.0, .38), (-.28, 1.05, .3), (.28, 1.05, .3), (0, .96, -.26))
        width = .042 * scale
        if self.step_through:
            painter.line(np.stack([head, (crank + head) / 2 + (crank - low) * .12, crank]), width,
                         frame, identity)
            painter.line(np.stack([low, crank, rear, low]), width * .8, frame, identity)
        else:
            painter.line(np.stack([rear, crank, head, low, rear]), width, frame, identity)
            painter.line(np.stack([crank, low]), width, frame, identity)
        painter.line(np.stack([low, seat]), width * .7, steel, identity)
        painter.line(np.stack([front, head, stem]), width, shine, identity)
        painter.line(np.stack([left, stem, right]), width * .8, dark, identity)
        painter.line(np.stack([seat + (seat - low) * .05, seat - (seat - low) * .1]),
                     .1 * scale, dark, identity)
        foot = .17 * np.array([np.cos(pedal), np.sin(pedal)])
        pedals = project((.1, .29 + foot[0], foot[1] - .05), (-.1, .29 - foot[0], -foot[1] - .05))
        painter.line(np.stack([pedals[0], crank, pedals[1]]), .025 * scale, steel, identity)
        if self.rack:
            painter.line(project((0, .74, -.25), (0, .74, -.72), (0, radius, -base)),
                         .03 * scale, dark, identity)
            if self.panniers is not None:
                for x in (-.16, .16):
                    painter.polygon(project((x, .72, -.72), (x, .72, -.36), (x, .36, -.4),
                                            (x, .36, -.68)), view.color(self.panniers, depth),
                                    identity)
        if self.basket is not None:
            painter.polygon(project((-.18, 1.0, .5), (.18, 1.0, .5), (.14, .76, .5),
                                    (-.14, .76, .5)), view.color(self.basket, depth), identity)
        lamp = project((0, .86, .46))[0]
        painter.disc(lamp, .04 * scale, view.color((220, 230, 235), depth, .3), identity)

    def _draw_motorcycle(self, view: View, position: Floats, yaw: float, identity: int) -> None:
        super()._draw_motorcycle(view, position, yaw, identity)
        turn = rotation(yaw)
        depth = view.depth(position)
        painter = view.painter

        def project(*points: tuple[float, float, float]) -> Floats:
            return view.camera.project(np.array(points) @ turn + position)

        if self.screen:
            painter.tinted(project((-.2, 1.0, .5), (.2, 1.0, .5), (.14, 1.34, .34),
                                   (-.14, 1.34, .34)), view.color((190, 180, 170), depth), .5,
                           identity)
        if self.box is not None:
            painter.polygon(project((-.2, .86, -.9), (.2, .86, -.9), (.2, 1.2, -.88),
                                    (-.2, 1.2, -.88)), view.color(self.box, depth), identity)
        ends = project((-.36, 1.1, .36), (-.42, 1.2, .34), (.36, 1.1, .36), (.42, 1.2, .34))
        scale = view.camera.focal / depth
        for pair in (ends[:2], ends[2:]):
            painter.line(pair, .05 * scale, view.color(self.dark, depth), identity)
