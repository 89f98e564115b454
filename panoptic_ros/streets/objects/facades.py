"""House fronts of many kinds: materials, storeys, cornices, plinths, gables."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ..noise import fractal
from .paint import Albedo, gray, hue, scaled
from .planes import Texture
from .shops import draw_ground_floor
from .windows import draw_balcony, draw_style, draw_window

DENSITY = 26
"""Texture pixels per metre."""

_MATERIALS = ('plaster', 'brick', 'stone', 'panels', 'wood', 'timber')


def draw_front(rng: np.random.Generator, length: float, floors: int, lit: bool) -> Texture:
    """Return the texture (h, w, 3) of a house front of a length in metres."""
    storey = rng.uniform(2.8, 3.7)
    low = rng.uniform(3.0, 4.4)
    width, height = int(length * DENSITY), int((low + (floors - 1) * storey + .7) * DENSITY)
    wall = wall_color(rng)
    material = str(rng.choice(_MATERIALS, p=[.5, .17, .12, .1, .05, .06]))
    picture = draw_material(rng, (height, width), wall, material)
    ground = height - int(low * DENSITY)
    if rng.random() < 0.15:             # glass from side to side
        _curtain(rng, picture, ground, storey)
    else:
        _storeys(rng, picture, ground, storey, wall, lit)
    draw_ground_floor(rng, picture, ground, wall, lit, DENSITY)
    _ornament(rng, picture, ground, storey, wall)
    return picture


def draw_blank(rng: np.random.Generator, length: float, high: float) -> Texture:
    """Return the texture of a house wall without windows, or with a few small ones."""
    height, width = int(high * DENSITY), int(length * DENSITY)
    wall = wall_color(rng)
    material = str(rng.choice(_MATERIALS[:4], p=[.6, .25, .05, .1]))
    picture = draw_material(rng, (height, width), wall, material)
    style = draw_style(rng, wall, DENSITY)
    if rng.random() < 0.5:
        for _ in range(rng.integers(1, 7)):
            x, y = int(rng.uniform(.05, .85) * width), int(rng.uniform(.1, .7) * height)
            wide, tall = rng.uniform(.5, 1.1), rng.uniform(.7, 1.5)
            draw_window(rng, picture, (x, y, x + int(wide * DENSITY), y + int(tall * DENSITY)),
                        style, lit=False)
    if rng.random() < 0.3:
        blot = fractal(rng, (height, width), (60, 60), 3)[..., None]
        picture[:] = np.where(blot > 0.55, picture * 0.6 + np.array(hue(
            rng, (.2, .7), (.2, .7))) * 0.4, picture).astype(np.uint8)
    return picture


def wall_color(rng: np.random.Generator) -> Albedo:
    """Draw a wall's colour: mostly pale and warm, as plaster and stone are."""
    kind = rng.random()
    if kind < 0.3:
        return gray(rng, 80, 240)
    if kind < 0.7:
        level, warm = rng.uniform(110, 235), rng.uniform(.0, .4)
        return level * (1 - warm), level * (1 - .4 * warm), level
    if kind < 0.85:
        level = rng.uniform(60, 150)
        return level * rng.uniform(.35, .7), level * rng.uniform(.45, .75), level
    return hue(rng, (.08, .5), (.4, .95))


