"""What is summed over the pixels of each code, and the segment table that is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..labels import UNLABELED, LabelSpace
from ..panoptic import Segments

PROBABILITY_ONE = 1 << 24
"""Probabilities are kept in fixed point, so that their sums do not depend on their order."""

FAR = np.iinfo(np.int32).max
"""The upper left corner of a code without pixels."""

TALLY = np.dtype([('area', np.int64), ('sum_x', np.int64), ('sum_y', np.int64),
                  ('x0', np.int32), ('y0', np.int32), ('x1', np.int32), ('y1', np.int32),
                  ('probability', np.int64)], align=True)
"""The tally of one code; x1 and y1 are past the last pixel."""


def empty_tallies(workers: int, codes: int) -> npt.NDArray[Any]:
    """Return tallies without pixels, (workers, codes)."""
    tallies = np.zeros((workers, codes), TALLY)
    tallies['x0'] = tallies['y0'] = FAR
    return tallies


@dataclass(frozen=True)
class Tallies:
    """Sums over the pixels of what may become segments; a row without pixels is none."""

    area: npt.NDArray[np.int64]
    """(N,) pixels."""
    sum_xy: npt.NDArray[np.int64]
    """(N, 2) sums of their coordinates."""
    box: npt.NDArray[np.int32]
    """(N, 4) half-open x0, y0, x1, y1."""
    probability: npt.NDArray[np.int64]
    """(N,) sum of the probability of the segment's class, ``PROBABILITY_ONE`` for 1."""

    def merged(self, label: npt.NDArray[np.uint16]) -> tuple[npt.NDArray[np.uint16], Tallies]:
        """
        Add up the rows of one label, (N,); return the labels, (M,), and a row for each.

        All codes of one label, as of stuff that has several, are one segment.
        """
        labels, place = np.unique(label, return_inverse=True)
        area, probability = (np.zeros(len(labels), np.int64) for _ in range(2))
        sum_xy = np.zeros((len(labels), 2), np.int64)
        box = np.tile(np.array([FAR, FAR, 0, 0], np.int32), (len(labels), 1))
        np.add.at(area, place, self.area)
        np.add.at(sum_xy, place, self.sum_xy)
        np.minimum.at(box[:, :2], place, self.box[:, :2])
        np.maximum.at(box[:, 2:], place, self.box[:, 2:])
        np.add.at(probability, place, self.probability)
        return labels, Tallies(area, sum_xy, box, probability)

    def segments(self, label: npt.NDArray[np.uint16], weight: npt.NDArray[np.float32],
                 label_space: LabelSpace) -> Segments:
        """
        Return the table, largest segment first.

        Parameters
        ----------
        label
            (N,) label of each row; what is unlabelled is no segment.
        weight
            (N,) what the mean probability of a row's pixels is multiplied with to be its score.
        label_space
            What the labels mean.

        """
        present = np.flatnonzero((self.area > 0) & (label != UNLABELED))
        order = present[np.lexsort((label[present], -self.area[present]))]
        label, area = label[order], self.area[order]
        score = self.probability[order] / (area * PROBABILITY_ONE)
        score *= np.maximum(np.minimum(weight[order], 1), 0)
        return Segments(
            label, (label // label_space.label_divisor).astype(np.uint8),
            label % np.uint16(label_space.label_divisor), area, self.box[order],
            (self.sum_xy[order] / area[:, None]).astype(np.float32),
            np.maximum(np.minimum(score, 1), 0).astype(np.float32))
