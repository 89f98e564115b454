"""What surfaces are made of: a pattern and a colour for each kind and for each object."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .camera import Floats
from .classes import Kind
from .patterns import Pattern
from .variety import Variety

_BONNET = -1
_P = Pattern
# patterns, contrast of the pattern, contrast of stains
_MADE_OF: dict[int, tuple[tuple[Pattern, ...], tuple[float, float], tuple[float, float]]] = {
    Kind.ROAD: ((_P.ASPHALT, _P.ASPHALT, _P.ASPHALT, _P.COBBLES, _P.PINK), (.06, .30), (.04, .22)),
    Kind.SIDEWALK: ((_P.SLABS, _P.PAVERS, _P.COBBLES, _P.ASPHALT, _P.PAVERS), (.08, .28),
                    (.05, .25)),
    Kind.TERRAIN: ((_P.GRASS, _P.GRASS, _P.LEAVES), (.15, .45), (.1, .35)),
    Kind.BUILDING: ((_P.BRICK, _P.PLASTER, _P.PLASTER, _P.ASHLAR, _P.PINK, _P.POSTERS),
                    (.06, .30), (.04, .22)),
    Kind.WALL: ((_P.BRICK, _P.ASHLAR, _P.PLASTER, _P.POSTERS, _P.COBBLES), (.1, .4), (.05, .25)),
    Kind.FENCE: ((_P.SHEETS, _P.PINK, _P.LEAVES), (.08, .35), (.05, .25)),
    Kind.POLE: ((_P.PINK, _P.BARK, _P.PLASTER), (.05, .25), (.05, .2)),
    Kind.TRAFFIC_LIGHT: ((_P.PINK, _P.GLOSS), (.03, .15), (.02, .1)),
    Kind.TRAFFIC_SIGN: ((_P.PINK, _P.GLOSS, _P.POSTERS), (.02, .16), (.02, .1)),
    Kind.VEGETATION: ((_P.LEAVES, _P.LEAVES, _P.LEAVES, _P.GRASS), (.25, .65), (.1, .4)),
    Kind.SKY: ((_P.CLOUDS,), (0, .3), (0, .15)),
    Kind.PERSON: ((_P.FOLDS, _P.FOLDS, _P.CHECKS, _P.POSTERS), (.1, .4), (.05, .2)),
    Kind.RIDER: ((_P.FOLDS, _P.FOLDS, _P.CHECKS, _P.POSTERS), (.1, .4), (.05, .2)),
    Kind.CAR: ((_P.GLOSS, _P.GLOSS, _P.PINK), (.08, .38), (.03, .18)),
    Kind.TRUCK: ((_P.GLOSS, _P.SHEETS, _P.POSTERS), (.08, .35), (.03, .18)),
    Kind.BUS: ((_P.GLOSS, _P.GLOSS, _P.POSTERS), (.08, .35), (.03, .18)),
    Kind.TRAIN: ((_P.GLOSS, _P.GLOSS, _P.POSTERS), (.08, .35), (.03, .18)),
    Kind.MOTORCYCLE: ((_P.GLOSS, _P.PINK), (.1, .4), (.03, .18)),
    Kind.BICYCLE: ((_P.PINK, _P.GLOSS), (.05, .25), (.03, .18)),
    _BONNET: ((_P.GLOSS, _P.CLOUDS), (.1, .4), (.05, .2)),
}
_ALIKE = (Kind.ROAD, Kind.SIDEWALK, Kind.TERRAIN, Kind.SKY)
"""Kinds that look the same all along a drive."""
_RISE: dict[int, float] = {
    Kind.VEGETATION: 0.1, Kind.PERSON: 0.3, Kind.RIDER: 0.3, Kind.CAR: 0.5, Kind.TRUCK: 0.1,
    Kind.BUS: 0.1, Kind.TRAIN: 0.1, Kind.MOTORCYCLE: 0.5, Kind.BICYCLE: 0.4}
"""How much lighter things may be per metre of height."""
_TABLE = 1021


@dataclass(frozen=True)
class Material:
    """What a surface looks like in even light."""

    pattern: Pattern
    scale: float
    """How much larger than usual the pattern is."""
    contrast: float
    stains: float
    tint: Floats
    """(3,) colour of the stains."""
    paint: Floats
    """(3,) light of a colour, from 0 to 1."""
    share: float
    """Share of the paint in place of the object's own colour."""
    gain: Floats
    """(3,) factor of each channel."""
    rise: float
    """How much lighter it is per metre of height."""
    mirror: float
    """How much light its dark parts mirror."""
    hole: float
    """Level of the pattern from which on one sees what is behind; large: nowhere."""
    shift: Floats
    """(2,) metres."""


