"""Lorries of many kinds: boxes, tippers, tankers, flatbeds, trailers, and pick-ups."""

from __future__ import annotations

import numpy as np

from ..classes import Kind
from ..mesh import Mesh
from .bodywork import (
    HEADLIGHT,
    TAIL_LIGHT,
    Cabin,
    Section,
    cabin,
    car_color,
    hull,
    lamps,
    mirrors,
    plates,
    wheels,
)
from .paint import DARK, Albedo, gray, hue, scaled
from .vehicles import Vehicle

_LOADS = ('box', 'curtain', 'tipper', 'tank', 'flat', 'skip')


def any_lorry(rng: np.random.Generator, lit: bool) -> Vehicle:
    """Draw a lorry or a pick-up of any kind."""
    if rng.random() < .15:
        return pickup(rng, lit)
    return lorry(rng, lit)


def lorry(rng: np.random.Generator, lit: bool) -> Vehicle:
    """Draw a lorry: a cab, a load, and with some of them a trailer."""
    light = rng.random() < .45
    half = rng.uniform(1.0, 1.1) if light else rng.uniform(1.2, 1.27)
    cab_long = rng.uniform(1.7, 2.3)
    length = rng.uniform(5.6, 7.2) if light else rng.uniform(7.5, 11.5)
    end = length / 2
    tall = rng.uniform(2.1, 2.5) if light else rng.uniform(2.6, 3.6)
    color = gray(rng, 190, 245) if rng.random() < .4 else car_color(rng)
    back = end - cab_long
    cab = _cab(rng, (back, end), half, tall, color, lit)
    load_tall = max(tall - .3, rng.uniform(2.4, 3.0) if light else rng.uniform(3.0, 3.9))
    kind = str(rng.choice(_LOADS, p=[.42, .2, .12, .08, .1, .08]))
    load = _load(rng, kind, (-end, back - .12), half, load_tall, lit)
    radius = .38 if light else .48
    axles = [-end + .22 * length] if light else [-end + .16 * length, -end + .16 * length + 1.2]
    wheels(load, half - .02, axles, radius, gray(rng, 80, 180), arch=False)
    wheels(cab, half - .02, [end - .35 * cab_long - .3], radius, gray(rng, 80, 180), arch=False)
    bodies = [((back - end) / 2, load), ((back + end) / 2, cab)]
    if not light and rng.random() < .2:
        long = rng.uniform(4.5, 7.5)
        trailer = _load(rng, kind, (-end - 1.2 - long, -end - 1.2), half, load_tall, lit)
        wheels(trailer, half - .02, [-end - 1.2 - .3 * long, -end - 1.2 - .7 * long], radius,
               gray(rng, 80, 180), arch=False)
        bodies.append((-end - 1.2 - long / 2, trailer))
        return Vehicle(Kind.TRUCK, bodies, 2 * (end + 1.2 + long), 2 * half, max(tall, load_tall))
    return Vehicle(Kind.TRUCK, bodies, length, 2 * half, max(tall, load_tall))


