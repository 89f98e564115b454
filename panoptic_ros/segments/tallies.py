"""From what was summed over the pixels of each segment to the segment table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..labels import LabelSpace
from ..panoptic import Segments

PROBABILITY_ONE = 1 << 24
"""Probabilities are kept in fixed point, so that their sums do not depend on their order."""


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

    def segments(self, label: npt.NDArray[np.uint16], heat: npt.NDArray[np.float32],
                 label_space: LabelSpace) -> Segments:
        """
        Return the table, largest segment first.

        Parameters
        ----------
        label
            (N,) label of each row.
        heat
            (N,) heat at the centre of an instance, 1 for stuff.
        label_space
            What the labels mean.

        """
        present = np.flatnonzero(self.area)
        order = present[np.lexsort((label[present], -self.area[present]))]
        label, area = label[order], self.area[order]
        mean = self.probability[order] / (area * PROBABILITY_ONE)
        return Segments(
            label, (label // label_space.label_divisor).astype(np.uint8),
            label % np.uint16(label_space.label_divisor), area, self.box[order],
            (self.sum_xy[order] / area[:, None]).astype(np.float32),
            np.clip(np.clip(heat[order], 0, 1) * mean, 0, 1).astype(np.float32))
