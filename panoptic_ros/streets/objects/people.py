"""Persons: a jointed body that walks, stands or rides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..camera import NEAR, Floats
from ..classes import Kind
from ..mesh import rotation
from ..view import View
from .actor import Actor, Place
from .paint import Albedo, cloth, gray, scaled

_SKINS: tuple[Albedo, ...] = ((150, 185, 230), (120, 160, 210), (85, 120, 170), (55, 80, 120))


@dataclass(frozen=True)
class Pose:
    """
    Joints in metres, x right, y up, z ahead, with the ground at y = 0.

    Each limb is (3, 3): shoulder, elbow, hand or hip, knee, foot.
    """

    head: Floats
    neck: Floats
    pelvis: Floats
    arms: tuple[Floats, Floats]
    legs: tuple[Floats, Floats]


@dataclass(frozen=True)
class Body:
    """What a person looks like."""

    tall: float
    stout: float
    skin: Albedo
    hair: Albedo
    top: Albedo
    legs: Albedo
    shoes: Albedo
    coat: float
    """How far the top reaches below the hip, as a share of the leg."""
    long_hair: bool
    pack: Albedo | None
    helmet: Albedo | None = None

    @classmethod
    def draw(cls, rng: np.random.Generator, rides: bool = False) -> Body:
        """Draw a body and its clothes."""
        child = not rides and rng.random() < 0.12
        tall = rng.uniform(1.2, 1.45) if child else rng.uniform(1.58, 1.92)
        pack = cloth(rng) if rng.random() < 0.3 else None
        helmet = cloth(rng) if rides and rng.random() < 0.75 else None
        return cls(tall, rng.uniform(0.9, 1.2), _SKINS[rng.integers(len(_SKINS))],
                   gray(rng, 20, 120), cloth(rng), cloth(rng), gray(rng, 20, 200),
                   float(rng.choice([0.0, 0.25, 0.6])), bool(rng.random() < 0.4), pack, helmet)


def walking(tall: float, phase: float, swing: float = 1.0) -> Pose:
    """Return the pose of a walker at a phase of the gait in radians."""
    hip, shoulder = 0.52 * tall, 0.815 * tall
    bounce = 0.012 * tall * np.cos(2 * phase) * swing
    legs, arms = [], []
    for side in (-1, 1):
        angle = 0.46 * swing * np.sin(phase) * side
        bend = 0.75 * swing * max(0.0, float(np.cos(phase) * side))
        x = side * 0.055 * tall
        knee = np.array([x, hip - 0.265 * tall * np.cos(angle), 0.265 * tall * np.sin(angle)])
        foot = knee + (0, -0.235 * tall * np.cos(angle - bend),
                       0.235 * tall * np.sin(angle - bend))
        legs.append(np.array([[x, hip, 0], knee, foot]))
        angle *= -0.9
        x = side * 0.125 * tall
        elbow = np.array([x * 1.12, shoulder - 0.17 * tall * np.cos(angle),
                          0.17 * tall * np.sin(angle)])
        hand = elbow + (0, -0.155 * tall * np.cos(angle + 0.4), 0.155 * tall * np.sin(angle + 0.4))
        arms.append(np.array([[x, shoulder - .01 * tall, 0], elbow, hand]))
    lift = np.array([0, bounce, 0])
    return Pose(np.array([0, 0.925 * tall, 0.01 * tall]) + lift,
                np.array([0, shoulder, 0]) + lift, np.array([0, hip, 0]) + lift,
                (arms[0] + lift, arms[1] + lift), (legs[0], legs[1]))


def draw_body(view: View, body: Body, pose: Pose, position: Floats, yaw: float,
              identity: int, limbs: str = 'all') -> None:
    """
    Draw a body; the limbs on the far side first.

    ``limbs``: 'all', 'far' (only the leg on the far side) or 'near' (all but that leg), so
    that something can stand between a rider's legs.
    """
    turn = rotation(yaw)
    joints = np.concatenate([np.array([pose.head, pose.neck, pose.pelvis]), *pose.arms,
                             *pose.legs])
    spots = view.camera.to_camera(joints @ turn + position)
    if spots[:, 2].min() < NEAR:
        return
    pixels = view.camera.pixels(spots)
    depth = float(spots[2, 2])
    scale = view.camera.focal / depth
    painter, tall = view.painter, body.tall
    head, neck, pelvis = pixels[:3]
    arms, legs = (pixels[3:6], pixels[6:9]), (pixels[9:12], pixels[12:15])
    far = int(spots[9:12, 2].mean() < spots[12:15, 2].mean())
    if abs(spots[9, 2] - spots[12, 2]) < 0.05 * tall:
        far = int(spots[11, 2] < spots[14, 2])
    tones = {name: view.color(color, depth) for name, color in (
        ('skin', body.skin), ('hair', body.hair), ('top', body.top), ('sleeve', scaled(
            body.top, 0.86)), ('legs', body.legs), ('far', scaled(body.legs, 0.78)),
        ('shoes', body.shoes))}

    def leg(index: int, name: str) -> None:
        painter.line(legs[index], 0.083 * tall * body.stout * scale, tones[name], identity)
        painter.line(np.array([legs[index][2], toes[index]]), 0.06 * tall * scale,
                     tones['shoes'], identity)

    def arm(index: int) -> None:
        painter.line(arms[index], 0.056 * tall * body.stout * scale, tones['sleeve'], identity)
        painter.disc(arms[index][2], 0.028 * tall * scale, tones['skin'], identity)

    ahead = np.array([0, 0, 0.09 * tall]) @ turn @ view.camera.rotation.T
    toes = view.camera.pixels(spots[[11, 14]] + ahead)
    if limbs != 'near':
        leg(far, 'far')
    if limbs == 'far':
        return
    arm(far)
    leg(1 - far, 'legs')
    across = np.array([1.0, 0, 0]) @ turn @ view.camera.rotation.T
    breadth = max(abs(float(across[0])), 0.58) * scale * body.stout * tall
    hem = pelvis + (legs[1 - far][1] - pelvis + legs[far][1] - pelvis) / 2 * max(body.coat, 0.12)
    side = np.array([1.0, 0])
    painter.polygon(np.array([
        neck - side * breadth * 0.06 - (0, 0.03 * tall * scale), neck - side * breadth * 0.135,
        pelvis - side * breadth * 0.105, hem - side * breadth * (0.1 + 0.05 * body.coat),
        hem + side * breadth * (0.1 + 0.05 * body.coat), pelvis + side * breadth * 0.105,
        neck + side * breadth * 0.135, neck + side * breadth * 0.06 - (0, 0.03 * tall * scale)]),
        tones['top'], identity)
    back_view = float((np.array([0, 0, 1.0]) @ turn @ view.camera.rotation.T)[2])
    if body.pack is not None and back_view > 0.2:
        low, high = neck + (pelvis - neck) * 0.8, neck + (pelvis - neck) * 0.1
        wide = side * breadth * 0.09
        painter.polygon(np.array([low - wide, low + wide, high + wide, high - wide]),
                        view.color(body.pack, depth), identity)
    radius = 0.066 * tall * scale
    painter.line(np.array([neck, head]), 0.06 * tall * scale, tones['skin'], identity)
    if body.long_hair and body.helmet is None:
        painter.line(np.array([head, head + (neck - head) * 0.8]), 1.9 * radius, tones['hair'],
                     identity)
    painter.disc(head, radius, tones['hair'], identity)
    if back_view < 0.3:
        nose = head + ahead[:2] * scale * 0.25 + (0, radius * 0.22)
        painter.disc(nose, radius * 0.78, tones['skin'], identity)
    if body.helmet is not None:
        painter.disc(head - (0, radius * 0.35), radius * 1.12, view.color(body.helmet, depth),
                     identity)
    arm(1 - far)


class Person(Actor):
    """A person who walks at a speed in m/s, or stands."""

    kinds = (Kind.PERSON,)
    length, width = 0.6, 0.6
    reach = 50.0

    def __init__(self, rng: np.random.Generator, speed: float) -> None:
        self.body = Body.draw(rng)
        self.speed = abs(speed)
        self.phase = rng.uniform(0, 6.28)
        self.stance = rng.uniform(0.05, 0.3)
        self.tall = self.body.tall

    def draw(self, view: View, place: Place, identities: Mapping[Kind, int]) -> None:
        """Draw the person at the gait's phase of this time."""
        if Kind.PERSON not in identities:
            return
        if self.speed:
            stride = 0.8 * self.tall
            pose = walking(self.tall, self.phase + np.pi * self.speed * view.time / stride)
        else:
            pose = walking(self.tall, self.phase, self.stance)
        position = view.road.point(place.s, place.d, place.height + 0.03)
        draw_body(view, self.body, pose, position, view.road.heading(place.s) + place.yaw,
                  identities[Kind.PERSON])


