"""What a model makes of images that were changed, beside what it makes of them unchanged."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..labels import LabelSpace
from ..panoptic import Panoptic
from .mean_iou import MeanIoU
from .overlaps import Overlaps
from .panoptic_quality import PanopticQuality
from .pieces import small_pixels

CLEAN = 'clean'
"""The condition of images that nothing changed."""


class Taken(NamedTuple):
    """What most of a class's pixels that are missed are taken for."""

    name: str
    """The class; 'unlabelled' if no class is predicted there."""
    share: float
    """Of the class's true pixels, in percent."""


class Outcome:
    """
    What a model does with images under one condition, such as that of a corruption.

    It streams: it keeps sums, never images.
    """

    def __init__(self, label_space: LabelSpace) -> None:
        self.label_space = label_space
        self.panoptic_quality, self.mean_iou = PanopticQuality(label_space), MeanIoU(label_space)
        self._changed = self._compared = self._small = self._true_small = self._pixels = 0

    def update(self, prediction: Panoptic, truth: npt.NDArray[np.uint16],
               clean: Panoptic | None = None) -> None:
        """
        Count one image.

        Parameters
        ----------
        prediction
            The result for the changed image.
        truth
            Its labels (H, W).
        clean
            The result for the unchanged image, where its pixels are those of the changed one.

        Raises
        ------
        ValueError
            The sizes differ, or the labels are not those of the label space.

        """
        overlaps = Overlaps.measure(prediction, truth, self.label_space)
        self.panoptic_quality.add(overlaps)
        self.mean_iou.add(overlaps)
        self._small += small_pixels(prediction.labels)
        self._true_small += small_pixels(truth)
        self._pixels += truth.size
        if clean is not None:
            self._changed += int(np.count_nonzero(clean.semantic() != prediction.semantic()))
            self._compared += truth.size

    @property
    def changed(self) -> float:
        """Share of pixels in percent whose class is another than without the change, or NaN."""
        return 100 * self._changed / self._compared if self._compared else np.nan

    @property
    def small(self) -> float:
        """Share of pixels in percent that are predicted in pieces of under 100 pixels."""
        return 100 * self._small / self._pixels if self._pixels else np.nan

    @property
    def true_small(self) -> float:
        """The same share in the truth."""
        return 100 * self._true_small / self._pixels if self._pixels else np.nan

    def taken(self, name: str) -> Taken | None:
        """Return what a class is taken for where it is missed; None if it is nowhere missed."""
        place = self.label_space.names.index(name)
        row = self.mean_iou.confusion[place]
        pixels = row.sum()
        row[place] = 0
        if not row.any():
            return None
        most = int(row.argmax())
        return Taken((*self.label_space.names, 'unlabelled')[most],
                     float(100 * row[most] / pixels))

    def to_dict(self) -> dict[str, Any]:
        """Return the measures as plain data for JSON, in percent; None where one is undefined."""
        quality, iou = self.panoptic_quality.compute(), self.mean_iou.compute()
        measures = {'pq': quality.all.pq, 'pq_things': quality.things.pq,
                    'pq_stuff': quality.stuff.pq, 'miou': iou.mean,
                    'pixel_accuracy': iou.pixel_accuracy, 'changed': self.changed,
                    'small': self.small, 'true_small': self.true_small}
        return {**{key: None if np.isnan(value) else float(value)
                   for key, value in measures.items()},
                'images': iou.images, 'iou': dict(iou.per_class),
                'pq_per_class': {name: each.pq for name, each in quality.per_class.items()},
                'taken': {name: taken._asdict() for name in iou.per_class
                          if (taken := self.taken(name)) is not None}}


class Worst(NamedTuple):
    """A condition under which a class does badly."""

    condition: str
    iou: float
    taken: Taken | None


def worst(outcomes: Mapping[str, Outcome], name: str, count: int = 3) -> list[Worst]:
    """Return the conditions under which a class does worst, and worse than clean; worst first."""
    ious = {condition: outcome.mean_iou.compute().per_class.get(name, np.nan)
            for condition, outcome in outcomes.items()}
    lowest = sorted((iou, condition) for condition, iou in ious.items() if iou < ious[CLEAN])
    return [Worst(condition, iou, outcomes[condition].taken(name))
            for iou, condition in lowest[:count]]
