"""The targets of a Panoptic-FPN, made from a panoptic ground truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ....labels import UNLABELED, UNLABELED_CLASS, LabelSpace

VOID = 255
"""The number of a pixel that no class of ``semantic``, or no thing, has."""
NO_CLASS = -1
"""The class of a row that has no thing."""


@dataclass(frozen=True)
class TargetOptions:
    """
    What the network is shown.

    Raises
    ------
    ValueError
        A value is out of range.

    """

    most: int = 200
    """The most things of a crop; of more, the smallest have no box."""

    def __post_init__(self) -> None:
        if not 1 <= self.most <= VOID:
            raise ValueError(f'most is {self.most}: expected 1 to {VOID} things')

    def make(self, labels: npt.NDArray[np.uint16], label_space: LabelSpace,
             random: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        """
        Make the targets of one crop.

        Returns
        -------
        ``semantic`` uint8 (H, W): 0 on things and on crowd, from 1 on the classes of stuff in the
        order of the label space, ``VOID`` where nothing is labelled; ``things`` uint8 (H, W): the
        number of each pixel's thing, or ``VOID``; ``boxes`` float32 (most, 4) around the visible
        pixels of each thing, x0, y0, x1, y1 on the borders of pixels; ``classes`` int64 (most,):
        its place among the things of the label space, padded with ``NO_CLASS``.

        """
        areas = np.bincount(labels.ravel(), minlength=UNLABELED + 1)
        present = np.flatnonzero(areas).astype(np.uint16)
        classes = label_space.semantic(present).astype(np.int64)
        labeled = classes != UNLABELED_CLASS
        is_thing = label_space.is_thing
        thing = labeled & is_thing[np.where(labeled, classes, 0)]
        semantic_of = np.full(UNLABELED + 1, VOID, np.uint8)
        semantic_of[present[labeled]] = np.where(is_thing, 0, np.cumsum(~is_thing))[
            classes[labeled]]
        numbered = np.flatnonzero(thing & (present % label_space.label_divisor > 0))
        numbered = np.sort(numbered[np.argsort(-areas[present[numbered]],
                                               kind='stable')][:self.most])
        number_of = np.full(UNLABELED + 1, VOID, np.uint8)
        number_of[present[numbered]] = np.arange(len(numbered))
        things = number_of[labels]
        table = np.full(self.most, NO_CLASS, np.int64)
        table[:len(numbered)] = (np.cumsum(is_thing) - 1)[classes[numbered]]
        boxes = np.zeros((self.most, 4), np.float32)
        boxes[:len(numbered)] = _boxes(things)
        return {'semantic': semantic_of[labels], 'things': things, 'boxes': boxes,
                'classes': table}


def _boxes(things: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return the boxes (K, 4) of things that are numbered from 0 to K - 1."""
    at = np.nonzero(things != VOID)
    number = things[at]
    order = np.argsort(number, kind='stable')
    first = np.flatnonzero(np.diff(number[order], prepend=VOID))
    if not len(first):
        return np.zeros((0, 4), np.int64)
    y, x = (places[order] for places in at)
    least, largest = np.minimum.reduceat, np.maximum.reduceat
    return np.stack((least(x, first), least(y, first), largest(x, first) + 1,
                     largest(y, first) + 1), 1)
