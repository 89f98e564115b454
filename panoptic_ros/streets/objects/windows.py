"""Windows of house fronts: frames, mullions, shutters, blinds, arches, balconies."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from .paint import Albedo, gray, hue, scaled
from .planes import Texture

Pixels = tuple[int, int, int, int]
"""x0, y0, x1, y1."""


class WindowStyle(NamedTuple):
    """What the windows of one house have in common; lengths in pixels."""

    frame: Albedo
    surround: Albedo | None
    border: int
    arch: float
    """Height of the arch as a share of the window's width."""
    columns: int
    transom: float
    """Height of the bar across, as a share from the top; 0 without one."""
    shutters: Albedo | None
    blinds: float
    """Share of the windows whose blind is let down in part."""
    blind: Albedo
    glass: Albedo
    sky: Albedo
    """What the panes reflect."""
    balcony: Albedo | None
    solid: bool
    """Whether balconies have a parapet in place of bars."""
    boxes: bool
    """Whether flowers stand before some windows."""


def draw_style(rng: np.random.Generator, wall: Albedo, density: float) -> WindowStyle:
    """Draw a style that suits a wall."""
    pale = rng.random() < 0.65
    surround = None
    if rng.random() < 0.6:
        surround = scaled(wall, rng.uniform(1.1, 1.5)) if rng.random() < 0.6 else gray(
            rng, 120, 235)
    level = rng.uniform(22, 95)
    sky = rng.uniform(90, 235)
    return WindowStyle(
        gray(rng, 190, 250) if pale else hue(rng, (.1, .7), (.15, .6)), surround,
        int(rng.uniform(.06, .22) * density) + 1,
        float(rng.choice([0, 0, 0, .14, .5], p=[.3, .2, .2, .2, .1])),
        int(rng.choice([1, 2, 2, 3])), float(rng.choice([0, .26, .34, .5])),
        hue(rng, (.15, .7), (.2, .75)) if rng.random() < 0.2 else None,
        float(rng.choice([0, .15, .5])), gray(rng, 130, 235),
        (level * rng.uniform(1, 1.25), level * 1.05, level), (sky * 1.04, sky, sky * .94),
        (gray(rng, 30, 230) if rng.random() < 0.7 else scaled(wall, .9))
        if rng.random() < 0.35 else None, bool(rng.random() < 0.35), bool(rng.random() < 0.15))


