"""Average precision of the instances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..labels import UNLABELED, LabelSpace
from .accumulator import Accumulator
from .overlaps import Overlaps

THRESHOLDS = np.arange(0.5, 1, 0.05)
"""IoU that finds an instance: AP is the mean over these thresholds, AP50 the first alone."""

LEAST_AREA = 100
"""True instances of fewer pixels count neither as found nor as missed."""

_INSTANCE = np.dtype([('class_id', np.uint8), ('counts', np.bool_), ('score', np.float32),
                      ('iou', np.float64), ('ignored', np.float64)])


@dataclass(frozen=True)
class ClassPrecision:
    """The average precision of one class, or the mean over classes, in percent."""

    ap: float
    """Mean over the thresholds."""
    ap50: float
    """The average precision at an IoU of 0.5."""


@dataclass(frozen=True)
class AveragePrecisionResult:
    """What ``AveragePrecision.compute`` returns."""

    mean: ClassPrecision
    """The mean over the classes of which the truth has instances; NaN if it has none."""
    per_class: Mapping[str, ClassPrecision]
    """By class name, in the order of the label space; only classes with instances."""
    images: int

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data for JSON; None where the mean is undefined."""
        mean = {key: None if np.isnan(value) else value
                for key, value in asdict(self.mean).items()}
        return {**mean, 'images': self.images,
                'per_class': {name: asdict(value) for name, value in self.per_class.items()}}


class AveragePrecision(Accumulator):
    """
    Accumulates the average precision of things, as the Cityscapes benchmark defines it.

    A prediction finds the true instance of its class with which its IoU exceeds a threshold.  A
    prediction that finds crowd, or an instance under ``LEAST_AREA`` pixels, does not count.  A
    prediction that finds nothing is false, unless more than that share of it lies on unlabelled
    truth, on crowd of its class, or on instances of its class under ``LEAST_AREA`` pixels.  AP is
    the area under precision over recall.  Every data set is measured so; COCO's own AP is defined
    on other annotations than the panoptic ones.

    Caravans and trailers are unlabelled here, as they are for PQ.  The Cityscapes evaluator of
    instances, in contrast, counts predictions on numbered caravans and trailers as false.

    Segments of one image do not overlap, so at a threshold of 0.5 or more each has at most one
    partner.  The accumulator holds 22 bytes for each predicted instance.
    """

    def __init__(self, label_space: LabelSpace) -> None:
        super().__init__(label_space)
        self._true = np.zeros(len(label_space), np.int64)
        self._instances: list[npt.NDArray[np.void]] = []

    def _count(self, overlaps: Overlaps) -> None:
        divisor, space = self.label_space.label_divisor, self.label_space
        true, true_row, true_area = _areas(overlaps.truth, overlaps.pixels)
        predicted, row, area = _areas(overlaps.prediction, overlaps.pixels)
        is_instance = (true != UNLABELED) & (true % divisor > 0)
        counts = is_instance & (true_area >= LEAST_AREA)
        self._true += np.bincount(true[counts] // divisor, minlength=len(space))

        same_class = overlaps.truth // divisor == overlaps.prediction // divisor
        iou = same_class * (overlaps.pixels / (true_area[true_row] + area[row] - overlaps.pixels))
        # small crowd is counted twice there
        excuse = (overlaps.truth == UNLABELED).astype(np.int64) + same_class * (
            (~is_instance)[true_row].astype(np.int64) + (true_area < LEAST_AREA)[true_row])
        instances = np.zeros(len(predicted), _INSTANCE)
        instances['class_id'] = np.minimum(predicted // divisor, len(space))
        instances['ignored'] = np.bincount(row, excuse * overlaps.pixels, len(predicted)) / area
        instances['score'][row] = overlaps.score
        order = np.argsort(iou, kind='stable')      # the greatest value is written last
        instances['iou'][row[order]] = iou[order]
        instances['counts'][row[order]] = counts[true_row[order]]
        is_thing = np.append(space.is_thing, False)     # the last row is for unlabelled
        self._instances.append(instances[is_thing[instances['class_id']]])

    def _merge(self, other: AveragePrecision) -> None:
        self._true += other._true
        self._instances += other._instances

    def compute(self) -> AveragePrecisionResult:
        """Return the precision over all images so far."""
        instances = np.concatenate([np.empty(0, _INSTANCE), *self._instances])
        per_class = {}
        for class_id in np.flatnonzero(self._true):
            of_class = instances[instances['class_id'] == class_id]
            precision = [100 * _average_precision(of_class, int(self._true[class_id]), threshold)
                         for threshold in THRESHOLDS]
            per_class[self.label_space.names[class_id]] = ClassPrecision(
                float(np.mean(precision)), precision[0])
        mean = np.mean([[value.ap, value.ap50] for value in per_class.values()] or
                       [[np.nan, np.nan]], axis=0)
        return AveragePrecisionResult(ClassPrecision(*mean.tolist()), per_class, self.images)


def _areas(labels: npt.NDArray[np.uint16], pixels: npt.NDArray[np.int64]) -> tuple[
        npt.NDArray[np.uint16], npt.NDArray[np.intp], npt.NDArray[np.int64]]:
    """Return the labels that occur, the row of each pair among them, and their pixels."""
    present, row = np.unique(labels, return_inverse=True)
    return present, row, np.bincount(row, pixels).astype(np.int64)


def _average_precision(instances: npt.NDArray[np.void], true: int, threshold: float) -> float:
    """Return the area under precision over recall of one class, as a fraction."""
    found = instances['iou'] > threshold
    considered = np.where(found, instances['counts'], instances['ignored'] <= threshold)
    score, is_true = instances['score'][considered], found[considered]
    order = np.argsort(-score)
    last_of_score = np.append(np.diff(score[order]) != 0, True)[:len(score)]
    taken = np.flatnonzero(last_of_score) + 1
    tp = np.cumsum(is_true[order])[last_of_score]
    precision = np.concatenate([[1.0], tp / taken])
    recall = np.concatenate([[0.0], tp / true])
    return float(np.diff(recall) @ (precision[1:] + precision[:-1]) / 2)
