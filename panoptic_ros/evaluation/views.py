"""Four views of the same results: panoptic, semantic, instance and class-agnostic."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..labels import LabelSpace
from ..panoptic import Panoptic
from .class_agnostic import ClassAgnostic, ShatteredError, erase_classes
from .evaluation import Evaluation
from .lost_quality import LostQuality
from .overlaps import LabelImage, Overlaps, label_image
from .translation import translation

UNSEEN = {'panoptic': '', 'semantic': 'identity', 'instance': 'stuff', 'class-agnostic': 'class'}
"""The views, and what each of them does not see."""


class Views(Evaluation):
    """
    An evaluation that also measures without classes, and what panoptic quality loses to what.

    Its views see the same pixels, each less than the whole.  The panoptic view sees classes and
    identities of all pixels (PQ, SQ, RQ).  The semantic one (mIoU) sees no identity: that things
    of a class are merged or split.  The instance one (AP, AP50) sees no stuff.  The
    class-agnostic one (PQ, SQ, RQ of ``ClassAgnostic``) sees no class.  It lacks the images, of
    which ``shattered`` is the number, whose stuff falls into more pieces than can be numbered.
    """

    def __init__(self, label_space: LabelSpace) -> None:
        super().__init__(label_space)
        self.lost_quality = LostQuality(label_space)
        self.class_agnostic = ClassAgnostic()
        self.shattered = 0

    def update(self, prediction: LabelImage, truth: LabelImage,
               seconds: float = np.nan) -> Views:
        """
        Count one image in all views, but a shattered one only in those that see classes.

        Raises
        ------
        ValueError
            The sizes differ, or an image is not a label image of the label space.

        """
        self.add(Overlaps.measure(prediction, truth, self.label_space), seconds)
        predicted = label_image(prediction, 'prediction')
        if isinstance(prediction, Panoptic) and prediction.label_space != self.label_space:
            predicted = translation(prediction.label_space, self.label_space)[predicted]
        try:
            segments = (erase_classes(predicted, self.label_space, 'prediction'),
                        erase_classes(label_image(truth, 'truth'), self.label_space, 'truth'))
        except ShatteredError:
            self.shattered += 1
        else:
            self.class_agnostic.update(*segments)
        return self

    def add(self, overlaps: Overlaps, seconds: float = np.nan) -> Views:
        """Count one image whose overlaps have been measured, in all views that see classes."""
        super().add(overlaps, seconds)
        self.lost_quality.add(overlaps)
        return self

    def merge(self, other: Views) -> Views:     # type: ignore[override]
        """
        Add what another accumulator has counted.

        Raises
        ------
        ValueError
            The other has another label space.

        """
        super().merge(other)
        self.lost_quality.merge(other.lost_quality)
        self.class_agnostic.merge(other.class_agnostic)
        self.shattered += other.shattered
        return self

    def unseen(self) -> dict[str, float]:
        """Return by view how many points of the PQ that is lost it does not see; NaN for none."""
        lost = self.lost_quality.compute()
        stuff = [sum(lost.per_class[name].values())
                 for name in (self.label_space.names[i] for i in self.label_space.stuff_ids)
                 if name in lost.per_class]
        classes = len(lost.per_class)
        return {'panoptic': 0.0 if classes else np.nan,
                'semantic': lost.all['merged'] + lost.all['split'],
                'instance': sum(stuff) / classes if classes else np.nan,
                'class-agnostic': lost.all['class']}

    def to_dict(self) -> dict[str, Any]:
        """Return every measure as plain data for JSON; None where one is undefined."""
        quality, precision = self.panoptic_quality.compute(), self.average_precision.compute().mean
        measures: dict[str, dict[str, Any]] = {
            'panoptic': {'pq': quality.all.pq, 'sq': quality.all.sq, 'rq': quality.all.rq},
            'semantic': {'miou': self.mean_iou.compute().mean},
            'instance': {'ap': precision.ap, 'ap50': precision.ap50},
            'class-agnostic': {**self.class_agnostic.to_dict(), 'shattered': self.shattered}}
        unseen = self.unseen()
        return {**super().to_dict(), 'lost_quality': self.lost_quality.compute().to_dict(),
                'views': {view: {
                    **{key: _plain(value) for key, value in measures[view].items()},
                    'unseen': UNSEEN[view] or None, 'unseen_pq': _plain(unseen[view])}
                    for view in UNSEEN}}


def _plain(value: Any) -> Any:
    return None if value != value else value
