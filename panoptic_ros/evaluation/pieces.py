"""Connected pieces of a label image: whether a result holds together or shatters."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..labels import UNLABELED
from ..segments.workers import compiled, inner

SMALL = 100
"""A piece of fewer pixels is small."""


def small_pixels(labels: npt.NDArray[np.uint16], area: int = SMALL) -> int:
    """
    Count the labelled pixels of a label image (H, W) that are in small pieces.

    A piece is a set of pixels of one label that touch by their sides.  A segment of stuff may have
    many, and a thing that something hides in part has several.
    """
    areas = _areas(np.ascontiguousarray(labels), np.uint16(UNLABELED))
    return int(areas[areas < area].sum())


@compiled
def _areas(labels: npt.NDArray[np.uint16], unlabelled: np.uint16) -> npt.NDArray[np.int64]:
    """Return the pixels of each piece at the place of its root, and 0 at all other places."""
    height, width = labels.shape
    parent = np.arange(height * width)
    for y in range(height):
        for x in range(width):
            here = y * width + x
            left = x > 0 and labels[y, x] == labels[y, x - 1]
            if left:
                parent[here] = parent[here - 1]
            if y == 0 or labels[y, x] != labels[y - 1, x]:
                continue
            if left and labels[y, x] == labels[y - 1, x - 1]:
                continue        # the pixel on the left is joined with that row already
            first, second = _root(parent, here), _root(parent, here - width)
            parent[max(first, second)] = min(first, second)
    areas = np.zeros(height * width, np.int64)
    for y in range(height):
        for x in range(width):
            if labels[y, x] != unlabelled:
                areas[_root(parent, y * width + x)] += 1
    return areas


@inner
def _root(parent: npt.NDArray[np.int64], place: int) -> int:
    while parent[place] != place:
        parent[place] = parent[parent[place]]
        place = parent[place]
    return place
