"""Ground floors of house fronts: shops, doors, gates, plinths, paint on the wall."""

from __future__ import annotations

import cv2
import numpy as np

from .paint import Albedo, gray, hue, scaled
from .planes import Texture
from .windows import WindowStyle, draw_style, draw_window


def draw_ground_floor(rng: np.random.Generator, picture: Texture, top: int, wall: Albedo,
                      lit: bool, density: float) -> None:
    """Draw the ground floor of a house front from the row ``top`` down."""
    height, width = picture.shape[:2]
    axes = max(2, round(width / density / rng.uniform(2.0, 3.8)))
    pitch = width / axes
    shop = rng.random() < 0.42
    door = int(rng.integers(axes))
    style = draw_style(rng, wall, density)
    if rng.random() < 0.35:
        tone = scaled(wall, rng.uniform(.55, 1.15)) if rng.random() < 0.7 else gray(rng, 60, 200)
        cv2.rectangle(picture, (0, top), (width, height), tone, -1)
        if rng.random() < 0.5:
            for y in range(top, height, int(.42 * density)):
                cv2.line(picture, (0, y), (width, y), scaled(tone, .7), 1)
    plinth = int(rng.uniform(.2, 1.0) * density)
    cv2.rectangle(picture, (0, height - plinth), (width, height), scaled(
        wall, rng.uniform(.45, .9)), -1)
    for axis in range(axes):
        left, right = int(axis * pitch + .12 * pitch), int((axis + 1) * pitch - .12 * pitch)
        if axis == door:
            _door(rng, picture, (left, right), top, style, density)
        elif shop:
            _shop_window(rng, picture, (left, right), top, lit, density)
        elif rng.random() < 0.1:
            gate = hue(rng, (.05, .6), (.2, .8))
            cv2.rectangle(picture, (left, top + int(.8 * density)), (right, height), gate, -1)
            for y in range(top + int(.8 * density), height, int(.35 * density)):
                cv2.line(picture, (left, y), (right, y), scaled(gate, .75), 1)
        else:
            y1 = height - int(rng.uniform(.8, 1.2) * density)
            half = int(min(right - left, rng.uniform(.9, 1.8) * density) / 2)
            middle = (left + right) // 2
            draw_window(rng, picture, (middle - half, top + int(.7 * density), middle + half, y1),
                        style, lit)
    if shop:
        _sign_band(rng, picture, top, density)
    if rng.random() < 0.2:
        _graffiti(rng, picture, density)


def _door(rng: np.random.Generator, picture: Texture, span: tuple[int, int], top: int,
          style: WindowStyle, density: float) -> None:
    height = picture.shape[0]
    middle = sum(span) // 2
    half = int(min(span[1] - span[0], rng.uniform(1.0, 2.0) * density) / 2)
    head = max(top + 4, height - int(rng.uniform(2.2, 3.2) * density))
    leaf = hue(rng, (.1, .8), (.12, .7)) if rng.random() < 0.6 else gray(rng, 25, 220)
    rim = style.surround or style.frame
    border = max(2, style.border)
    cv2.rectangle(picture, (middle - half - border, head - border), (middle + half + border,
                                                                     height), rim, -1)
    cv2.rectangle(picture, (middle - half, head), (middle + half, height), scaled(leaf, .6), -1)
    cv2.rectangle(picture, (middle - half + 2, head + 3), (middle + half, height), leaf, -1)
    if rng.random() < 0.6:
        light = head + int(.4 * density)
        cv2.rectangle(picture, (middle - half + 3, head + 3), (middle + half - 3, light),
                      style.glass, -1)
    for sign in (-1, 1):
        x = middle + sign * half // 2
        y = height - int(1.3 * density)
        cv2.rectangle(picture, (x - half // 4, y - int(.4 * density)), (x + half // 4,
                      y + int(.4 * density)), style.glass if rng.random() < 0.5
                      else scaled(leaf, .8), -1)
    step = gray(rng, 90, 190)
    for i in range(int(rng.integers(0, 4))):
        y = height - int(.16 * density * i)
        cv2.rectangle(picture, (middle - half - 3, y - int(.15 * density)),
                      (middle + half + 3, y), scaled(step, 1 - .12 * i), -1)


