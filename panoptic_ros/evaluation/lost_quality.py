"""To what kinds of errors panoptic quality is lost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..labels import LabelSpace
from .accumulator import Accumulator
from .matching import Mask, Matching, Rows
from .overlaps import Overlaps

CAUSES = ('class', 'mask', 'merged', 'split', 'missed', 'invented')
"""The kinds of errors; the last four are errors of the instance."""

INSTANCE = CAUSES[2:]
"""The errors of the instance: which segments there are."""

FOREGROUND = 0.1
"""A segment whose best IoU is not above this is of nothing; TIDE has the same threshold."""

_CLASS, _MASK, _MERGED, _SPLIT, _MISSED, _INVENTED = range(len(CAUSES))

Shares = Mapping[str, float]
"""What is lost to each of the ``CAUSES``, in percent of PQ."""


@dataclass(frozen=True)
class LostQualityResult:
    """What ``LostQuality.compute`` returns; each mapping adds up to 100 - PQ."""

    all: Shares
    """The mean over the classes that occur; NaN where none does."""
    things: Shares
    """The mean over the things that occur."""
    stuff: Shares
    """The mean over the stuff that occurs."""
    per_class: Mapping[str, Shares]
    """By class name, in the order of the label space; without the classes that never occur."""
    unmatched: Mapping[str, int]
    """How many segments without a match each cause has, predicted and true ones together."""
    images: int

    def to_dict(self) -> dict[str, Any]:
        """Return the result as plain data for JSON; None where a mean is undefined."""
        groups = {group: {cause: None if value != value else value
                          for cause, value in getattr(self, group).items()}
                  for group in ('all', 'things', 'stuff')}
        return {**groups, 'per_class': {name: dict(lost) for name, lost in self.per_class.items()},
                'unmatched': dict(self.unmatched), 'images': self.images}


class LostQuality(Accumulator):
    """
    Accumulates what panoptic quality loses to each kind of error.

    PQ of a class is a sum over segments, divided by N = TP + FP / 2 + FN / 2.  So is what it lacks
    of 100 %: a match lacks (1 - IoU) / N, and every segment without a match lacks 0.5 / N.  Each
    segment is given to one cause, and therefore the causes of a class add up to 100 - PQ, as do
    their means over the classes.  No image and no cause comes first, so there is no order to
    choose.

    ============ ==================================================================================
    ``class``    the segment would match with another class: its IoU with a segment of another
                 class exceeds 0.5.  A false prediction counts here, too, which crowd of another
                 class would excuse
    ``merged``   a true segment of whose pixels more than half lie in a prediction of its class,
                 which holds another true segment in the same way; and that prediction
    ``split``    a predicted segment of whose pixels more than half lie in a true segment of its
                 class, which holds another predicted one in the same way; and that true segment
    ``mask``     a match whose IoU is below 1; and every other segment whose best IoU with one of
                 its class exceeds ``FOREGROUND``
    ``missed``   every other true segment: of its class, there is nothing predicted in its place
    ``invented`` every other predicted segment
    ============ ==================================================================================

    What comes first in this table is taken, except that being a part goes before having parts: a
    predicted segment is looked for in ``split`` before ``merged``.  So exchanging prediction and
    truth exchanges ``merged`` with ``split`` and ``missed`` with ``invented``, where the truth has
    neither crowd nor unlabelled pixels.

    The kinds are those of TIDE (Bolya et al., ECCV 2020), for segments that do not overlap: its
    classification, localisation (``mask``), duplicate (``split``), background (``invented``) and
    missed errors; what it calls both, which has neither the class nor the place, is missed and
    invented here.  TIDE weighs a kind by what an oracle gains that corrects it alone, because AP
    is not a sum over errors; its weights do not add up to what is lost.  PQ is such a sum.  The
    shares say where the loss is; correcting one kind may gain more or less, as N changes with it.

    The accumulator holds a few numbers per class, whatever the number of images.
    """

    def __init__(self, label_space: LabelSpace) -> None:
        super().__init__(label_space)
        self._unmatched = np.zeros((len(label_space), len(CAUSES)), np.int64)
        self._tp = np.zeros(len(label_space), np.int64)
        self._lacking = np.zeros(len(label_space), np.float64)

    def _count(self, overlaps: Overlaps) -> None:
        matching = Matching.of(overlaps, self.label_space)
        of_true, of_predicted = _causes(matching)
        for class_id, cause, counts in (
                (matching.true_class, of_true, matching.missed),
                (matching.predicted_class, of_predicted, matching.false)):
            np.add.at(self._unmatched, (class_id[counts], cause[counts]), 1)
        matched_class = matching.true_class[matching.true_row[matching.matched]]
        np.add.at(self._tp, matched_class, 1)
        np.add.at(self._lacking, matched_class, 1 - matching.iou[matching.matched])

    def _merge(self, other: LostQuality) -> None:
        self._unmatched += other._unmatched
        self._tp += other._tp
        self._lacking += other._lacking

    def compute(self) -> LostQualityResult:
        """Return what is lost over all images so far."""
        lost = self._unmatched / 2
        lost[:, _MASK] += self._lacking
        segments = self._tp + self._unmatched.sum(axis=1) / 2
        occurs = segments > 0
        lost *= 100 / np.maximum(segments, 0.5)[:, None]
        is_thing = self.label_space.is_thing
        return LostQualityResult(
            _mean(lost[occurs]), _mean(lost[occurs & is_thing]), _mean(lost[occurs & ~is_thing]),
            {self.label_space.names[i]: _shares(lost[i]) for i in np.flatnonzero(occurs)},
            dict(zip(CAUSES, self._unmatched.sum(axis=0).tolist(), strict=True)), self.images)


def _mean(lost: npt.NDArray[np.float64]) -> Shares:
    return _shares(lost.mean(axis=0) if len(lost) else np.full(len(CAUSES), np.nan))


def _shares(lost: npt.NDArray[np.float64]) -> Shares:
    return dict(zip(CAUSES, lost.tolist(), strict=True))


def _causes(matching: Matching) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]:
    """Return why each label would be without a match, (T,) and (P,), as indices of CAUSES."""
    t, p, pixels, iou = matching.true_row, matching.predicted_row, matching.pixels, matching.iou
    trues, predictions = len(matching.true_area), len(matching.predicted_area)
    labelled_area = matching.predicted_area - matching.on_void
    of_class = matching.same_class & (iou > 0)
    other_class = ~matching.same_class & (iou > 0.5)
    of_other_crowd = ~matching.same_class & matching.is_crowd[t] & (
        2 * (pixels + matching.on_void[p]) > matching.predicted_area[p])

    in_prediction = np.flatnonzero(of_class & (2 * pixels > matching.true_area[t]))
    in_true = np.flatnonzero(of_class & (2 * pixels > labelled_area[p]))
    merges = np.bincount(p[in_prediction], minlength=predictions) > 1
    is_split = np.bincount(t[in_true], minlength=trues) > 1
    is_merged = _marked(t[in_prediction[merges[p[in_prediction]]]], trues)
    splits = _marked(p[in_true[is_split[t[in_true]]]], predictions)

    near = of_class & (iou > FOREGROUND)
    return (np.select([_marked(t[other_class], trues), is_merged, is_split,
                       _marked(t[near], trues)], [_CLASS, _MERGED, _SPLIT, _MASK],
                      _MISSED).astype(np.int8),
            np.select([_marked(p[other_class | of_other_crowd], predictions), splits, merges,
                       _marked(p[near], predictions)], [_CLASS, _SPLIT, _MERGED, _MASK],
                      _INVENTED).astype(np.int8))


def _marked(rows: Rows, count: int) -> Mask:
    marked = np.zeros(count, np.bool_)
    marked[rows] = True
    return marked