class Materials:
    """The materials of one drive."""

    def __init__(self, seed: int, variety: Variety) -> None:
        rng = np.random.default_rng([seed, 11])
        self.variety = variety
        self.wild = variety.random and bool(rng.random() < 0.25)
        """Whether colours and patterns go beyond what is plausible."""
        self._table = rng.random((_TABLE, 24))
        self._strength = rng.uniform(0.5, 1.7)
        self.worn = rng.uniform(0, 0.9) if rng.random() < 0.7 else 0.0
        """How worn the markings of the road are."""
        self._leafy = rng.uniform(0.7, 2.2)
        self._spread = rng.uniform(0.1, 1.0)
        self._known: dict[tuple[int, int], Material] = {}

    def of(self, kind: int, key: int) -> Material:
        """Return the material of an object; its key is any number that stays the same."""
        if kind in _ALIKE:
            key = 0
        number = (key * 7919 + (kind + 1) * 104729) % _TABLE
        if (kind, number) not in self._known:
            self._known[kind, number] = self._draw(kind, self._table[number])
        return self._known[kind, number]

    def _draw(self, kind: int, r: Floats) -> Material:
        patterns, contrasts, stains = _MADE_OF[kind]
        pattern = patterns[int(r[0] * len(patterns))]
        contrast = contrasts[0] + (contrasts[1] - contrasts[0]) * r[1] * self._strength
        stain = stains[0] + (stains[1] - stains[0]) * r[2] * min(self._strength, 1.0)
        scale = 2.0 ** (1.2 * (r[3] - 0.5))
        if not self.variety.textures:
            contrast = stain = 0.0
        hole = 1e9
        if kind == Kind.VEGETATION and self.variety.textures and r[4] < 0.5 * self._leafy:
            hole = 1.7 + 1.5 * r[5]
        gain = np.ones(3)
        paint, share = np.zeros(3), 0.0
        if self.variety.random:
            gain = np.exp((r[6] - 0.5) * 0.9 * self._spread
                          + (r[7:10] - 0.5) * 0.35 * self._spread)
            if kind in (Kind.PERSON, Kind.RIDER):
                gain = np.exp((r[6] - 0.7) * 1.6 * self._spread) * gain ** 0.5
            if self.wild and kind != Kind.SKY:
                pattern, contrast = Pattern(int(r[10] * len(Pattern))), 0.5 * r[11] ** 1.5
                stain, scale = 0.5 * r[12] ** 2, 2.0 ** (3 * (r[13] - 0.5))
                share = 0.85 * r[14] if r[15] < 0.6 else 0.0
                paint = np.clip(r[16] ** 2 + (r[17:20] - 0.5) * 0.5 * r[20], 0.01, 1.0)
            elif kind in (Kind.ROAD, Kind.SIDEWALK, Kind.BUILDING, Kind.WALL) and r[15] < 0.3:
                share = 0.7 * r[14]
                paint = np.clip((0.03 + 0.75 * r[16] ** 2) * (1 + (r[17:20] - 0.5) * 0.5), 0, 1)
            elif kind == Kind.VEGETATION and r[15] < 0.4:
                share = 0.7 * r[14]     # dark green, olive, yellow, red
                paint = np.array([0.02 + 0.05 * r[17], 0.05 + 0.16 * r[16],
                                  0.03 + 0.30 * r[16] * r[18]])
        rise = mirror = 0.0
        if self.variety.textures:
            rise = _RISE.get(kind, 0.0) * r[22]
            if kind == Kind.BUILDING or kind >= Kind.CAR or kind == _BONNET:
                mirror = 0.14 * r[23] ** 2
            elif kind == Kind.ROAD and r[23] > 0.85:        # wet
                mirror = 0.07
        tint = (r[21:24] - 0.5) * 0.25 * (stain > 0) * (kind != Kind.SKY)
        return Material(pattern, scale, contrast, stain, tint, paint, share, gain, rise,
                        mirror, hole,
                        64 * r[17:19] + 3 * r[4:6])