def _shop_window(rng: np.random.Generator, picture: Texture, span: tuple[int, int], top: int,
                 lit: bool, density: float) -> None:
    height = picture.shape[0]
    y0, y1 = top + int(.55 * density), height - int(rng.uniform(.05, .6) * density)
    x0, x1 = span
    frame = gray(rng, 20, 230)
    level = rng.uniform(20, 110)
    pane: Albedo = (level, level, level) if not lit else (140, 205, 250)
    cv2.rectangle(picture, (x0, y0), (x1, y1), frame, -1)
    cv2.rectangle(picture, (x0 + 3, y0 + 3), (x1 - 3, y1 - 3), pane, -1)
    for _ in range(int(rng.integers(2, 9))):        # goods, posters and what the pane reflects
        x, y = int(rng.integers(x0 + 3, x1 - 4)), int(rng.integers(y0 + 3, y1 - 4))
        wide, tall = int(rng.uniform(.15, .8) * density), int(rng.uniform(.15, .8) * density)
        cv2.rectangle(picture, (x, y), (min(x + wide, x1 - 3), min(y + tall, y1 - 3)),
                      hue(rng, (.0, .8), (.15, .95)), -1)
    shine = picture[y0 + 3:y1 - 3, x0 + 3:x1 - 3]
    share = rng.uniform(.1, .65)
    light = np.linspace(rng.uniform(80, 230), rng.uniform(30, 120), len(shine))[:, None, None]
    shine[:] = (shine * (1 - share) + light * share).astype(np.uint8)
    cv2.line(picture, ((x0 + x1) // 2, y0), ((x0 + x1) // 2, y1), frame, 2)


def _sign_band(rng: np.random.Generator, picture: Texture, top: int, density: float) -> None:
    width = picture.shape[1]
    y0, y1 = top - int(.1 * density), top + int(rng.uniform(.35, .6) * density)
    board = hue(rng, (.2, .95), (.1, .95)) if rng.random() < 0.7 else gray(rng, 20, 240)
    x0 = int(rng.uniform(0, .3) * width)
    x1 = int(rng.uniform(.7, 1) * width)
    cv2.rectangle(picture, (x0, y0), (x1, y1), board, -1)
    letters = gray(rng, 200, 250) if sum(board) < 380 else gray(rng, 10, 70)
    x, high = x0 + int(rng.uniform(.2, 2) * density), y1 - y0
    for _ in range(int(rng.integers(4, 12))):
        wide = int(rng.uniform(.12, .3) * density)
        cv2.rectangle(picture, (x, y0 + high // 4), (min(x + wide, x1), y1 - high // 4), letters,
                      int(rng.choice([-1, 1, 2])))
        x += wide + 3
        if x > x1 - density / 3:
            break
    if rng.random() < 0.3:
        first, second = hue(rng, (.3, .9), (.4, .95)), gray(rng, 190, 245)
        low = y1 + int(rng.uniform(.4, .8) * density)
        step = int(rng.uniform(.2, .6) * density)
        for i, x in enumerate(range(x0, x1, step)):
            cv2.rectangle(picture, (x, y1), (min(x + step, x1), low), second if i % 2 else first,
                          -1)
        under = picture[low:low + int(.4 * density), x0:x1]
        under[:] = (under * .55).astype(np.uint8)


def _graffiti(rng: np.random.Generator, picture: Texture, density: float) -> None:
    height, width = picture.shape[:2]
    for _ in range(int(rng.integers(1, 4))):
        start = np.array([rng.uniform(0, width), height - rng.uniform(.6, 1.7) * density])
        curve = start + np.cumsum(rng.normal(0, .22 * density, (9, 2)) + (.15 * density, 0), 0)
        cv2.polylines(picture, [curve.astype(np.int32)], False, hue(rng, (.0, .9), (.1, .95)),
                      int(rng.integers(2, 6)))
