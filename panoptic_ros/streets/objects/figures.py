"""Human figures with clothes of several parts: how they look and how they are drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..camera import NEAR, Floats
from ..mesh import rotation
from ..view import View
from .brush import Brush
from .paint import Albedo, cloth, gray, hue, scaled
from .people import Pose

_SKINS: tuple[Albedo, ...] = ((150, 180, 225), (130, 165, 215), (105, 140, 195), (70, 100, 150),
                              (45, 65, 100))


@dataclass(frozen=True)
class Outfit:
    """What a person looks like; lengths as shares of the body's or the leg's."""

    tall: float
    stout: float
    skin: Albedo
    hair: Albedo
    top: Albedo
    shirt: Albedo | None
    """What is seen where the jacket is open."""
    legs: Albedo
    shoes: Albedo
    hem: float
    """How far the top reaches down the legs, from 0 at the hip to 1 at the foot."""
    skirt: float
    """How far a skirt reaches down; 0 without one."""
    short_sleeves: bool
    hair_long: float
    hat: str
    hat_color: Albedo
    pack: Albedo | None
    bag: Albedo | None
    carries: bool

    @classmethod
    def draw(cls, rng: np.random.Generator, rides: str = '') -> Outfit:
        """Draw an outfit; ``rides``: '' for one on foot, 'bicycle' or 'motorcycle'."""
        child = not rides and rng.random() < .12
        motor = rides == 'motorcycle'
        skirt = float(rng.choice([.35, .5, .8])) if not rides and rng.random() < .16 else 0.0
        skin = _SKINS[rng.integers(len(_SKINS))]
        bare = rng.random() < (.15 if not skirt else .6) and not motor
        hat = 'helmet' if motor or (rides and rng.random() < .5) else str(rng.choice(
            ['', 'cap', 'hood', 'beanie', 'scarf'], p=[.68, .1, .09, .09, .04]))
        trousers = gray(rng, 15, 90) if rng.random() < .4 else (
            scaled((110, 75, 55), rng.uniform(.5, 1.4)) if rng.random() < .55 else cloth(rng))
        top = gray(rng, 15, 80) if motor or rng.random() < .35 else cloth(rng)
        return cls(
            rng.uniform(1.05, 1.45) if child else rng.uniform(1.56, 1.93),
            rng.uniform(.88, 1.3), skin,
            gray(rng, 15, 200) if rng.random() < .4 else scaled((35, 60, 95), rng.uniform(.4, 2)),
            top, cloth(rng) if rng.random() < .3 else None, skin if bare else trousers,
            gray(rng, 15, 60) if rng.random() < .6 else gray(rng, 120, 240),
            float(rng.choice([.05, .12, .3, .55], p=[.35, .35, .2, .1])), skirt,
            bool(rng.random() < .2 and not motor), float(rng.choice([0, .5, 1.0], p=[.6, .2, .2])),
            hat, gray(rng, 15, 245) if rng.random() < .5 else hue(rng, (.3, .9), (.3, .95)),
            cloth(rng) if rng.random() < .22 else None,
            hue(rng, (.1, .7), (.15, .8)) if rng.random() < .25 and not rides else None,
            bool(rng.random() < .12 and not rides))


def draw_figure(view: View, outfit: Outfit, pose: Pose, place: tuple[Floats, float],
                identity: int, limbs: str = 'all') -> None:
    """
    Draw a figure at a place: its position in the world, and its yaw.

    ``limbs``: 'all', 'far' (only the leg on the far side) or 'near' (all but that leg).
    """
    position, yaw = place
    turn = rotation(yaw)
    joints = np.concatenate([np.array([pose.head, pose.neck, pose.pelvis]), *pose.arms,
                             *pose.legs])
    spots = view.camera.to_camera(joints @ turn + position)
    if spots[:, 2].min() < NEAR * .8:
        return
    pixels = view.camera.pixels(spots)
    depth = float(spots[2, 2])
    brush = Brush(view, depth, view.camera.focal / depth, identity)
    tall = outfit.tall
    arms, legs = (pixels[3:6], pixels[6:9]), (pixels[9:12], pixels[12:15])
    ahead = np.array([0, 0, 1.0]) @ turn @ view.camera.rotation.T
    far = int(spots[9:12, 2].mean() < spots[12:15, 2].mean())
    if abs(spots[9, 2] - spots[12, 2]) < .05 * tall:
        far = int(spots[11, 2] < spots[14, 2])
    toes = view.camera.pixels(spots[[11, 14]] + ahead * .085 * tall)

    def leg(index: int, shade: float) -> None:
        color = scaled(outfit.legs, shade)
        girth = tall * (.55 + .45 * outfit.stout)
        hip, knee, foot = legs[index]
        brush.taper(hip, knee, (.05 * girth, .036 * girth), color)
        brush.taper(knee, foot, (.036 * girth, .024 * girth), color)
        brush.taper(foot + (0, .012 * tall * brush.scale), toes[index], (.024 * tall, .019 * tall),
                    scaled(outfit.shoes, shade))

    def arm(index: int) -> None:
        girth = tall * (.6 + .4 * outfit.stout)
        shoulder, elbow, hand = arms[index]
        lower = outfit.skin if outfit.short_sleeves else scaled(outfit.top, .9)
        brush.taper(elbow, hand, (.024 * girth, .018 * girth), lower)
        brush.taper(shoulder, elbow, (.034 * girth, .027 * girth), scaled(outfit.top, .9))
        brush.painter.disc(hand, .024 * tall * brush.scale, brush.tone(outfit.skin), identity)
        if outfit.carries and index == 0:
            size = np.array([.07, .12]) * tall * brush.scale
            brush.shape(hand + (0, size[1]) + size * ((-1, -1), (1, -1), (1.1, 1), (-1.1, 1)),
                        outfit.hat_color)

    if limbs != 'near':
        leg(far, .7)
    if limbs == 'far':
        return
    arm(far)
    if not outfit.skirt:
        leg(1 - far, 1.0)
    else:
        leg(1 - far, .95)
    width = max(abs(float((np.array([1.0, 0, 0]) @ turn @ view.camera.rotation.T)[0])), .56)
    if outfit.pack is not None and ahead[2] < .3:
        _draw_pack(brush, outfit, pixels, float(ahead[0]))
    _draw_torso(brush, outfit, pixels, legs, (width, float(ahead[2])))
    if outfit.pack is not None and ahead[2] >= .3:
        _draw_pack(brush, outfit, pixels, float(ahead[0]))
    _draw_head(brush, outfit, pixels[:2], ahead)
    arm(1 - far)
    if outfit.bag is not None:
        hip = pixels[2] + (np.sign(ahead[0] + .01) * .1 * tall * brush.scale, .02)
        size = np.array([.075, .065]) * tall * brush.scale
        brush.painter.line(np.stack([pixels[1], hip]), .012 * tall * brush.scale,
                           brush.tone(scaled(outfit.bag, .6)), identity)
        brush.shape(hip + size * ((-1, -1), (1, -1), (1.05, 1), (-1.05, 1)), outfit.bag)


def _draw_torso(brush: Brush, outfit: Outfit, pixels: Floats, legs: tuple[Floats, Floats],
                facing: tuple[float, float]) -> None:
    """Draw skirt, coat and jacket; ``facing``: breadth from 0 to 1, and how far it looks away."""
    width, away = facing
    neck, pelvis = pixels[1], pixels[2]
    unit = width * brush.scale * outfit.tall * outfit.stout
    side = np.array([1.0, 0])
    knees = (legs[0][1] + legs[1][1]) / 2
    down = (legs[0][2] + legs[1][2]) / 2 - pelvis
    if outfit.skirt:
        hem = pelvis + down * outfit.skirt
        flare = (.1 + .06 * outfit.skirt) * unit
        brush.shape(np.stack([pelvis - side * .085 * unit, hem - side * flare, hem + side * flare,
                              pelvis + side * .085 * unit]), outfit.hat_color)
    hem = pelvis + (knees - pelvis) * min(2 * outfit.hem, 1.3)
    up = neck - pelvis
    chest, waist = pelvis + up * .72, pelvis + up * .3
    outline = [neck - (0, .02 * outfit.tall * brush.scale)]
    body = ((neck - up * .04, .06), (neck - up * .13, .127), (chest, .122), (waist, .097),
            (pelvis, .1), (hem, .1 + .05 * outfit.hem))
    left = [point - side * half * unit for point, half in body]
    right = [point + side * half * unit for point, half in body]
    for part in (slice(0, 4), slice(3, 6)):
        brush.shape(np.stack([*(outline if part.start == 0 else []), *right[part],
                              *left[part][::-1]]), outfit.top)
    if brush.fine:
        sign = -brush.side
        edge = right if sign > 0 else left
        inner = [point + side * sign * half * unit * .35 for point, half in body]
        for part in (slice(1, 4), slice(3, 6)):
            brush.shape(np.stack([*edge[part], *inner[part][::-1]]), scaled(outfit.top, .75))
        if outfit.shirt is not None and away < -.2:
            brush.shape(np.stack([left[0], right[0], hem + side * .022 * unit,
                                  hem - side * .022 * unit]), outfit.shirt)
        if outfit.hem < .2:
            brush.shape(np.stack([left[5], right[5], right[5] - up * .04, left[5] - up * .04]),
                        scaled(outfit.top, .6))


def _draw_pack(brush: Brush, outfit: Outfit, pixels: Floats, beside: float) -> None:
    assert outfit.pack is not None
    unit = outfit.tall * brush.scale
    high, low = (pixels[1] * .9 + pixels[2] * .1), (pixels[1] * .25 + pixels[2] * .75)
    shift = np.array([-beside * .11 * unit, 0])
    half = np.array([.085 * unit, 0])
    brush.shape(np.stack([high - half * .7, high + half * .7, (high + low) / 2 + half,
                          low + half, low - half, (high + low) / 2 - half]) + shift, outfit.pack)
    brush.shape(np.stack([low + half * .7, low - half * .7, low * .6 + high * .4 - half * .7,
                          low * .6 + high * .4 + half * .7]) + shift, scaled(outfit.pack, .75))


def _draw_head(brush: Brush, outfit: Outfit, pixels: Floats, ahead: Floats) -> None:
    """Draw neck, hair, face and what is on the head."""
    head, neck = pixels
    tall = outfit.tall
    size = .064 * max(tall, 1.35)
    scale = brush.scale
    hair, hat = outfit.hair, outfit.hat_color
    look = np.array([float(ahead[0]), 0.0]) * size * scale
    faces = float(ahead[2]) < .35
    hat_at: Callable[[float], Floats] = lambda lift: head - (0, lift * size * scale)  # noqa: E731
    brush.taper(neck, head, (.032 * tall, .028 * tall), scaled(outfit.skin, .8))
    if outfit.hat == 'helmet':
        brush.oval(hat_at(.1), (1.15 * size, 1.35 * size), hat)
        if faces:
            brush.oval(head + look * .6 + (0, .25 * size * scale), (.75 * size, .6 * size),
                       outfit.skin if tall % .1 < .07 else (25, 22, 20))
        return
    if outfit.hat in ('hood', 'scarf'):
        brush.oval(head, (1.12 * size, 1.42 * size), outfit.top if outfit.hat == 'hood' else hat)
    else:
        if outfit.hair_long:
            brush.shape(np.stack([hat_at(.5) - (size * scale, 0), hat_at(.5) + (size * scale, 0),
                                  head + (1.05 * size * scale, 1.9 * outfit.hair_long * size
                                          * scale),
                                  head + (-1.05 * size * scale, 1.9 * outfit.hair_long * size
                                          * scale)]) - look * .3, hair)
        brush.oval(hat_at(.12) - look * .12, (.96 * size, 1.22 * size), hair)
    if faces:
        face = head + look * .38 + (0, .2 * size * scale)
        brush.oval(face, (.72 * size, .95 * size), outfit.skin)
        if brush.finest:
            for sign in (-1, 1):
                brush.painter.disc(face + look * .3 + (sign * .28 * size * scale,
                                                       -.2 * size * scale),
                                   .09 * size * scale, brush.tone(scaled(hair, .5)),
                                   brush.identity)
    if outfit.hat in ('cap', 'beanie'):
        crown = hat_at(.62)
        brush.oval(crown, (.98 * size, .68 * size), hat)
        if outfit.hat == 'cap':
            brush.shape(crown + look * 1.1 + np.array([[-.5, .2], [.5, .2], [.5, .45],
                                                       [-.5, .45]]) * size * scale, scaled(hat,
                                                                                           .7))