def _cab(rng: np.random.Generator, span: tuple[float, float], half: float, tall: float,
         color: Albedo, lit: bool) -> Mesh:
    back, end = span
    mesh = Mesh((0, tall / 2, (back + end) / 2))
    belt = tall * rng.uniform(.5, .58)
    rake = rng.uniform(.1, .5)
    hull(mesh, [Section(back, half, .45, .9, belt), Section(end - .25, half, .4, .9, belt),
                Section(end - .04, .95 * half, .42, .85, belt - .02),
                Section(end, .88 * half, .46, .8, belt - .06)], color, scaled(color, .75))
    level = rng.uniform(22, 50)
    glass: Albedo = (level * 1.1, level, level)
    cabin(mesh, Cabin(back, back + .02, end - rake, end - .03, belt, tall, .93 * half,
                      .86 * half), color, glass, (.35,), 1)
    mesh.flat((-.75 * half, .75 * half), (.75, belt - .2), end + .012, DARK
              if rng.random() < .6 else scaled(color, .7))
    for y in np.arange(.8, belt - .25, .14).tolist():
        mesh.flat((-.7 * half, .7 * half), (y, y + .05), end + .016, scaled(color, .9))
    mesh.flat((-.85 * half, .85 * half), (.36, .62), end + .014, gray(rng, 30, 200))
    glow = .9 if lit else .3
    for sign in (-1, 1):
        x = sorted((sign * .55 * half, sign * .82 * half))
        mesh.flat((x[0], x[1]), (.64, .82), end + .02, HEADLIGHT, glow)
    mirrors(mesh, half, belt + .15, end - .25, DARK)
    mesh.flat((-.26, .26), (.42, .53), end + .02, (215, 220, 220))
    if rng.random() < .35:
        mesh.flat((-.6 * half, .6 * half), (tall - .02, tall + .3), end - rake - .3, color)
    return mesh


def _load(rng: np.random.Generator, kind: str, span: tuple[float, float], half: float,
          tall: float, lit: bool) -> Mesh:
    rear, front = span
    mesh = Mesh((0, tall / 2, (rear + front) / 2))
    deck = rng.uniform(.85, 1.15)
    color = gray(rng, 170, 245) if rng.random() < .5 else hue(rng, (.2, .9), (.3, .95))
    mesh.box((-half + .15, half - .15), (.5, deck), (rear + .15, front), DARK)
    if kind == 'tank':
        turn = np.linspace(0, np.pi, 9)
        rows = [np.stack([half * .95 * np.cos(turn), deck + .75 + .85 * np.sin(turn),
                          np.full(9, z)], 1) for z in (rear + .1, front)]
        rows = [np.concatenate([row + 0, row[::-1] * (1, -1, 1) + (0, 2 * deck + 1.5, 0)])
                for row in rows]
        for i in range(18):
            j = (i + 1) % 18
            mesh.face(np.stack([rows[0][i], rows[0][j], rows[1][j], rows[1][i]]), color)
        mesh.face(rows[0], scaled(color, .8))
    elif kind in ('flat', 'skip'):
        mesh.box((-half, half), (deck, deck + .12), (rear, front), gray(rng, 60, 140))
        high = deck + rng.uniform(.3, 1.3)
        inset = .5 if kind == 'skip' else .05
        mesh.prism([(rear + .1, high), (rear + inset, deck + .1), (front - inset, deck + .1),
                    (front - .1, high)], [half - .05] * 4, color, [color] * 4)
    else:
        top = tall if kind != 'tipper' else deck + rng.uniform(.8, 1.3)
        mesh.box((-half, half), (deck, top), (rear, front), color)
        _sides(rng, mesh, kind, (rear, front), half, (deck, top), color)
    _rear(rng, mesh, rear, half, (deck, tall if kind in ('box', 'curtain') else deck + .5), color,
          lit)
    return mesh


def _sides(rng: np.random.Generator, mesh: Mesh, kind: str, span: tuple[float, float],
           half: float, heights: tuple[float, float], color: Albedo) -> None:
    rear, front = span
    deck, top = heights
    up = top - deck
    step = .35 if kind == 'curtain' else .7
    if kind in ('curtain', 'tipper') or rng.random() < .4:
        for z in np.arange(rear + .2, front - .1, step).tolist():
            mesh.flank(half + .006, (deck + .05, top - .05), (z, z + .06), scaled(color, .8))
    if kind != 'tipper' and rng.random() < .65:
        board = hue(rng, (.2, .95), (.2, .95))
        low = deck + up * rng.uniform(.2, .5)
        high = min(top - .1, low + up * rng.uniform(.15, .4))
        long = front - rear
        z0 = rear + long * rng.uniform(.05, .3)
        z1 = rear + long * rng.uniform(.6, .95)
        mesh.flank(half + .01, (low, high), (z0, z1), board)
        ink = gray(rng, 15, 60) if sum(board) > 380 else gray(rng, 200, 245)
        for z in np.linspace(z0 + .2, z1 - .5, 7).tolist():
            mesh.flank(half + .014, (low + .25 * (high - low), high - .25 * (high - low)),
                       (z, z + (z1 - z0) * rng.uniform(.03, .09)), ink)
    mesh.flank(half + .008, (deck, deck + .08), (rear, front), gray(rng, 60, 190))
    mesh.flank(half + .008, (top - .08, top), (rear, front), scaled(color, .8))
    if rng.random() < .5:
        mesh.flank(half - .05, (.5, deck - .05), (rear + .25 * (front - rear),
                                                  rear + .7 * (front - rear)), gray(rng, 90, 190))


