"""Queries like those of a good network, drawn from a random street-like layout."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ..families.masks.queries import Queries
from ..labels import LabelSpace

_INSIDE, _OUTSIDE = 9, -14      # logits far from the outline of a mask ...
_SLOPE = 1.6                    # ... and their rise for each cell on the way
_NOISE = 1.0                    # standard deviation of what varies over some ten cells ...
_GRAIN = 0.25                   # ... and from cell to cell
_SURE = 9                       # by how much the class logit of a query exceeds the others

Cells = npt.NDArray[np.float32]


def make_queries(label_space: LabelSpace, size: tuple[int, int], kept: int, count: int = 100,
                 seed: int = 0, stride: int = 4) -> Queries:
    """
    Make queries for an image of ``size`` (height, width) in pixels.

    Half of the stuff classes lie in layers behind ellipses of things.  Small ellipses are high in
    the image, and large ones are low.  One kept query in ten sees a part of what another one sees.
    The queries that are not kept take themselves for no object, and see such parts, too.

    Parameters
    ----------
    label_space
        The classes.
    size
        The network's input.
    kept, count
        How many queries have a class, and how many there are.
    seed
        Other layouts have others.
    stride
        Pixels for each cell of the masks.

    """
    random = np.random.default_rng(seed)
    cells = size[0] // stride, size[1] // stride
    doubles = kept // 10
    shapes, classes = _layout(label_space, cells, kept - doubles, random)
    original = random.integers(0, len(shapes), count - len(shapes))
    masks = np.empty((count, *cells), np.float32)
    logits = random.normal(0, 1, (count, len(label_space) + 1))
    for query, place in enumerate(random.permutation(count)):
        if query < len(shapes):
            mask, class_id = _logits(shapes[query], random), classes[query]
        else:
            source = original[query - len(shapes)]
            mask = _logits(shapes[source], random) - 2
            class_id = classes[source] if query < kept else len(label_space)
            mask[:, :random.integers(0, cells[1])] = _OUTSIDE
        masks[place] = mask
        logits[place, class_id] += _SURE
    return Queries(logits.astype(np.float32), masks, size)


def _layout(label_space: LabelSpace, cells: tuple[int, int], count: int,
            random: np.random.Generator) -> tuple[list[npt.NDArray[np.bool_]], list[int]]:
    """Return the visible part of each segment, (h, w), and its class."""
    height, width = cells
    y, x = np.mgrid[:height, :width]
    owner = np.zeros(cells, np.int64)
    stuff = random.permutation(label_space.stuff_ids)[:min(count, 10)].tolist()
    for layer in range(1, len(stuff)):
        wave = 0.06 * np.sin(x / width * random.uniform(5, 20) + random.uniform(0, 6))
        left = random.uniform(-0.5, 0.8) * width
        owner[(y < height * (0.75 - 0.07 * layer + wave))
              & (x > left) & (x < left + width * random.uniform(0.2, 0.8))] = layer
    classes = stuff
    for depth in np.sort(random.uniform(0.02, 1, count - len(stuff)) ** 2):
        center_y = height * (0.4 + 0.4 * depth + 0.05 * random.standard_normal())
        tall = height * (0.03 + 0.2 * depth) * random.uniform(0.7, 1.3)
        wide = tall * random.uniform(0.4, 1.6)
        inside = ((y - center_y) / tall) ** 2 + (
            (x - width * random.uniform(0, 1)) / wide) ** 2 < 0.5
        owner[inside] = len(classes)
        classes.append(int(random.choice(label_space.thing_ids)))
    return [owner == index for index in range(count)], classes


def _logits(shape: npt.NDArray[np.bool_], random: np.random.Generator) -> Cells:
    """Return the mask logits of a shape, (h, w)."""
    inside, outside = (np.minimum(cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, 3), 99)
                       for part in (shape, ~shape))     # 99 also where there is no border
    height, width = shape.shape
    coarse = random.normal(0, _NOISE, (height // 12 + 2, width // 12 + 2))
    value = np.clip(_SLOPE * (inside - outside), _OUTSIDE, _INSIDE)
    value = value + cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(value + random.normal(0, _GRAIN, shape.shape), np.float32)
