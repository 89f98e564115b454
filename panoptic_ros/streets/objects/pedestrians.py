"""Persons on foot in many poses: walking, striding, standing, on the phone, sitting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from ..camera import Floats
from ..classes import Kind
from ..view import View
from .actor import Actor, Place
from .figures import Outfit, draw_figure
from .people import Pose, walking

_HANDS = ('free', 'free', 'pockets', 'phone', 'ear', 'crossed', 'pushing')


class Pedestrian(Actor):
    """A person who walks at a speed in m/s, stands, strides on the spot or sits."""

    kinds = (Kind.PERSON,)
    length, width = 0.6, 0.6
    reach = 45.0

    def __init__(self, rng: np.random.Generator, speed: float = 0.0,
                 stance: str = 'walking') -> None:
        self.outfit = Outfit.draw(rng)
        self.speed, self.stance = abs(speed), stance
        self.phase = rng.uniform(0, 6.28)
        self.swing = rng.uniform(.7, 1.15) if stance == 'walking' else rng.uniform(.05, .3)
        self.hands = str(rng.choice(_HANDS))
        self.lean = rng.normal(0, .012) if stance != 'sitting' else 0.0
        self.tall = self.outfit.tall if stance != 'sitting' else .75 * self.outfit.tall

    def draw(self, view: View, place: Place, identities: Mapping[Kind, int]) -> None:
        """Draw the person at the gait's phase of this time."""
        if Kind.PERSON not in identities:
            return
        tall = self.outfit.tall
        phase = self.phase
        if self.speed:
            phase += np.pi * self.speed * view.time / (.8 * tall)
        pose = seated(tall) if self.stance == 'sitting' else walking(tall, phase, self.swing)
        pose = _lean(with_hands(pose, tall, self.hands), self.lean * tall)
        position = view.road.point(place.s, place.d, place.height + .03)
        yaw = view.road.heading(place.s) + place.yaw
        draw_figure(view, self.outfit, pose, (position, yaw), identities[Kind.PERSON])


def seated(tall: float) -> Pose:
    """Return the pose of one who sits on a bench."""
    hip = .27 * tall
    legs = tuple(np.array([[x, hip, 0], [x * 1.4, hip + .02 * tall, .24 * tall],
                           [x * 1.3, .02 * tall, .27 * tall]]) for x in (-.055 * tall,
                                                                         .055 * tall))
    pose = walking(tall, 0.0, 0.0)
    drop = np.array([0, hip - .52 * tall, 0])
    arms = tuple(np.array([shoulder, shoulder + (0, -.17 * tall, .03 * tall),
                           shoulder + (0, -.27 * tall, .14 * tall)])
                 for shoulder in (pose.arms[0][0] + drop, pose.arms[1][0] + drop))
    return Pose(pose.head + drop, pose.neck + drop, pose.pelvis + drop, (arms[0], arms[1]),
                (legs[0], legs[1]))


def with_hands(pose: Pose, tall: float, hands: str) -> Pose:
    """Return a pose with the hands put somewhere."""
    if hands == 'free':
        return pose
    targets: dict[str, tuple[Floats | None, Floats | None]] = {
        'pockets': (np.array([-.12, -.3, .05]), np.array([.12, -.3, .05])),
        'phone': (None, np.array([.02, -.1, .2])),
        'ear': (np.array([-.06, .12, .04]), None),
        'crossed': (np.array([.07, -.14, .12]), np.array([-.07, -.16, .12])),
        'pushing': (np.array([-.1, -.22, .26]), np.array([.1, -.22, .26]))}
    arms = []
    for index, (arm, target) in enumerate(zip(pose.arms, targets[hands], strict=True)):
        if target is None:
            arms.append(arm)
            continue
        hand = pose.neck + target * tall
        out = (-1 if index == 0 else 1) * .05 * tall
        elbow = (arm[0] + hand) / 2 + (out, -.07 * tall, -.02 * tall)
        arms.append(np.stack([arm[0], elbow, hand]))
    return replace(pose, arms=(arms[0], arms[1]))


def _lean(pose: Pose, aside: float) -> Pose:
    """Return a pose whose weight is on one leg."""
    shift = np.array([aside, 0, 0])
    return replace(pose, pelvis=pose.pelvis + shift * 2, head=pose.head - shift)