def _rear(rng: np.random.Generator, mesh: Mesh, rear: float, half: float,
          heights: tuple[float, float], color: Albedo, lit: bool) -> None:
    deck, top = heights
    dark = scaled(color, .6)
    for x in (-.02, -half + .05, half - .1):
        mesh.flat((x, x + .05), (deck, top - .06), rear - .01, dark)
    for x in (-.4 * half, .3 * half):
        mesh.flat((x, x + .04), (deck + .1, top - .2), rear - .014, gray(rng, 120, 210))
    mesh.flat((-half, half), (.42, .56), rear + .05, gray(rng, 40, 230))
    for sign in (-1, 1):
        low, high = sorted((sign * .62 * half, sign * .95 * half))
        mesh.flat((low, high), (.6, .76), rear + .04, TAIL_LIGHT, .9 if lit else .3)
    mesh.flat((-.26, .26), (.62, .74), rear + .04, (215, 220, 220))
    if rng.random() < .4:
        mesh.flat((-.95 * half, .95 * half), (deck - .1, deck + .02), rear - .015, (40, 190, 235))


def pickup(rng: np.random.Generator, lit: bool) -> Vehicle:
    """Draw a pick-up: a car's front with an open bed behind."""
    length, half, tall = rng.uniform(5.0, 5.6), .95, rng.uniform(1.7, 1.9)
    end, belt = length / 2, 1.12
    color = car_color(rng)
    mesh = Mesh((0, .9, 0))
    hull(mesh, [Section(-end, .95 * half, .42, .75, belt - .04),
                Section(-end + .1, half, .36, .75, belt), Section(.5 * end, half, .34, .75, belt),
                Section(.88 * end, .96 * half, .36, .7, belt - .08),
                Section(end, .84 * half, .42, .62, belt - .2)], color, DARK,
         lid=(40, 40, 42) if rng.random() < .5 else None)
    mesh.face([(-.9 * half, belt + .01, .3 * end), (.9 * half, belt + .01, .3 * end),
               (.88 * half, belt - .03, .9 * end), (-.88 * half, belt - .03, .9 * end)], color)
    double = rng.random() < .6
    cabin(mesh, Cabin(-.32 * end if double else 0, -.22 * end if double else .05 * end, .25 * end,
                      .48 * end, belt, tall, .93 * half, .8 * half), color, (44, 40, 38),
          (.48,) if double else ())
    mesh.flat((-.6 * half, .6 * half), (.55, .8), end + .01, DARK)
    mesh.flat((-.8 * half, .8 * half), (.3, .5), end - .05, DARK)
    mesh.flat((-.8 * half, .8 * half), (.4, .56), -end - .01, gray(rng, 60, 190))
    lamps(mesh, (-end - .012, end + .012), .95 * half, (belt - .1, belt - .2), lit, True)
    plates(mesh, rng, -end - .016, end + .02, .62)
    mirrors(mesh, .95 * half, belt, .4 * end, DARK)
    wheels(mesh, half * .98, (-.6 * end, .62 * end), .38, gray(rng, 60, 190))
    return Vehicle(Kind.TRUCK, [(0, mesh)], length, 2 * half, tall)
