"""Panoptic quality: PQ, SQ and RQ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..labels import LabelSpace
from .accumulator import Accumulator
from .matching import Matching
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

    ``Matching`` says which segments match.  Means leave out classes that occur nowhere.

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
        matching = Matching.of(overlaps, self.label_space)
        matched_class = matching.true_class[matching.true_row[matching.matched]]
        classes = len(self.label_space)
        self._tp += np.bincount(matched_class, minlength=classes)
        self._fn += np.bincount(matching.true_class[matching.missed], minlength=classes)
        self._fp += np.bincount(matching.predicted_class[matching.false], minlength=classes)
        self._iou += np.bincount(matched_class, matching.iou[matching.matched], minlength=classes)

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


def _mean(measures: npt.NDArray[np.float64]) -> MeanQuality:
    count = measures.shape[1]
    if not count:
        return MeanQuality(np.nan, np.nan, np.nan, 0)
    pq, sq, rq = measures.mean(axis=1).tolist()
    return MeanQuality(pq, sq, rq, count)
