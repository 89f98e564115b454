"""Kinds of streets: how wide they are, how they bend, and what stands beside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from .road import LANE, Road, Side


class Layout(NamedTuple):
    """What a kind of street is made of."""

    share: float
    """How often it is drawn."""
    lots: Mapping[str, float]
    """Weights of what stands beside the road, by name in ``blocks.Blocks``."""
    floors: tuple[int, int]
    """Storeys of its houses, from and below."""
    crowd: float
    """How many persons there are, from 0 to 1."""
    parked: float
    """How full the parking strips are."""
    trees: float
    """Chance that trees stand in a row at the curb of a side."""
    traffic: float
    """How full the lanes are."""
    clutter: float
    """How much stands at the curb, from 0 to 1."""


LAYOUTS: Mapping[str, Layout] = {
    'classic': Layout(.2, {'row': 4, 'garden': 2, 'park': 1.5, 'yard': 2, 'street': 1},
                      (2, 7), .35, .6, .3, .7, .6),
    'narrow': Layout(.26, {'row': 9, 'street': .7, 'yard': .35, 'park': .15},
                     (3, 7), .5, .85, .3, .45, .9),
    'avenue': Layout(.24, {'row': 8, 'street': 1, 'yard': .5, 'park': .6, 'lot': .4},
                     (3, 7), .5, .75, .6, .75, .9),
    'suburb': Layout(.12, {'garden': 6, 'row': .6, 'yard': 1, 'park': .8, 'street': .6},
                     (1, 4), .2, .4, .35, .4, .45),
    'country': Layout(.06, {'field': 4, 'forest': 2.5, 'garden': .8, 'yard': .3},
                      (1, 3), .03, 0, .25, .4, .2),
    'walled': Layout(.06, {'yard': 6, 'forest': 1, 'row': 1, 'lot': 1}, (2, 5), .15, .4, .3, .6,
                     .5),
    'works': Layout(.06, {'lot': 4, 'row': 2, 'yard': 2, 'park': 1}, (1, 4), .25, .5, .2, .6,
                    .6),
}


def lay_out(seed: int, road: Road) -> Road:
    """Return the road of a drive with contents; some keep the road that plain drives have."""
    rng = np.random.default_rng([seed, 31])
    names = list(LAYOUTS)
    shares = np.array([layout.share for layout in LAYOUTS.values()])
    name = str(rng.choice(names, p=shares / shares.sum()))
    if name == 'classic':
        return replace(road, layout=name)
    length = rng.uniform([28, 60], [90, 200])
    slope = rng.uniform([0, 0], [.16, .12]) * rng.choice([.3, 1.0])
    bends = np.stack([slope * length, 1 / length, rng.uniform(0, 6.28, 2)], axis=1)
    one_way = name == 'narrow' and rng.random() < 0.5
    lane = rng.uniform(2.6, 3.3) if name in ('narrow', 'suburb') else rng.uniform(3.0, 3.6)
    counts = [1, 1] if name in ('narrow', 'suburb', 'country') or rng.random() < .55 else [2, 2]
    parks = rng.random() < {'narrow': .85, 'avenue': .65, 'suburb': .5}.get(name, .3)
    sides = [_side(rng, name, lane, count, bool(parks and rng.random() < .85), one_way)
             for count in counts]
    if one_way:
        sides = [replace(sides[0], lanes=(0.0,)), replace(sides[1], lanes=())]
    marked = rng.random() < {'narrow': .12, 'suburb': .4, 'walled': .6}.get(name, .85)
    return Road(sides[0], sides[1], 0.0, False,
                int(rng.integers(len(sides[0].lanes))), bends, name, bool(marked))


def _side(rng: np.random.Generator, name: str, lane: float, count: int, parks: bool,
          one_way: bool) -> Side:
    if count > 1:
        lane = LANE
    lanes = tuple(lane * (i + .5) for i in range(count))
    lanes_end = lane * count if not one_way else rng.uniform(1.6, 2.2)
    cycle = lanes_end - .35
    edge = lanes_end + .1
    if name in ('avenue', 'works') and rng.random() < .5:
        cycle, edge = lanes_end + .75, lanes_end + 1.6
    parking = None
    if parks:
        deep = 4.9 if name != 'narrow' and rng.random() < .22 else 2.15
        parking = edge + deep / 2
        edge += deep
    walk = rng.uniform(1.4, 4.2) if name == 'narrow' else rng.uniform(2.0, 6.5)
    if name == 'country':
        walk = 0.0 if rng.random() < .75 else 1.6
    if name in ('suburb', 'walled') and rng.random() < .25:
        walk = 0.0
    sidewalk_end = edge + walk
    verge = {'suburb': .6, 'country': 1.0, 'walled': .4, 'works': .5, 'avenue': .15}.get(name, .0)
    verge_end = sidewalk_end + (rng.uniform(.6, 3.5) if rng.random() < verge else 0.0)
    return Side(lanes, lanes_end, cycle, parking, edge, sidewalk_end, verge_end)
