"""Trees with branches and irregular crowns, bare trees, conifers and poplars."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import cv2
import numpy as np

from ..camera import NEAR, Floats
from ..classes import Kind
from ..view import View
from .actor import Actor, Place
from .planes import Texture, pyramid
from .vegetation import leaf_color

_SIZE = 320
_FORMS = ('broad', 'broad', 'round', 'poplar', 'conifer', 'airy', 'bare', 'bush')
_VARIANTS = 7


@lru_cache(maxsize=len(_FORMS) * _VARIANTS)
def tree_sprites(form: int, variant: int) -> tuple[list[Texture], list[Texture]]:
    """Return wood and leaves of a tree, each a pyramid of grey textures (h, w, 4) with masks."""
    rng = np.random.default_rng([21, form, variant])
    wood = np.full((_SIZE, _SIZE, 2), (110, 0), np.uint8)
    leaves = np.full((_SIZE, _SIZE, 2), (70, 0), np.uint8)
    name = _FORMS[form]
    if name == 'conifer':
        _conifer(rng, wood, leaves)
    elif name == 'bush':
        tips = np.stack([rng.normal(.5, .17, 60), 1.02 - abs(rng.normal(0, .33, 60))], 1)
        _clusters(rng, leaves, tips, .09, 1.0)
    else:
        tips = _branches(rng, wood, name)
        if name != 'bare':
            size = {'broad': .075, 'round': .095, 'poplar': .06, 'airy': .042}[name]
            _clusters(rng, leaves, tips, size, .55 if name == 'airy' else .95)
    grain = rng.uniform(.75, 1.2, (_SIZE, _SIZE))
    wood[..., 0] = np.clip(wood[..., 0] * grain, 0, 255)
    leaves[..., 0] = np.clip(leaves[..., 0] * (.5 + .5 * grain), 0, 255)
    return tuple(pyramid(np.ascontiguousarray(picture[..., [0, 0, 0, 1]]), 4)  # type: ignore[return-value]
                 for picture in (wood, leaves))


def _branches(rng: np.random.Generator, wood: Texture, name: str) -> Floats:
    """Draw trunk and branches; return where leaves grow (N, 2), in shares of the texture."""
    fork = rng.uniform(.62, .78) if name != 'poplar' else .9
    spread = .26 if name == 'poplar' else rng.uniform(.45, .65)
    tips: list[tuple[float, float]] = []
    most = 6 if name == 'bare' else 5

    def grow(x: float, y: float, angle: float, length: float, thick: float, level: int) -> None:
        x1, y1 = x + length * np.sin(angle), y - length * np.cos(angle)
        tone = int(rng.uniform(75, 150))
        ends = [(int(x * _SIZE), int(y * _SIZE)), (int(x1 * _SIZE), int(y1 * _SIZE))]
        cv2.line(wood, ends[0], ends[1], (tone, 255), max(1, round(thick * _SIZE)))
        if level >= 3:
            tips.append((x1, y1))
        if level >= most or not .02 < y1 < 1 or not .03 < x1 < .97:
            return
        count = 3 if level in (0, 2) else 2
        for turn in np.linspace(-spread, spread, count) + rng.normal(0, .2, count):
            grow(x1, y1, angle * .9 + float(turn), length * rng.uniform(.66, .9), thick * .62,
                 level + 1)

    if name == 'poplar':
        for y in np.linspace(.92, .08, 16):
            for sign in (-1, 1):
                grow(.5, float(y), sign * .25, .09, .012, 3)
        cv2.line(wood, (_SIZE // 2, _SIZE), (_SIZE // 2, _SIZE // 6), (100, 255), 9)
    else:
        thick = rng.uniform(.035, .06)
        x = .5 + rng.normal(0, .01)
        points = np.array([[.5 - thick * .75, 1], [.5 + thick * .75, 1], [x + thick / 2, fork],
                           [x - thick / 2, fork]]) * _SIZE
        cv2.fillConvexPoly(wood, points.astype(np.int32), (110, 255))
        points[[1, 2], 0] -= thick * .7 * _SIZE
        cv2.fillConvexPoly(wood, points.astype(np.int32), (80, 255))
        grow(float(x), float(fork), rng.normal(0, .06), rng.uniform(.13, .2), thick * .8, 0)
    return np.array(tips)


def _clusters(rng: np.random.Generator, leaves: Texture, tips: Floats, size: float,
              keep: float) -> None:
    """Draw clusters of leaves, dark below and light above."""
    tips = tips[rng.random(len(tips)) < keep]
    tips = tips[(abs(tips[:, 0] - .5) < .5 - size) & (tips[:, 1] > size)]
    tips = tips[np.argsort(tips[:, 1])[::-1]]
    for tone, lift, scale in ((62, .3, 1.0), (105, -.05, .85), (150, -.45, .6)):
        stamps = [_stamp(rng, max(4, int(1.5 * size * scale * _SIZE))) for _ in range(8)]
        for x, y in tips.tolist():
            stamp = stamps[rng.integers(8)]
            half = len(stamp) // 2
            column = int(x * _SIZE + rng.normal(0, .25) * half) - half
            row = int((y + lift * size) * _SIZE + rng.normal(0, .25) * half) - half
            x0, y0 = max(0, column), max(0, row)
            below = leaves[y0:row + len(stamp), x0:column + len(stamp)]
            part = stamp[y0 - row:y0 - row + below.shape[0], x0 - column:
                         x0 - column + below.shape[1]]
            value = tone * rng.uniform(.8, 1.2) * (1.15 - .35 * y)
            below[..., 0] = np.where(part > 0, np.clip(part * value, 0, 255), below[..., 0])
            below[..., 1] |= np.where(part > 0, 255, 0).astype(np.uint8)


def _stamp(rng: np.random.Generator, half: int) -> Floats:
    """Return a cluster of leaves (n, n): how light each is, and 0 beside them."""
    size = 2 * half + 1
    stamp = np.zeros((size, size), np.float32)
    for _ in range(22):
        x, y = (half + rng.normal(0, .36, 2) * half).astype(int).tolist()
        axes = (max(1, int(rng.uniform(.1, .24) * half)),
                max(1, int(rng.uniform(.06, .14) * half)))
        cv2.ellipse(stamp, (x, y), axes, int(rng.integers(180)), 0, 360,
                    rng.uniform(.7, 1.25) * (1.2 - .4 * y / size), -1)
    return np.asarray(stamp, np.float64)


def _conifer(rng: np.random.Generator, wood: Texture, leaves: Texture) -> None:
    cv2.line(wood, (_SIZE // 2, _SIZE), (_SIZE // 2, _SIZE // 2), (85, 255), 9)
    low = rng.uniform(.86, .97)
    for share in np.linspace(1, 0, 46):
        y = .03 + (low - .03) * share
        reach = (.06 + .4 * share) * rng.uniform(.75, 1.05)
        for end in (np.linspace(-1, 1, 9) + rng.normal(0, .12, 9)).tolist():
            tip = (int((.5 + end * reach) * _SIZE), int((y + .05 * abs(end)) * _SIZE))
            cv2.line(leaves, (int((.5 + .3 * end * reach) * _SIZE), int((y - .03) * _SIZE)), tip,
                     (int(rng.uniform(45, 135)), 255), int(rng.integers(2, 6)))


class Tree(Actor):
    """A tree or a tall bush of some form, turned to the camera."""

    kinds = (Kind.VEGETATION,)
    shadow = 0.75

    def __init__(self, rng: np.random.Generator, form: str | None = None,
                 scale: float = 1.0) -> None:
        name = form or str(rng.choice(_FORMS[:-1]))
        self.sprites = tree_sprites(_FORMS.index(name), int(rng.integers(_VARIANTS)))
        self.turned = bool(rng.random() < 0.5)
        self.color = np.array(leaf_color(rng)) * rng.uniform(.7, 1.15)
        if name == 'conifer':
            self.color = np.array([.45, .7, .45]) * rng.uniform(.5, 1.0)
        self.bark = np.array([.34, .42, .5]) * rng.uniform(.5, 1.7)
        self.tall = scale * (rng.uniform(1.0, 2.6) if name == 'bush' else rng.uniform(6, 14))
        wide = {'poplar': .45, 'conifer': .6, 'bush': 1.3}.get(name, rng.uniform(.8, 1.05))
        self.across = self.tall * wide
        self.length = self.width = 0.5
        self.overhang = 0.55 * self.across + 0.2
        self.reach = 115.0 if name != 'bush' else 70.0
        self.bare = name == 'bare'

    def draw(self, view: View, place: Place, identities: Mapping[Kind, int]) -> None:
        """Draw the wood, then the leaves."""
        identity = identities[Kind.VEGETATION]
        foot = view.road.point(place.s, place.d, place.height)
        depth = view.depth(foot)
        if depth < NEAR + 1.0:
            return
        scale = view.camera.focal / depth
        x, y = view.camera.project(foot[None])[0]
        half, up = self.across * scale / 2, self.tall * scale
        if self.turned:
            half = -half
        corners = np.array([[x - half, y - up], [x + half, y - up], [x - half, y]])
        tone = view.tone(None, depth)
        level = 0
        while level < 3 and _SIZE >> (level + 1) >= 0.9 * up:
            level += 1
        for pyramids, gain in zip(self.sprites, (self.bark, self.color), strict=True):
            if pyramids is self.sprites[1] and self.bare:
                continue
            view.painter.sprite(pyramids[level], corners, np.stack([
                tone[:, 0] * gain * 1.25, tone[:, 1]], 1), identity)
