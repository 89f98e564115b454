"""What stands at the curb: bins, boxes, benches, bollards, shelters, columns, barriers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from ..classes import VOID, Kind
from ..mesh import Mesh
from ..view import View
from .actor import Actor, Place
from .paint import DARK, Albedo, gray, hue, scaled

Maker = Callable[[np.random.Generator], 'Fixture']


class Fixture(Actor):
    """A solid thing that stands still; without a kind, its pixels are unlabelled."""

    shadow = 0.7
    reach = 48.0

    def __init__(self, mesh: Mesh, size: tuple[float, float, float],
                 kind: Kind | None = None) -> None:
        self.kinds = () if kind is None else (kind,)
        self.mesh = mesh
        self.length, self.width, self.tall = size

    def draw(self, view: View, place: Place, identities: Mapping[Kind, int]) -> None:
        """Draw it."""
        identity = identities[self.kinds[0]] if self.kinds else VOID
        position = view.road.point(place.s, place.d, place.height)
        self.mesh.draw(view, position, view.road.heading(place.s) + place.yaw, identity)


def column(mesh: Mesh, radii: tuple[float, float], y: tuple[float, float], color: Albedo,
           at: tuple[float, float] = (0, 0)) -> None:
    """Add an upright column with radii below and above, at (x, z)."""
    turn = np.linspace(0, 2 * np.pi, 11)
    low, high = (np.stack([radius * np.cos(turn) + at[0], np.full(11, up),
                           radius * np.sin(turn) + at[1]], 1)
                 for radius, up in zip(radii, y, strict=True))
    for i in range(10):
        mesh.face(np.stack([low[i], low[i + 1], high[i + 1], high[i]]), color)
    mesh.face(high[:10], scaled(color, 1.1))


def litter_bin(rng: np.random.Generator) -> Fixture:
    """Draw a litter bin."""
    tall, radius = rng.uniform(.7, 1.1), rng.uniform(.18, .3)
    mesh = Mesh((0, tall / 2, 0))
    color = hue(rng, (.2, .9), (.2, .8)) if rng.random() < .6 else gray(rng, 40, 190)
    column(mesh, (radius * .85, radius), (.08, tall), color)
    column(mesh, (radius * 1.04, radius * 1.04), (tall - .14, tall - .04), scaled(color, .6))
    return Fixture(mesh, (2 * radius, 2 * radius, tall))


def wheeled_bin(rng: np.random.Generator) -> Fixture:
    """Draw a wheeled bin or a container."""
    large = rng.random() < .3
    half, deep, tall = (.65, .5, 1.3) if large else (.28, .34, 1.05)
    base = ((45, 45, 45), (55, 85, 40), (120, 70, 40), (50, 190, 225), (40, 60, 100))[
        rng.integers(5)]
    color = scaled(base, rng.uniform(.7, 1.2))
    mesh = Mesh((0, tall / 2, 0))
    mesh.prism([(-deep * .8, .1), (-deep, tall - .12), (deep, tall - .12), (deep * .8, .1)],
               [half * .9, half, half, half * .9], color, [color] * 4)
    lid = scaled(color, .8) if rng.random() < .6 else hue(rng, (.4, .9), (.3, .9))
    mesh.box((-half - .02, half + .02), (tall - .12, tall), (-deep - .02, deep + .02), lid)
    return Fixture(mesh, (2 * deep, 2 * half, tall))


def cabinet(rng: np.random.Generator) -> Fixture:
    """Draw a switch cabinet, a post box or a heap of cartons."""
    half, deep, tall = rng.uniform(.25, .8), rng.uniform(.15, .35), rng.uniform(.8, 1.6)
    color = gray(rng, 90, 200) if rng.random() < .6 else hue(rng, (.3, .95), (.3, .95))
    mesh = Mesh((0, tall / 2, 0))
    mesh.box((-deep, deep), (.05, tall), (-half, half), color)
    for z in np.linspace(-half, half, int(rng.integers(2, 4)))[1:-1].tolist():
        mesh.flank(deep + .005, (.1, tall - .05), (z, z + .02), scaled(color, .6))
    mesh.flank(deep + .005, (.05, .15), (-half, half), scaled(color, .5))
    if rng.random() < .5:
        low = rng.uniform(.3, .6) * tall
        mesh.flank(deep + .008, (low, low + .3), (-.6 * half, .4 * half), hue(rng, (0, .9),
                                                                               (.2, .95)))
    return Fixture(mesh, (2 * half, 2 * deep, tall))


def bench(rng: np.random.Generator) -> Fixture:
    """Draw a bench with a back."""
    wood = scaled((50, 85, 130), rng.uniform(.5, 1.4)) if rng.random() < .7 else gray(rng, 60, 180)
    mesh = Mesh((0, .2, 0))
    for z in (-.7, .62):
        mesh.box((-.2, .25), (0, .44), (z, z + .08), DARK)
    mesh.box((-.22, .26), (.42, .48), (-.85, .85), wood)
    for y in (.58, .74):
        mesh.box((.24, .28), (y, y + .1), (-.85, .85), wood)
    return Fixture(mesh, (1.7, .5, .85))


def bollard(rng: np.random.Generator) -> Fixture:
    """Draw a bollard."""
    tall, radius = rng.uniform(.7, 1.1), rng.uniform(.05, .11)
    mesh = Mesh((0, tall / 2, 0))
    color = gray(rng, 30, 200)
    column(mesh, (radius, radius), (0, tall), color)
    if rng.random() < .5:
        column(mesh, (radius * 1.05, radius * 1.05), (tall * .75, tall * .88),
               (225, 225, 225) if rng.random() < .5 else (40, 35, 190))
    return Fixture(mesh, (2 * radius, 2 * radius, tall), Kind.POLE)


def meter(rng: np.random.Generator) -> Fixture:
    """Draw a parking meter or a ticket machine."""
    tall = rng.uniform(1.2, 1.8)
    mesh = Mesh((0, tall / 2, 0))
    color = gray(rng, 60, 200) if rng.random() < .5 else hue(rng, (.3, .9), (.25, .8))
    column(mesh, (.06, .06), (0, tall * .6), DARK)
    mesh.box((-.14, .14), (tall * .55, tall), (-.18, .18), color)
    mesh.flat((-.1, .1), (tall * .75, tall * .92), -.19, gray(rng, 40, 230))
    return Fixture(mesh, (.36, .3, tall))


def poster_column(rng: np.random.Generator) -> Fixture:
    """Draw a round advertising column with posters."""
    radius, tall = rng.uniform(.55, .75), rng.uniform(2.6, 3.6)
    mesh = Mesh((0, tall / 2, 0))
    column(mesh, (radius, radius), (0, tall), gray(rng, 120, 210))
    turn = np.linspace(0, 2 * np.pi, 11)
    for low in np.arange(.5, tall - .9, .95).tolist():
        for i in range(10):
            if rng.random() < .8:
                x, z = radius * 1.01 * np.cos(turn[i:i + 2]), radius * 1.01 * np.sin(turn[i:i + 2])
                mesh.face([(x[0], low, z[0]), (x[1], low, z[1]), (x[1], low + .85, z[1]),
                           (x[0], low + .85, z[0])], hue(rng, (0, .95), (.2, .98)))
    column(mesh, (radius * 1.15, radius * .7), (tall, tall + .35), gray(rng, 40, 130))
    return Fixture(mesh, (2 * radius, 2 * radius, tall + .35))


def shelter(rng: np.random.Generator) -> Fixture:
    """Draw a bus shelter; Cityscapes counts it among the buildings."""
    long, deep, tall = rng.uniform(2.4, 4.2), 1.3, rng.uniform(2.3, 2.6)
    mesh = Mesh((-.6, 1.0, 0))
    frame, level = gray(rng, 40, 190), rng.uniform(70, 170)
    glass: Albedo = (level * 1.05, level, level * .95)
    half = long / 2
    mesh.face([(deep / 2, .2, -half), (deep / 2, .2, half), (deep / 2, tall, half),
               (deep / 2, tall, -half)], glass)
    for z in np.linspace(-half, half, 4).tolist():
        mesh.face([(deep / 2 - .01, 0, z - .04), (deep / 2 - .01, 0, z + .04),
                   (deep / 2 - .01, tall, z + .04), (deep / 2 - .01, tall, z - .04)], frame)
    mesh.inside = (0, 1.0, half + 3)
    board = hue(rng, (.1, .9), (.3, .95)) if rng.random() < .7 else glass
    mesh.flat((-deep / 2, deep / 2), (.25, tall - .1), -half, board)
    mesh.flat((-deep / 2 + .1, deep / 2 - .1), (.6, tall - .4), -half - .01, scaled(board, 1.3))
    mesh.box((-deep / 2 - .15, deep / 2 + .1), (tall, tall + .14), (-half - .1, half + .1), frame)
    return Fixture(mesh, (long, deep, tall + .14), Kind.BUILDING)


def barrier(rng: np.random.Generator) -> Fixture:
    """Draw a striped barrier of road works."""
    long, tall = rng.uniform(1.2, 2.4), rng.uniform(.9, 1.1)
    mesh = Mesh((0, tall / 2, 0))
    steps = int(long / .25)
    for y in (tall - .25, tall * .35):
        for i in range(steps):
            x = -long / 2 + i * .25
            color: Albedo = (45, 40, 200) if i % 2 else (230, 230, 230)
            mesh.flat((x, x + .25), (y, y + .22), -.03, color)
    for x in (-long / 2 + .05, long / 2 - .15):
        mesh.box((x, x + .1), (0, tall), (-.02, .06), gray(rng, 50, 200))
        mesh.box((x - .1, x + .2), (0, .1), (-.3, .3), DARK)
    return Fixture(mesh, (.4, long, tall))


def planter(rng: np.random.Generator) -> Fixture:
    """Draw a tub with a shrub."""
    half, tall = rng.uniform(.25, .7), rng.uniform(.35, .7)
    mesh = Mesh((0, tall, 0))
    mesh.box((-half, half), (0, tall), (-half, half), gray(rng, 70, 210))
    green = scaled((55, 110, 75), rng.uniform(.6, 1.3))
    for _ in range(5):
        x, z = rng.uniform(-.6, .6, 2) * half
        column(mesh, (.5 * half, .15 * half), (tall - .05, tall + rng.uniform(.3, .9)),
               scaled(green, rng.uniform(.7, 1.3)), (x, z))
    return Fixture(mesh, (2 * half, 2 * half, tall + .6), Kind.VEGETATION)


MAKERS: Mapping[Maker, float] = {
    litter_bin: 2, wheeled_bin: 2, cabinet: 2.2, bench: 1.5, bollard: 3, meter: 1,
    poster_column: .6, shelter: .6, barrier: .8, planter: 1}
"""What may stand at the curb, with weights."""
