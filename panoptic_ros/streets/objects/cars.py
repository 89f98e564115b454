"""Cars with rounded bodies: hatchbacks, saloons, estates, off-roaders, people carriers, vans."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..classes import Kind
from ..mesh import Mesh
from .bodywork import (
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
from .paint import DARK, Albedo, gray, scaled
from .vehicles import Vehicle


class Style(NamedTuple):
    """Proportions of a kind of car; lengths in metres, shares of the length from the rear."""

    share: float
    length: float
    tall: float
    half: float
    belt: float
    """Height of the window line as a share of the whole."""
    rear: tuple[float, float]
    """Where the rear window starts, at the belt and at the roof."""
    front: tuple[float, float]
    """Where the windscreen ends, at the roof and at the belt."""
    hood: float
    """Height of the bonnet's front as a share of the belt's."""
    pillars: tuple[float, ...]


STYLES: dict[str, Style] = {
    'small': Style(.14, 3.6, 1.5, .82, .6, (.03, .13), (.60, .80), .82, (.5,)),
    'hatch': Style(.25, 4.15, 1.47, .89, .61, (.03, .16), (.57, .77), .83, (.25, .52)),
    'saloon': Style(.16, 4.7, 1.44, .91, .62, (.15, .31), (.56, .73), .82, (.24, .52)),
    'estate': Style(.17, 4.7, 1.48, .91, .61, (.02, .10), (.56, .73), .82, (.27, .56)),
    'suv': Style(.14, 4.55, 1.68, .93, .6, (.02, .10), (.58, .75), .9, (.24, .53)),
    'carrier': Style(.06, 4.5, 1.7, .92, .56, (.02, .07), (.66, .86), .85, (.26, .54)),
    'van': Style(.08, 4.9, 1.95, .95, .53, (.01, .03), (.74, .92), .86, (.32, .64)),
}


def any_car(rng: np.random.Generator, lit: bool) -> Vehicle:
    """Draw a car or a van of any kind."""
    if rng.random() < .06:
        return delivery_van(rng, lit)
    names = list(STYLES)
    name = str(rng.choice(names, p=[style.share for style in STYLES.values()]))
    return build_car(rng, STYLES[name], lit, name)


def build_car(rng: np.random.Generator, style: Style, lit: bool, name: str) -> Vehicle:
    """Build a car of a style, with its own colours and small differences in shape."""
    length = style.length * rng.uniform(.93, 1.07)
    tall, half = style.tall * rng.uniform(.96, 1.05), style.half * rng.uniform(.97, 1.04)
    belt, end = tall * style.belt * rng.uniform(.97, 1.03), length / 2
    low = .2 if name != 'suv' else .3

    def at(share: float) -> float:
        return -end + share * length

    color = car_color(rng)
    trim = DARK if rng.random() < .35 or name == 'suv' else scaled(color, .75)
    level = rng.uniform(18, 55)
    glass: Albedo = (level * 1.12, level * 1.05, level)
    mesh = Mesh((0, belt * .8, 0))
    nose = belt * style.hood
    deck = belt - .02
    front = style.front[1]
    sections = [
        Section(at(0), .82 * half, low + .12, .55, deck * .82),
        Section(at(.012), .9 * half, low + .06, .58, deck * .95),
        Section(at(.07), .965 * half, low, .62, deck), Section(at(.25), half, low, .64, belt),
        Section(at(front - .04), half, low, .64, belt),
        Section(at(front + (1 - front) * .45), .985 * half, low, .62, (belt + nose) / 2 + .03),
        Section(at(.945), .93 * half, low + .02, .57, nose),
        Section(at(.985), .84 * half, low + .06, .52, nose - .1),
        Section(at(1), .74 * half, low + .1, .45, nose - .24)]
    hull(mesh, sections, color, trim)
    cabin(mesh, Cabin(at(style.rear[0]), at(style.rear[1]), at(style.front[0]), at(front), belt,
                      tall, .915 * half, rng.uniform(.7, .8) * half), color, glass, style.pillars,
          int(rng.integers(1, 3)) if name == 'van' and rng.random() < .5 else 0)
    _details(rng, mesh, (end, half, low, belt, nose), color, name, lit)
    wheels(mesh, .975 * half, (at(.185), at(.81)), rng.uniform(.3, .345) if name != 'suv'
           else .37, gray(rng, 100, 200))
    if rng.random() < (.3 if name in ('estate', 'suv', 'carrier') else .05):
        mesh.flank(.66 * half, (tall, tall + .06), (at(.15), at(.5)), gray(rng, 40, 170))
        if rng.random() < .3:
            tall += .35
            mesh.box((-.35 * half, .35 * half), (tall - .38, tall), (at(.12), at(.55)), DARK)
    return Vehicle(Kind.CAR, [(0, mesh)], length, 2 * half, tall)


def _details(rng: np.random.Generator, mesh: Mesh, size: tuple[float, float, float, float, float],
             color: Albedo, name: str, lit: bool) -> None:
    """Add bumpers, grille, doors, handles, lamps, plates and mirrors."""
    end, half, low, belt, nose = size
    gap = scaled(color, .55)
    for z in (-.22 * end, .27 * end):
        mesh.flank(half * .999 + .002, (low + .1, belt - .06), (z, z + .02), gap)
    for z in (-.2 * end, .3 * end):
        mesh.flank(half + .004, (belt - .17, belt - .13), (z - .3, z - .14), gap)
    mesh.flank(.995 * half + .002, (low + .02, low + .1), (-.55 * end, .55 * end), DARK)
    mesh.flat((-.7 * half, .7 * half), (low + .1, low + .26), -end - .012, scaled(color, .6)
              if rng.random() < .5 else DARK)
    mesh.flat((-.62 * half, .62 * half), (low + .1, low + .22), end + .012, DARK)
    mesh.flat((-.42 * half, .42 * half), (nose - .3, nose - .19), end + .014, DARK)
    mesh.flat((-.75 * half, .75 * half), (.14, low + .14), -end + .3, (14, 14, 14))
    mesh.flat((-.68 * half, .68 * half), (.15, low + .14), end - .3, (14, 14, 14))
    upright = name in ('estate', 'carrier', 'van') or rng.random() < .3
    lamps(mesh, (-end - .015, end + .006), .9 * half, (belt - .1, nose - .15), lit, upright)
    plates(mesh, rng, -end - .016, end + .018, float(rng.choice([.42, .72])) * belt / .9)
    mirrors(mesh, .93 * half, belt + .0, .36 * end, color if rng.random() < .6 else DARK)


def delivery_van(rng: np.random.Generator, lit: bool) -> Vehicle:
    """Draw a tall van with a sloped nose and closed sides."""
    length, half, tall = rng.uniform(5.0, 6.2), rng.uniform(.97, 1.04), rng.uniform(2.15, 2.7)
    end = length / 2
    color = gray(rng, 200, 248) if rng.random() < .6 else car_color(rng)
    glass: Albedo = (44, 40, 37)
    mesh = Mesh((0, 1.0, -.3))
    belt = 1.2
    hull(mesh, [Section(-end, .97 * half, .35, .9, tall - .08),
                Section(-end + .12, half, .3, .9, tall), Section(.2 * end, half, .3, .9, tall),
                Section(.5 * end, half, .3, .9, tall - .1)], color, scaled(color, .8))
    hull(mesh, [Section(.5 * end, half, .3, .8, belt),
                Section(.8 * end, .98 * half, .3, .75, belt),
                Section(.95 * end, .9 * half, .32, .65, .98),
                Section(end, .8 * half, .36, .55, .7)], color, scaled(color, .75))
    cabin(mesh, Cabin(.25 * end, .3 * end, .53 * end, .8 * end, belt, tall - .05, .95 * half,
                      .85 * half), color, glass, (.2,), 1)
    mesh.flank(half + .01, (.45, .6), (-end + .3, .4 * end), DARK)
    if rng.random() < .5:
        mesh.flank(half + .012, (1.2, 1.2 + rng.uniform(.3, .8)), (-end + .5, -.1), car_color(rng))
    mesh.flat((-.02, .02), (.5, tall - .2), -end - .01, scaled(color, .5))
    if rng.random() < .6:
        for sign in (-1, 1):
            x = sorted((sign * .12 * half, sign * .8 * half))
            mesh.flat((x[0], x[1]), (1.25, tall - .4), -end - .012, glass)
    lamps(mesh, (-end - .015, end + .01), .92 * half, (1.25, .8), lit, True)
    plates(mesh, rng, -end - .016, end + .018, .55)
    mirrors(mesh, half, belt + .1, .55 * end, DARK)
    wheels(mesh, .985 * half, (-end + 1.0, end - .95), .34, gray(rng, 90, 190))
    return Vehicle(Kind.CAR, [(0, mesh)], length, 2 * half, tall)
