"""Cars, trucks, buses and trams."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

from ..classes import Kind
from ..mesh import Mesh
from ..view import View
from .actor import Actor, Place
from .paint import DARK, GLASS, Albedo, gray, hue, lacquer, scaled

HEADLIGHT: Albedo = (225, 240, 250)
TAIL_LIGHT: Albedo = (35, 30, 200)
PLATE: Albedo = (215, 220, 220)


class Vehicle(Actor):
    """A vehicle of one or more bodies in a row."""

    def __init__(self, kind: Kind, bodies: list[tuple[float, Mesh]], length: float, width: float,
                 tall: float) -> None:
        self.kinds = (kind,)
        self.bodies = bodies
        self.length, self.width, self.tall = length, width, tall

    def draw(self, view: View, place: Place, identities: Mapping[Kind, int]) -> None:
        """Draw the bodies, the farther ones first."""
        kind = self.kinds[0]
        if kind not in identities:
            return
        yaw = view.road.heading(place.s) + place.yaw
        position = view.road.point(place.s, place.d, place.height)
        forward = np.array([np.sin(yaw), 0.0, np.cos(yaw)])
        toward = float((view.camera.position - position) @ forward)
        for _, body in sorted(self.bodies, key=lambda item: -abs(item[0] - toward)):
            body.draw(view, position, yaw, identities[kind])


def car(rng: np.random.Generator, lit: bool) -> Vehicle:
    """Draw a hatchback, saloon, estate, off-roader or van."""
    style = rng.choice(['hatch', 'saloon', 'estate', 'suv', 'van'], p=[.28, .25, .15, .2, .12])
    length = {'hatch': 4.0, 'saloon': 4.6, 'estate': 4.6, 'suv': 4.6, 'van': 5.0}[style]
    tall = {'hatch': 1.48, 'saloon': 1.44, 'estate': 1.5, 'suv': 1.75, 'van': 2.05}[style]
    length *= rng.uniform(0.94, 1.06)
    tall *= rng.uniform(0.97, 1.04)
    half = rng.uniform(0.86, 0.95)
    end = length / 2
    belt = tall * (0.58 if style != 'van' else 0.53)
    hood = belt - 0.08
    front_low = end - (1.15 if style != 'van' else 0.7) * rng.uniform(0.9, 1.1)
    roof_front = front_low - (tall - belt) * (1.15 if style != 'van' else 0.6)
    rear_low = -end + {'hatch': 0.1, 'saloon': 0.75, 'estate': 0.08, 'suv': 0.08, 'van': 0.04}[
        str(style)]
    roof_rear = rear_low + (tall - belt) * {'hatch': 0.7, 'saloon': 1.0, 'estate': 0.4,
                                            'suv': 0.35, 'van': 0.1}[str(style)]
    color = lacquer(rng)
    trim = scaled(color, 0.6) if rng.random() < 0.5 else DARK
    glass = gray(rng, 45, 100)
    mesh = Mesh((0, belt * 0.9, 0))
    mesh.prism([(-end, .28), (-end - .02, .6), (-end + .05, belt - .03), (end - .25, hood - .04),
                (end, .58), (end, .28)], [half] * 6, color,
               [trim, color, color, color, trim])
    low, high = half - 0.06, half - 0.2
    mesh.prism([(rear_low, belt - .04), (roof_rear, tall), (roof_front, tall),
                (front_low, belt - .06)], [low, high, high, low], color,
               [color, color, color])
    mesh.pane((low, belt - .04, rear_low), (high, tall, roof_rear), scaled(glass, 0.9), -.01)
    mesh.pane((low, belt - .06, front_low), (high, tall, roof_front), scaled(glass, 1.2), .01)
    _side_windows(mesh, belt, tall, (rear_low, roof_rear, roof_front, front_low), (low, high),
                  glass, blind=style == 'van' and rng.random() < 0.5)
    mesh.flank(half + .005, (.28, .40), (-end + .1, end - .1), trim)
    mesh.flank(half + .006, (belt - .2, belt - .15), (-.3, -.05), DARK)
    for z in (-end + .3, end - .3):
        mesh.flat((-half + .08, half - .08), (.13, .3), z, DARK)
    mesh.flank(half - .03, (.13, .3), (-end + .3, end - .3), DARK)
    hub = gray(rng, 90, 190)
    for z in (-end + 0.78, end - 0.82):
        mesh.wheel(half + 0.01, z, 0.33 if style != 'suv' else 0.37, hub)
    glow = 0.9 if lit else 0.35
    for sign in (-1, 1):
        low_x, high_x = sorted((sign * (half - .38), sign * (half - .04)))
        mesh.flat((low_x, high_x), (.56, .70), end + .03, HEADLIGHT, glow)
        mesh.flat((low_x + .06, high_x), (belt - .25, belt - .06), -end - .03, TAIL_LIGHT, glow)
    mesh.flat((-.45, .45), (.48, .60), end + .02, DARK)
    mesh.flat((-.26, .26), (.36, .46), end + .03, PLATE)
    mesh.flat((-.26, .26), (.48, .60), -end - .03, PLATE)
    return Vehicle(Kind.CAR, [(0, mesh)], length, 2 * half, tall)


def _side_windows(mesh: Mesh, belt: float, tall: float, z: tuple[float, float, float, float],
                  half: tuple[float, float], glass: Albedo, blind: bool) -> None:
    rear_low, roof_rear, roof_front, front_low = z
    low_y, high_y = belt + .03, tall - .09
    share = (high_y - belt) / (tall - belt)
    low_x = half[0] + .01
    high_x = half[0] + (half[1] - half[0]) * share + .01
    rear_top = rear_low + (roof_rear - rear_low) * share + .12
    front_top = front_low + (roof_front - front_low) * share - .08
    middle = (roof_rear + roof_front) / 2
    spans = [(rear_low + .2, rear_top, middle - .05), (front_low - .22, front_top, middle + .05)]
    for low_z, top_z, post in spans[1:] if blind else spans:
        for sign in (1, -1):
            mesh.face([(sign * low_x, low_y, low_z), (sign * high_x, high_y, top_z),
                       (sign * high_x, high_y, post), (sign * low_x, low_y, post)], glass)


def truck(rng: np.random.Generator, lit: bool) -> Vehicle:
    """Draw a lorry: a cab and a box, tank or open load."""
    length, half = rng.uniform(7.0, 9.5), rng.uniform(1.15, 1.25)
    end = length / 2
    cab_color = lacquer(rng)
    load_color = lacquer(rng) if rng.random() < 0.7 else gray(rng, 170, 245)
    cab_high = rng.uniform(2.5, 2.9)
    cab = Mesh((0, 1.4, end - 1.0))
    back = end - 2.0
    cab.prism([(back, .45), (back, cab_high), (end - .35, cab_high), (end, 1.45), (end, .45)],
              [half - .04] * 5, cab_color, [cab_color] * 4)
    cab.pane((half - .04, 1.4, end), (half - .04, cab_high, end - .35), GLASS, .01)
    cab.flank(half - .03, (1.5, cab_high - .35), (back + .55, end - .45), GLASS)
    cab.wheel(half, end - .95, .48, gray(rng, 90, 170))
    cab.flat((-half + .1, half - .1), (1.0, 1.3), end + .02, scaled(cab_color, 0.6))
    cab.flat((-half + .05, half - .05), (.45, .62), end + .02, DARK)
    for sign in (-1, 1):
        low, high = sorted((sign * (half - .5), sign * (half - .1)))
        cab.flat((low, high), (.68, .88), end + .03, HEADLIGHT, 0.9 if lit else 0.35)
    load = Mesh((0, 1.8, -1.0))
    tall = rng.uniform(3.1, 3.7) if rng.random() < 0.75 else rng.uniform(1.9, 2.3)
    load.box((-half + .1, half - .1), (.55, .95), (-end + .1, back), DARK)
    load.box((-half, half), (.95, tall), (-end, back - .15), load_color)
    if rng.random() < 0.6:
        band = lacquer(rng)
        load.flank(half + .01, (tall * .55, tall * .75), (-end + .5, back - .8), band)
    load.flat((-.05, .05), (1.0, tall - .1), -end - .01, scaled(load_color, 0.55))
    for sign in (-1, 1):
        low, high = sorted((sign * .35, sign * .42))
        load.flat((low, high), (1.05, tall - .15), -end - .01, scaled(load_color, 0.7))
        low, high = sorted((sign * (half - .5), sign * (half - .05)))
        load.flat((low, high), (.62, .82), -end + .05, TAIL_LIGHT, 0.9 if lit else 0.35)
    load.flat((-half, half), (.45, .56), -end + .04, gray(rng, 120, 220))
    for z in (-end + 1.2, -end + 2.3):
        load.wheel(half, z, .48, gray(rng, 90, 170))
    return Vehicle(Kind.TRUCK, [(-1.0, load), (end - 1.0, cab)], length, 2 * half,
                   max(tall, cab_high))


def bus(rng: np.random.Generator, lit: bool) -> Vehicle:
    """Draw a city bus: one long body with a row of windows."""
    length, half, tall = rng.uniform(10.5, 12.5), 1.26, rng.uniform(2.95, 3.2)
    end = length / 2
    color = hue(rng, (0.3, 0.95), (0.4, 0.95)) if rng.random() < 0.7 else gray(rng, 150, 240)
    roof = scaled(color, 0.75) if rng.random() < 0.5 else gray(rng, 180, 240)
    glass = gray(rng, 40, 80)
    mesh = Mesh((0, 1.6, 0))
    mesh.box((-half, half), (.32, tall), (-end, end), color)
    mesh.flank(half + .005, (tall - .35, tall), (-end, end), roof)
    mesh.flank(half + .01, (1.25, tall - .45), (-end + .25, end - .1), DARK)
    posts = np.linspace(-end + .35, end - .2, 9)
    for low, high in pairwise(posts.tolist()):
        mesh.flank(half + .015, (1.32, tall - .55), (low + .07, high - .07), glass)
    for z in (end - 1.3, -0.2):
        mesh.flank(half + .02, (.38, tall - .5), (z - 1.1, z), scaled(glass, 1.25))
        mesh.flank(half + .025, (.38, tall - .5), (z - .58, z - .5), DARK)
    hub = gray(rng, 110, 190)
    for z in (-end + 2.6, end - 2.8):
        mesh.wheel(half + .03, z, .48, hub)
    mesh.pane((half, .98, end), (half, tall - .35, end), glass, .01)
    mesh.flat((-half + .2, half - .2), (tall - .42, tall - .12), end + .02, (20, 18, 18))
    mesh.flat((-half + .5, half - .5), (tall - .36, tall - .18), end + .03, (40, 170, 250), 0.8)
    mesh.flat((-half + .2, half - .2), (1.55, tall - .5), -end - .01, glass)
    mesh.flat((-half + .3, half - .3), (.6, 1.3), -end - .01, scaled(color, 0.65))
    glow = 0.9 if lit else 0.35
    for sign in (-1, 1):
        low, high = sorted((sign * (half - .5), sign * (half - .1)))
        mesh.flat((low, high), (.62, .82), end + .02, HEADLIGHT, glow)
        low, high = sorted((sign * (half - .25), sign * (half - .06)))
        mesh.flat((low, high), (.75, 1.35), -end - .02, TAIL_LIGHT, glow)
    mesh.flat((-half, half), (.32, .45), end + .02, DARK)
    mesh.flat((-half, half), (.32, .45), -end - .02, DARK)
    return Vehicle(Kind.BUS, [(0, mesh)], length, 2 * half, tall)


def tram(rng: np.random.Generator, lit: bool) -> Vehicle:
    """Draw a tram: jointed cars with sloped noses and a skirt down to the rails."""
    cars = int(rng.integers(2, 4))
    segment, half, tall = 9.0, 1.22, rng.uniform(3.25, 3.5)
    length = cars * segment
    color = hue(rng, (0.45, 0.95), (0.4, 0.9))
    upper = gray(rng, 200, 245) if rng.random() < 0.6 else scaled(color, 1.15)
    bodies = []
    for index in range(cars):
        start = -length / 2 + index * segment
        first, last = index == 0, index == cars - 1
        bodies.append((start + segment / 2, _tram_car(start, start + segment, first, last, half,
                                                      tall, color, upper, lit, rng)))
    return Vehicle(Kind.TRAIN, bodies, length, 2 * half, tall)


def _tram_car(start: float, end: float, first: bool, last: bool, half: float, tall: float,
              color: Albedo, upper: Albedo, lit: bool, rng: np.random.Generator) -> Mesh:
    glass = gray(rng, 40, 75)
    mesh = Mesh((0, tall / 2, (start + end) / 2))
    back, front = start + (.0 if first else .25), end - (.0 if last else .25)
    slope_back, slope_front = (.9 if first else 0.), (.9 if last else 0.)
    mesh.prism([(back, .18), (back, 1.25), (back + slope_back, tall), (front - slope_front, tall),
                (front, 1.25), (front, .18)], [half] * 6, upper,
               [color, color if first else DARK, upper, color if last else DARK, color])
    for is_end, z, slope, out in ((last, front, -slope_front, .01),
                                  (first, back, slope_back, -.01)):
        if is_end:
            mesh.pane((half, 1.15, z), (half, tall, z + slope), glass, out)
    if not last:
        mesh.flank(half - .08, (.3, tall - .1), (front - .02, front + .5), DARK)
    mesh.flank(half + .005, (.18, 1.15), (back, front), color)
    mesh.flank(half + .006, (.18, .34), (back, front), DARK)
    low, high = back + slope_back + .2, front - slope_front - .2
    posts = np.linspace(low, high, 6)
    door = int(rng.integers(1, 4))
    for i, (a, b) in enumerate(pairwise(posts.tolist())):
        bottom = .42 if i == door else 1.35
        mesh.flank(half + .01, (bottom, tall - .6), (a + .08, b - .08), glass)
    glow = 0.95 if lit else 0.5
    for is_end, z, lamp in ((last, front + .02, HEADLIGHT), (first, back - .02, TAIL_LIGHT)):
        if is_end:
            mesh.flat((-half + .1, half - .1), (.3, .5), z, DARK)
            mesh.flat((-.8, -.5), (.68, .92), z, lamp, glow)
            mesh.flat((.5, .8), (.68, .92), z, lamp, glow)
            mesh.flat((-.6, .6), (1.0, 1.2), z, (30, 170, 245), 0.7)
    return mesh
