"""Bicycles and motorcycles, parked or with a rider."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..camera import NEAR, Floats
from ..classes import Kind
from ..mesh import Mesh, rotation
from ..view import View
from .actor import Actor, Place
from .paint import DARK, RUBBER, Albedo, gray, lacquer, scaled
from .people import Body, Pose, draw_body

_TURN = np.linspace(0, 2 * np.pi, 18, endpoint=False)
_CIRCLE = np.stack([np.zeros(18), np.cos(_TURN), np.sin(_TURN)], axis=1)


class Cycle(Actor):
    """A bicycle or motorcycle; ``rider`` is None where it is parked."""

    def __init__(self, rng: np.random.Generator, kind: Kind, ridden: bool,
                 speed: float = 0.0) -> None:
        self.rider = Body.draw(rng, rides=True) if ridden else None
        self.kind = kind
        self.kinds = (kind, Kind.RIDER) if ridden else (kind,)
        self.color = lacquer(rng)
        self.seat = gray(rng, 20, 90)
        self.basket = gray(rng, 60, 160) if rng.random() < 0.3 else None
        self.speed = abs(speed)
        self.phase = rng.uniform(0, 6.28)
        motor = kind == Kind.MOTORCYCLE
        self.length, self.width = (2.1, 0.75) if motor else (1.75, 0.6)
        self.tall = 1.85 if ridden else 1.2
        self.reach = 56.0 if motor or ridden else 38.0
        self.mesh = _motor_body(self.color, self.seat) if motor else None

    def draw(self, view: View, place: Place, identities: Mapping[Kind, int]) -> None:
        """Draw the far leg, the cycle, then the rest of the rider."""
        yaw = view.road.heading(place.s) + place.yaw
        position = view.road.point(place.s, place.d, place.height)
        if view.depth(position) < NEAR + 1.2:
            return
        pedal = self.phase + view.time * self.speed / 0.85
        rider = identities.get(Kind.RIDER) if self.rider is not None else None
        pose = self._pose(pedal)
        if self.rider is not None and rider is not None:
            self._draw_rider(view, pose, (position, yaw), rider, 'far')
        if self.kind in identities:
            if self.mesh is None:
                self._draw_bicycle(view, position, yaw, pedal, identities[self.kind])
            else:
                self._draw_motorcycle(view, position, yaw, identities[self.kind])
        if self.rider is not None and rider is not None:
            self._draw_rider(view, pose, (position, yaw), rider, 'near')

    def _pose(self, pedal: float) -> Pose:
        return riding(self.kind, pedal)

    def _draw_rider(self, view: View, pose: Pose, place: tuple[Floats, float], identity: int,
                    limbs: str) -> None:
        if self.rider is not None:
            draw_body(view, self.rider, pose, *place, identity, limbs)

    def _draw_bicycle(self, view: View, position: Floats, yaw: float, pedal: float,
                      identity: int) -> None:
        radius, base, thick = 0.35, 0.54, 0.062
        turn = rotation(yaw)
        depth = view.depth(position)
        scale = view.camera.focal / depth
        painter = view.painter
        rubber, metal = view.color(RUBBER, depth), view.color((120, 120, 120), depth)
        frame = view.color(self.color, depth)
        joints = np.array([
            [0, radius, -base], [0, 0.3, 0], [0, 0.86, -0.22], [0, 0.84, 0.36], [0, radius, base],
            [0, 1.02, 0.40], [-.29, 1.06, 0.34], [.29, 1.06, 0.34], [0, 0.95, -0.25]])
        spots = view.camera.project(joints @ turn + position)
        for z in (-base, base):
            wheel = _CIRCLE * radius + (0, radius, z)
            ring = view.camera.project(wheel @ turn + position)
            painter.tinted(ring, metal, 0.5, identity)
            painter.line(ring, thick * scale, rubber, identity, closed=True)
        rear, crank, seat_low, head, front, stem, left, right, seat = spots
        painter.tinted(np.array([crank, seat_low, head]), frame, 0.35, identity)
        width = 0.055 * scale
        painter.line(np.array([rear, crank, head, seat_low, rear]), width, frame, identity)
        painter.line(np.array([crank, seat_low, seat]), width, frame, identity)
        painter.line(np.array([front, head, stem]), width, frame, identity)
        painter.line(np.array([left, stem, right]), width, rubber, identity)
        painter.line(np.array([seat + (spots[2] - spots[1]) * 0.02, seat + (rear - front) * 0.09]),
                     0.09 * scale, view.color(self.seat, depth), identity)
        if self.basket is not None:
            painter.disc(stem, 0.16 * scale, view.color(self.basket, depth), identity)

    def _draw_motorcycle(self, view: View, position: Floats, yaw: float, identity: int) -> None:
        assert self.mesh is not None
        turn = rotation(yaw)
        depth = view.depth(position)
        scale = view.camera.focal / depth
        painter = view.painter
        rubber, metal = view.color(RUBBER, depth), view.color((130, 130, 130), depth)
        toward = float((view.camera.position - position) @ turn[2])
        order = (-0.7, 0.72) if toward > 0 else (0.72, -0.7)

        def wheel(z: float) -> None:
            tyre = _CIRCLE * 0.26 + (0, 0.31, z)
            ring = view.camera.project(tyre @ turn + position)
            painter.polygon(ring, metal, identity)
            painter.line(ring, 0.14 * scale, rubber, identity, closed=True)

        wheel(order[0])
        wheel(order[1])
        self.mesh.draw(view, position, yaw, identity)
        joints = np.array([[0, 0.31, 0.72], [0, 0.95, 0.45], [-.38, 1.04, 0.34],
                           [.38, 1.04, 0.34]])
        front, stem, left, right = view.camera.project(joints @ turn + position)
        painter.line(np.array([front, stem]), 0.09 * scale, metal, identity)
        painter.line(np.array([left, stem, right]), 0.06 * scale, rubber, identity)
        if toward > 0:
            painter.disc(stem, 0.11 * scale, view.color((225, 240, 250), depth, 0.7), identity)


def _motor_body(color: Albedo, seat: Albedo) -> Mesh:
    mesh = Mesh((0, 0.6, 0))
    mesh.box((-.15, .15), (.28, .62), (-.38, .42), DARK)
    mesh.prism([(-.85, .68), (-.8, .86), (-.2, .80), (-.2, .62)], [.15] * 4, seat,
               [seat, seat, seat])
    mesh.prism([(-.25, .58), (-.2, .86), (.12, 1.0), (.42, .92), (.5, .55)], [.18] * 5, color,
               [color, color, color, color])
    mesh.flat((-.14, .14), (.62, .78), -.86, scaled(color, .8))
    mesh.flat((-.1, .1), (.70, .79), -.87, (35, 30, 210), 0.4)
    mesh.flank(.19, (.34, .5), (-.7, -.1), (150, 150, 150))
    return mesh


def riding(kind: Kind, pedal: float) -> Pose:
    """Return the pose of a rider at an angle of the pedals in radians."""
    if kind == Kind.MOTORCYCLE:
        hip, neck, head, hand = (.86, -.2), (1.37, .02), (1.57, .1), (1.04, .34)
        feet = [(.36, .0), (.36, .0)]
        apart, reach = .2, .38
    else:
        hip, neck, head, hand = (1.0, -.24), (1.48, .08), (1.69, .17), (1.08, .34)
        feet = [(.32 + .17 * np.cos(pedal + a), .0 + .17 * np.sin(pedal + a)) for a in (0, np.pi)]
        apart, reach = .1, .27
    arms, legs = [], []
    for side, foot in zip((-1, 1), feet, strict=True):
        shoulder = np.array([side * .2, neck[0] - .03, neck[1]])
        grip = np.array([side * reach, *hand])
        elbow = (shoulder + grip) / 2 + (side * .05, -.1, -.04)
        arms.append(np.array([shoulder, elbow, grip]))
        pelvis = np.array([side * .09, *hip])
        sole = np.array([side * apart, foot[0], foot[1]])
        knee = (pelvis + sole) / 2 + (side * .05, .09, .24)
        legs.append(np.array([pelvis, knee, sole]))
    return Pose(np.array([0, *head]), np.array([0, *neck]), np.array([0, *hip]),
                (arms[0], arms[1]), (legs[0], legs[1]))
