"""Panoptic quality: PQ, SQ and RQ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..labels import UNLABELED, LabelSpace
from .accumulator import Accumulator
from .overlaps import Overlaps


@dataclass(frozen=True)
class ClassQuality:
    """The quality of one class; the three measures are in percent, 0 where nothing was matched."""

    pq: float
    sq: float
    rq: float
    tp: int
    """Matched segments."""
    fp: int
    """Predicted segments that match nothing."""
    fn: int
    """True segments that nothing matches."""
    iou_sum: float
    """Sum of the matched segments' IoU, each in (0.5, 1]."""


@dataclass(frozen=True)
class MeanQuality:
    """Means over the classes that occur, in percent; NaN where no class does."""

    pq: float
    sq: float
    rq: float
    classes: int
    """How many classes occur, in the truth or falsely in a prediction."""


@dataclass(frozen=True)
class PanopticQualityResult:
    """What ``PanopticQuality.compute`` returns."""

    all: MeanQuality
    things: MeanQuality
    stuff: MeanQuality
    per_class: Mapping[str, ClassQuality]
    """By class name, in the order of the label space; without the classes that never occur."""
    images: int

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data for JSON; None where a mean is undefined."""
        means = {group: {key: None if value != value else value
                         for key, value in asdict(getattr(self, group)).items()}
                 for group in ('all', 'things', 'stuff')}
        return {**means, 'images': self.images,
                'per_class': {name: asdict(quality) for name, quality in self.per_class.items()}}


class PanopticQuality(Accumulator):
    """
    Accumulates panoptic quality over images (Kirillov et al., CVPR 2019).

    A predicted and a true segment of the same class match when their IoU exceeds 0.5; pixels that
    are unlabelled in the truth leave the union.  A predicted segment without a match counts as
    false unless more than half of it lies on unlabelled truth and on crowd of its class.  Crowd
    is, in the truth only, a thing class with instance 0: neither found nor missed.  Means leave
    out classes that occur nowhere.

    It holds four numbers per class whatever the number of images.

    Examples
    --------
    >>> quality = PanopticQuality(LabelSpace.load('cityscapes'))
    >>> quality.update(prediction, truth)
    >>> print(quality.compute().all.pq)

    """

    def __init__(self, label_space: LabelSpace) -> None:
        super().__init__(label_space)
        self._tp, self._fp, self._fn = (np.zeros(len(label_space), np.int64) for _ in range(3))
        self._iou = np.zeros(len(label_space), np.float64)

    def _count(self, overlaps: Overlaps) -> None:
        divisor, classes = self.label_space.label_divisor, len(self.label_space)
        true, true_row = np.unique(overlaps.truth, return_inverse=True)
        predicted, predicted_row = np.unique(overlaps.prediction, return_inverse=True)
        pixels = overlaps.pixels
        true_area = _sums(true_row, pixels, len(true))
        predicted_area = _sums(predicted_row, pixels, len(predicted))
        true_class, predicted_class = true // divisor, predicted // divisor
        is_void, is_nothing = true == UNLABELED, predicted == UNLABELED
        is_crowd = ~is_void & (true % divisor == 0)
        is_crowd[is_crowd] = self.label_space.is_thing[true_class[is_crowd]]

        same_class = true_class[true_row] == predicted_class[predicted_row]
        on_void = _sums(predicted_row, pixels * is_void[true_row], len(predicted))
        on_crowd = _sums(predicted_row, pixels * (is_crowd[true_row] & same_class),
                         len(predicted))

        candidate = np.flatnonzero(same_class & ~(is_void | is_crowd)[true_row]
                                   & ~is_nothing[predicted_row])
        t, p, common = true_row[candidate], predicted_row[candidate], pixels[candidate]
        iou = common / (true_area[t] + predicted_area[p] - common - on_void[p])
        matched = iou > 0.5
        t, p, iou = t[matched], p[matched], iou[matched]

        missed = ~(is_void | is_crowd)
        missed[t] = False
        false = ~is_nothing & (2 * (on_void + on_crowd) <= predicted_area)
        false[p] = False
        self._tp += np.bincount(true_class[t], minlength=classes)
        self._fn += np.bincount(true_class[missed], minlength=classes)
        self._fp += np.bincount(predicted_class[false], minlength=classes)
        self._iou += np.bincount(true_class[t], iou, minlength=classes)

    def _merge(self, other: PanopticQuality) -> None:
        self._tp += other._tp
        self._fp += other._fp
        self._fn += other._fn
        self._iou += other._iou

    def compute(self) -> PanopticQualityResult:
        """Return the quality over all images so far."""
        tp, fp, fn = self._tp, self._fp, self._fn
        occurs = tp + fp + fn > 0
        segments = np.where(occurs, tp + 0.5 * fp + 0.5 * fn, 1)
        measures = 100 * np.stack([self._iou / segments, self._iou / np.maximum(tp, 1),
                                   tp / segments])
        is_thing = self.label_space.is_thing
        per_class = {
            self.label_space.names[i]: ClassQuality(
                float(measures[0, i]), float(measures[1, i]), float(measures[2, i]),
                int(tp[i]), int(fp[i]), int(fn[i]), float(self._iou[i]))
            for i in np.flatnonzero(occurs)}
        return PanopticQualityResult(
            _mean(measures[:, occurs]), _mean(measures[:, occurs & is_thing]),
            _mean(measures[:, occurs & ~is_thing]), per_class, self.images)


def _sums(row: npt.NDArray[np.intp], pixels: npt.NDArray[np.int64],
          rows: int) -> npt.NDArray[np.int64]:
    return np.bincount(row, pixels, minlength=rows).astype(np.int64)


def _mean(measures: npt.NDArray[np.float64]) -> MeanQuality:
    count = measures.shape[1]
    if not count:
        return MeanQuality(np.nan, np.nan, np.nan, 0)
    pq, sq, rq = measures.mean(axis=1).tolist()
    return MeanQuality(pq, sq, rq, count)
