"""The targets of the queries, made from a panoptic ground truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ....labels import UNLABELED, UNLABELED_CLASS, LabelSpace
from .mobile_config import CELL

VOID = 255
"""The number of a pixel that belongs to no segment and costs nothing."""
NO_CLASS = -1
"""The class of a row of the padded table that has no segment."""


@dataclass(frozen=True)
class TargetOptions:
    """
    What the queries are shown.

    Raises
    ------
    ValueError
        A value is out of range.

    """

    most: int = 100
    """The most segments of a crop; of more, the smallest are void."""
    spread: float = 0.1
    """Standard deviation of a centre's Gaussian, as a share of the root of the thing's area."""
    least_sigma: float = 0.7
    """The smallest such deviation, in cells of the heatmap."""

    def __post_init__(self) -> None:
        if not 1 <= self.most <= VOID:
            raise ValueError(f'most is {self.most}: expected 1 to {VOID} segments')
        if self.spread < 0 or self.least_sigma <= 0:
            raise ValueError(f'{self}: expected spread >= 0 and least_sigma > 0')

    def make(self, labels: npt.NDArray[np.uint16], label_space: LabelSpace,
             random: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        """
        Make the targets of one crop.

        Returns
        -------
        ``segments`` uint8 (H, W): the number of each pixel's segment, or ``VOID``, as in crowd;
        ``classes`` int64 (most,): the class of each segment, padded with ``NO_CLASS``;
        ``centers`` float32 (1, H/8, W/8): 1 in the cells that hold a thing's centre, which is the
        mean position of its visible pixels, falling to 0 around them; ``known`` bool (1, H/8,
        W/8): whether the cell is not void.

        """
        areas = np.bincount(labels.ravel(), minlength=UNLABELED + 1)
        present = np.flatnonzero(areas).astype(np.uint16)
        classes = label_space.semantic(present).astype(np.int64)
        labeled = classes != UNLABELED_CLASS
        things = labeled & label_space.is_thing[np.where(labeled, classes, 0)]
        numbered = present % label_space.label_divisor > 0
        kept = np.flatnonzero(labeled & (~things | numbered))
        kept = np.sort(kept[np.argsort(-areas[present[kept]], kind='stable')][:self.most])
        # The labels of one stuff class differ by instance in some data.
        keys = np.where(things, present, classes * label_space.label_divisor)[kept]
        unique, number = np.unique(keys, return_inverse=True)
        number_of = np.full(UNLABELED + 1, VOID, np.uint8)
        number_of[present[kept]] = number
        segments = number_of[labels]
        table = np.full(self.most, NO_CLASS, np.int64)
        table[:len(unique)] = unique // label_space.label_divisor
        is_thing = label_space.is_thing[table[:len(unique)]]
        return {'segments': segments, 'classes': table,
                'centers': self._centers(segments, np.flatnonzero(is_thing)),
                'known': segments[None, CELL // 2::CELL, CELL // 2::CELL] != VOID}

    def _centers(self, segments: npt.NDArray[np.uint8], things: npt.NDArray[np.intp],
                 ) -> npt.NDArray[np.float32]:
        height, width = (side // CELL for side in segments.shape)
        is_thing = np.zeros(VOID + 1, np.bool_)
        is_thing[things] = True
        places = np.nonzero(is_thing[segments])
        number = segments[places]
        area = np.bincount(number, minlength=VOID + 1)
        middle = [np.bincount(number, at, VOID + 1)[things] / area[things] for at in places]
        heatmap = np.zeros((1, height, width), np.float32)
        for y, x, size in zip(*middle, np.sqrt(area[things]), strict=True):
            row, column = min(int(y) // CELL, height - 1), min(int(x) // CELL, width - 1)
            sigma = max(self.least_sigma, self.spread * size / CELL)
            near = [np.exp(-(np.arange(side) - at) ** 2 / (2 * sigma ** 2))
                    for side, at in ((height, row), (width, column))]
            np.maximum(heatmap[0], near[0][:, None] * near[1], out=heatmap[0])
        return heatmap