def draw_material(rng: np.random.Generator, shape: tuple[int, int], color: Albedo,
                  material: str) -> Texture:
    """Return a wall (h, w, 3) of plaster, brick, stone, panels, wood or timber framing."""
    height, width = shape
    coarse = fractal(rng, (height // 2, width // 2), (45, 30), 4, .7)
    field: npt.NDArray[np.float32] = np.asarray(cv2.resize(
        coarse.astype(np.float32), (width, height)), np.float32)
    field = np.float32(rng.uniform(.1, .35)) * (field - np.float32(.5)) + np.float32(1)
    if material == 'brick':
        course, long = int(rng.integers(2, 5)), int(rng.integers(6, 11))
        bricks = rng.uniform(.78, 1.2, (height // course + 1, width // long + 2)).astype('f4')
        field *= np.asarray(cv2.resize(bricks, None, fx=long, fy=course,
                                       interpolation=cv2.INTER_NEAREST))[:height, :width]
        field[::course] *= rng.choice([.8, 1.18])
    elif material == 'stone':
        rows, columns = int(rng.integers(9, 16)), int(rng.integers(18, 32))
        blocks = rng.uniform(.86, 1.12, (height // rows + 1, width // columns + 2)).astype('f4')
        field *= np.asarray(cv2.resize(blocks, None, fx=columns, fy=rows,
                                       interpolation=cv2.INTER_NEAREST))[:height, :width]
        field[::rows] *= .7
        for row in range(0, height, rows):
            shift = (row // rows % 2) * columns // 2
            field[row:row + rows, shift::columns] *= .75
    elif material == 'panels':
        field[::int(rng.integers(28, 84))] *= .65
        field[:, ::int(rng.integers(28, 110))] *= .65
    elif material == 'wood':
        step = int(rng.integers(3, 7))
        if rng.random() < 0.5:
            field[::step] *= .72
        else:
            field[:, ::step] *= .72
    dirt = np.linspace(1.04, rng.uniform(.8, 1.0), height)[:, None]
    field *= dirt.astype(np.float32)
    picture = np.asarray(cv2.merge([np.clip(field * tone, 0, 255).astype(np.uint8)
                                    for tone in color]))
    if material == 'timber':
        _beams(rng, picture)
    return picture


def _beams(rng: np.random.Generator, picture: Texture) -> None:
    height, width = picture.shape[:2]
    beam = scaled((35, 45, 62), rng.uniform(.6, 1.6))
    thick = int(.2 * DENSITY)
    step, storey = int(rng.uniform(.9, 1.5) * DENSITY), int(2.9 * DENSITY)
    for x in range(0, width, step):
        cv2.line(picture, (x, 0), (x, height), beam, thick)
        if rng.random() < 0.4:
            y = int(rng.integers(0, max(1, height // storey))) * storey
            cv2.line(picture, (x, y), (x + step, y + storey), beam, thick - 1)
    for y in range(0, height, storey):
        cv2.line(picture, (0, y), (width, y), beam, thick)


def _storeys(rng: np.random.Generator, picture: Texture, ground: int, storey: float,
             wall: Albedo, lit: bool) -> None:
    width = picture.shape[1]
    axes = max(2, round(width / DENSITY / rng.uniform(1.7, 3.6)))
    pitch = width / axes
    wide = min(rng.uniform(.85, 1.7) * DENSITY, .8 * pitch)
    tall = rng.uniform(1.3, 2.3) * DENSITY
    style = draw_style(rng, wall, DENSITY)
    floor_high = int(storey * DENSITY)
    above = rng.uniform(.3, .9) * DENSITY
    skipped = rng.random(axes) < 0.08
    columns = rng.random(axes) < 0.4
    for y_floor in range(ground, 10, -floor_high):
        y1 = int(y_floor - above)
        y0 = int(max(y1 - tall, y_floor - floor_high + .3 * DENSITY))
        if y0 < .25 * DENSITY:
            break
        if rng.random() < 0.2:
            cv2.rectangle(picture, (0, y_floor - 4), (width, y_floor), scaled(wall, 1.15), -1)
            cv2.line(picture, (0, y_floor + 1), (width, y_floor + 1), scaled(wall, .6), 2)
        for axis in np.flatnonzero(~skipped).tolist():
            middle = (axis + .5) * pitch
            box = (int(middle - wide / 2), y0, int(middle + wide / 2), y1)
            has_balcony = style.balcony is not None and columns[axis]
            if has_balcony:
                box = (box[0], y0, box[2], y_floor - 3)
            draw_window(rng, picture, box, style, lit)
            if has_balcony:
                draw_balcony(rng, picture, box, style, DENSITY)


def _curtain(rng: np.random.Generator, picture: Texture, ground: int, storey: float) -> None:
    """Draw bands or a grid of glass."""
    width = picture.shape[1]
    high = int(storey * DENSITY)
    step = int(rng.uniform(.8, 2.4) * DENSITY)
    post = gray(rng, 40, 220)
    band = int(rng.uniform(.1, .5) * high)
    level = rng.uniform(30, 120)
    for y in range(ground - high, 4 - high, -high):
        for x in range(0, width, step):
            tone = level * rng.uniform(.6, 1.5)
            cv2.rectangle(picture, (x, max(4, y + band)), (x + step, y + high - 1),
                          (tone * 1.15, tone * 1.05, tone), -1)
            if rng.random() < 0.2:
                cv2.rectangle(picture, (x, max(4, y + band)), (x + step, y + high * 2 // 3),
                              gray(rng, 130, 225), -1)
            cv2.line(picture, (x, max(0, y + band)), (x, y + high), post, 2)


def _ornament(rng: np.random.Generator, picture: Texture, ground: int, storey: float,
              wall: Albedo) -> None:
    """Draw cornice, corner stones, pilasters, drainpipes and the shadow under the eaves."""
    height, width = picture.shape[:2]
    cornice = int(rng.uniform(.15, .5) * DENSITY)
    cv2.rectangle(picture, (0, 0), (width, cornice), scaled(wall, rng.uniform(.6, 1.3)), -1)
    under = picture[cornice:cornice + int(.3 * DENSITY)]
    under[:] = (under * .62).astype(np.uint8)
    if rng.random() < 0.25:
        stone = scaled(wall, rng.uniform(.7, 1.35))
        for i, y in enumerate(range(cornice, height, int(.45 * DENSITY))):
            long = int((.55 if i % 2 else .35) * DENSITY)
            for x in (0, width - long):
                cv2.rectangle(picture, (x, y), (x + long, y + int(.4 * DENSITY)), stone, -1)
    if rng.random() < 0.12:
        for x in np.linspace(0, width, int(rng.integers(3, 6))).astype(int).tolist():
            cv2.rectangle(picture, (x - 8, cornice), (x + 8, height), scaled(wall, 1.15), -1)
            cv2.line(picture, (x + 9, cornice), (x + 9, height), scaled(wall, .65), 2)
    for x in (int(.2 * DENSITY), width - int(.2 * DENSITY)):
        if rng.random() < 0.4:
            pipe = gray(rng, 60, 200)
            cv2.line(picture, (x + 3, cornice), (x + 3, height), scaled(wall, .55), 2)
            cv2.line(picture, (x, cornice), (x, height), pipe, max(2, DENSITY // 9))