def draw_window(rng: np.random.Generator, picture: Texture, box: Pixels, style: WindowStyle,
                lit: bool) -> None:
    """Draw one window into the picture of a house front."""
    x0, y0, x1, y1 = box
    wide = x1 - x0
    if wide < 4 or y1 - y0 < 6:
        return
    border = style.border
    rise = int(style.arch * wide)
    if style.surround is not None:
        _opening(picture, (x0 - border, y0 - border, x1 + border, y1 + 1), rise, style.surround)
        cv2.rectangle(picture, (x0 - border - 2, y1), (x1 + border + 2, y1 + max(2, border // 2)),
                      scaled(style.surround, 1.08), -1)
    sill = y1 + max(2, border // 2)
    cv2.line(picture, (x0 - border, sill + 1), (x1 + border, sill + 1),
             _darker(picture, x0, min(sill + 2, picture.shape[0] - 1)), 2)
    _opening(picture, (x0, y0, x1, y1), rise, style.frame)
    edge = max(1, wide // 14)
    shade = rng.uniform(.65, 1.5)
    pane: Albedo = scaled(style.glass, shade)
    if lit and rng.random() < 0.4:
        pane = (110 * shade, 185 * min(shade, 1.3), 245)
    _opening(picture, (x0 + edge, y0 + edge, x1 - edge, y1 - edge), rise, pane)
    inner = (x0 + edge, y0 + edge + rise, x1 - edge, y1 - edge)
    kind = rng.random()
    if kind < 0.35:
        _reflect(rng, picture, inner, style.sky)
    elif kind < 0.6:
        part = int((inner[2] - inner[0]) * rng.uniform(.15, .45))
        for side in (inner[0], inner[2] - part):
            cv2.rectangle(picture, (side, inner[1]), (side + part, inner[3]),
                          gray(rng, 120, 215), -1)
    if rng.random() < style.blinds:
        low = inner[1] - rise // 2 + int((inner[3] - inner[1]) * rng.choice([.3, .5, .75, 1.0]))
        cv2.rectangle(picture, (inner[0], inner[1] - rise // 2), (inner[2], low), style.blind, -1)
        for y in range(inner[1] - rise // 2, low, 4):
            cv2.line(picture, (inner[0], y), (inner[2], y), scaled(style.blind, .85), 1)
    thick = max(1, edge)
    for i in range(1, style.columns):
        x = x0 + i * wide // style.columns
        cv2.line(picture, (x, y0 + rise // 2), (x, y1), style.frame, thick)
    if style.transom:
        y = int(y0 + style.transom * (y1 - y0))
        cv2.line(picture, (x0, y), (x1, y), style.frame, thick)
    deep = max(1, edge)
    cv2.rectangle(picture, (x0, y0 + rise), (x0 + deep, y1), scaled(style.frame, .45), -1)
    if not rise:
        cv2.rectangle(picture, (x0, y0), (x1, y0 + deep), scaled(style.frame, .4), -1)
    _attach(rng, picture, box, style)


def _attach(rng: np.random.Generator, picture: Texture, box: Pixels, style: WindowStyle) -> None:
    x0, y0, x1, y1 = box
    wide = x1 - x0
    if style.shutters is not None:
        leaf = wide // 2
        for low in (x0 - leaf - 2, x1 + 2):
            cv2.rectangle(picture, (low, y0), (low + leaf, y1), style.shutters, -1)
            for y in range(y0 + 2, y1, 4):
                cv2.line(picture, (low + 2, y), (low + leaf - 2, y), scaled(style.shutters, .75),
                         1)
    if style.boxes and rng.random() < 0.6:
        count = max(3, wide // 3)
        for x, y in zip(rng.integers(x0, x1, count).tolist(),
                        rng.integers(y1 - 6, y1 + 3, count).tolist(), strict=True):
            cv2.circle(picture, (x, y), 3, hue(rng, (.4, .9), (.4, .9)) if rng.random() < 0.4
                       else (50, 110, 70), -1)


def draw_balcony(rng: np.random.Generator, picture: Texture, box: Pixels,
                 style: WindowStyle, density: float) -> None:
    """Draw a balcony before a window that reaches down to its floor."""
    if style.balcony is None:
        return
    x0, _, x1, y1 = box
    out = int(.35 * density)
    left, right = x0 - out, x1 + out
    rail = y1 - int(.95 * density)
    shadow = picture[y1:y1 + int(.6 * density), max(0, left):right]
    shadow[:] = (shadow * 0.6).astype(np.uint8)
    if style.solid:
        cv2.rectangle(picture, (left, rail), (right, y1), style.balcony, -1)
    else:
        for x in range(left, right, max(3, int(.13 * density))):
            cv2.line(picture, (x, rail), (x, y1), style.balcony, 1)
    cv2.rectangle(picture, (left, rail), (right, rail + 2), scaled(style.balcony, .8), -1)
    cv2.rectangle(picture, (left, y1 - 1), (right, y1 + max(2, int(.14 * density))),
                  gray(rng, 110, 200), -1)


def _opening(picture: Texture, box: Pixels, rise: int, color: Albedo) -> None:
    x0, y0, x1, y1 = box
    if not rise:
        cv2.rectangle(picture, (x0, y0), (x1, y1), color, -1)
        return
    cv2.rectangle(picture, (x0, y0 + rise), (x1, y1), color, -1)
    cv2.ellipse(picture, ((x0 + x1) // 2, y0 + rise), ((x1 - x0) // 2, rise), 0, 180, 360, color,
                -1)


def _reflect(rng: np.random.Generator, picture: Texture, box: Pixels, sky: Albedo) -> None:
    """Blend what is across the street into a pane: sky above, a ragged roofline below."""
    x0, y0, x1, y1 = box
    if x1 - x0 < 3 or y1 - y0 < 4:
        return
    pane = picture[y0:y1, x0:x1]
    share = rng.uniform(.3, .9) * np.linspace(1, rng.uniform(.1, 1), y1 - y0)[:, None, None]
    mirrored = pane * (1 - share) + np.array(sky) * share
    line = int((y1 - y0) * rng.uniform(.2, 1.0))
    mirrored[line:] *= rng.uniform(.3, .7)
    pane[:] = np.clip(mirrored, 0, 255).astype(np.uint8)


def _darker(picture: Texture, x: int, y: int) -> Albedo:
    blue, green, red = (0.6 * picture[y, min(max(x, 0), picture.shape[1] - 1)]).tolist()
    return blue, green, red
