"""Detections and stuff like those of a good network, drawn from a random street-like layout."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from ..families.fpn.detections import Detections
from ..labels import LabelSpace

_SIDE = 28          # cells of a mask, as in Mask R-CNN
_STEEP = 9          # rise of a mask's logit from the outline to the middle
_SURE = 8           # by how much the logit of a pixel's channel exceeds the others
_NOISE = 1.5        # standard deviation of the logits of stuff, over some ten cells ...
_GRAIN = 0.25       # ... and from cell to cell

Floats = npt.NDArray[np.float32]
Random = np.random.Generator


class _Ellipse(NamedTuple):
    """A thing, in pixels."""

    x: float
    y: float
    wide: float
    tall: float


def make_detections(label_space: LabelSpace, size: tuple[int, int], kept: int, count: int = 100,
                    seed: int = 0, stride: int = 4) -> Detections:
    """
    Make detections and stuff for an image of ``size`` (height, width) in pixels.

    Stuff lies in layers behind ellipses of things.  Small ellipses are high in the image, and
    large ones are low.  One detection in ten sees the same thing as another one.  Of the rows that
    are not kept one half has a low score, and the other half is empty.

    Parameters
    ----------
    label_space
        The classes.
    size
        The network's input.
    kept, count
        How many detections have a score above 0.5, and how many rows there are.
    seed
        Other layouts have others.
    stride
        Pixels for each cell of ``semantic``.

    """
    random = np.random.default_rng(seed)
    height, width = size
    shapes = []
    for depth in np.sort(random.uniform(0.02, 1, count) ** 2):
        tall = height * (0.03 + 0.14 * depth) * random.uniform(0.7, 1.3)
        shapes.append(_Ellipse(random.uniform(0, width), height * random.normal(
            0.4 + 0.4 * depth, 0.05), tall * random.uniform(0.4, 1.6), tall))
    for place in range(9, count, 10):       # the same thing, seen a little differently
        other = shapes[place - 1]
        shapes[place] = other._replace(x=other.x + 0.1 * other.wide, y=other.y + 1)
    scores = np.zeros(count)
    rows = random.permutation(count)
    scores[rows[:kept]] = random.uniform(0.5, 1, kept)
    unsure = rows[kept:kept + (count - kept) // 2]
    scores[unsure] = random.uniform(0.05, 0.49, len(unsure))
    boxes = np.array([[s.x - s.wide, s.y - s.tall, s.x + s.wide, s.y + s.tall] for s in shapes])
    boxes = np.clip(boxes.reshape(count, 4), 0, [width, height, width, height])
    masks = np.empty((count, _SIDE, _SIDE), np.float32)
    for mask in masks:
        mask[:] = _mask(random)
    semantic = _semantic(label_space, (height // stride, width // stride),
                         [shapes[row] for row in rows[:kept]], stride, random)
    return Detections(semantic, boxes.astype(np.float32), scores.astype(np.float32),
                      random.integers(0, len(label_space.thing_ids), count),
                      masks, size)


def _mask(random: Random) -> Floats:
    """Return the probabilities of an ellipse that fills its box, with a dent."""
    y, x = (np.mgrid[:_SIDE, :_SIDE] + 0.5) * 2 / _SIDE - 1
    dent = random.uniform(-1, 1, 2)
    logit = _STEEP * np.minimum(1 - x**2 - y**2, 3 * ((x - dent[0])**2 + (y - dent[1])**2) - 0.2)
    return np.asarray(1 / (1 + np.exp(-logit + random.normal(0, 0.3, logit.shape))), np.float32)


def _semantic(label_space: LabelSpace, cells: tuple[int, int], shapes: list[_Ellipse],
              stride: int, random: Random) -> Floats:
    """Return the logits of the channels."""
    height, width = cells
    y, x = np.mgrid[:height, :width]
    stuff = 1 + random.permutation(len(label_space.stuff_ids))[:10]
    channel = np.full(cells, stuff[0] if len(stuff) else 0)
    for layer, number in enumerate(stuff[1:], 1):
        wave = 0.06 * np.sin(x / width * random.uniform(5, 20) + random.uniform(0, 6))
        left = random.uniform(-0.5, 0.8) * width
        channel[(y < height * (0.75 - 0.07 * layer + wave))
                & (x > left) & (x < left + width * random.uniform(0.2, 0.8))] = number
    for shape in shapes:
        channel[((x * stride - shape.x) / shape.wide) ** 2
                + ((y * stride - shape.y) / shape.tall) ** 2 < 1] = 0
    logits = np.empty((len(label_space.stuff_ids) + 1, *cells), np.float32)
    for number, plane in enumerate(logits):
        coarse = random.normal(0, _NOISE, (height // 12 + 2, width // 12 + 2))
        plane[:] = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
        own = (channel == number).astype(np.float32)
        plane += _SURE * cv2.blur(own, (3, 3)) + random.normal(0, _GRAIN, cells)
    return logits
