"""Mean intersection over union of the classes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..labels import UNLABELED, LabelSpace
from .accumulator import Accumulator
from .overlaps import Overlaps


@dataclass(frozen=True)
class MeanIoUResult:
    """What ``MeanIoU.compute`` returns, in percent."""

    mean: float
    """The mean over the classes that occur; NaN if none does."""
    pixel_accuracy: float
    """Share of the truth's labelled pixels whose class is predicted; NaN if there are none."""
    per_class: Mapping[str, float]
    """The IoU by class name, in the order of the label space; only classes that occur."""
    images: int

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data for JSON; None where a mean is undefined."""
        return {'mean': None if np.isnan(self.mean) else self.mean,
                'pixel_accuracy': None if np.isnan(self.pixel_accuracy) else self.pixel_accuracy,
                'per_class': dict(self.per_class), 'images': self.images}


class MeanIoU(Accumulator):
    """
    Accumulates the IoU of the classes over images, as the Cityscapes benchmark defines it.

    IoU = TP / (TP + FP + FN) over all pixels of all images.  Pixels that are unlabelled in the
    truth do not count.  Unlabelled predictions are misses.  Crowd counts as its class.

    The accumulator holds one confusion matrix, whatever the number of images.
    """

    def __init__(self, label_space: LabelSpace) -> None:
        super().__init__(label_space)
        # rows are true classes, columns predicted ones; the last column is unlabelled
        self._confusion = np.zeros((len(label_space), len(label_space) + 1), np.int64)

    def _count(self, overlaps: Overlaps) -> None:
        counts = overlaps.truth != UNLABELED
        true = overlaps.truth[counts] // self.label_space.label_divisor
        predicted = np.minimum(overlaps.prediction[counts] // self.label_space.label_divisor,
                               len(self.label_space))
        np.add.at(self._confusion, (true, predicted), overlaps.pixels[counts])

    def _merge(self, other: MeanIoU) -> None:
        self._confusion += other._confusion

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """(C, C + 1) pixels so far, by true and predicted class; the last is unlabelled."""
        return self._confusion.copy()

    @property
    def true_pixels(self) -> npt.NDArray[np.int64]:
        """(C,) pixels of each class in the truth so far, crowd included."""
        return np.asarray(self._confusion.sum(axis=1))

    def compute(self) -> MeanIoUResult:
        """Return the IoU over all images so far."""
        square = self._confusion[:, :-1]
        hit = np.diagonal(square)
        union = self._confusion.sum(axis=1) + square.sum(axis=0) - hit
        occurs = np.flatnonzero(union)
        iou = 100 * hit[occurs] / union[occurs]
        pixels = self._confusion.sum()
        return MeanIoUResult(
            float(iou.mean()) if len(iou) else np.nan,
            float(100 * hit.sum() / pixels) if pixels else np.nan,
            {self.label_space.names[i]: float(value)
             for i, value in zip(occurs, iou, strict=True)},
            self.images)
