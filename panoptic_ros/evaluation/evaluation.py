"""All measures of a set of image pairs in one accumulator."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import numpy as np

from ..labels import LabelSpace
from .average_precision import AveragePrecision
from .mean_iou import MeanIoU
from .overlaps import LabelImage, Overlaps
from .panoptic_quality import PanopticQuality

E = TypeVar('E', bound='Evaluation')


class Pair(NamedTuple):
    """A prediction with its ground truth."""

    prediction: LabelImage
    truth: LabelImage
    seconds: float = np.nan
    """How long the prediction took, if somebody measured it."""


class Evaluation:
    """
    All measures and the prediction times, from one pass over each image pair.

    It streams and merges as ``PanopticQuality`` does.  It keeps the seconds of each prediction,
    and a few numbers of each predicted instance.
    """

    def __init__(self, label_space: LabelSpace) -> None:
        self.label_space = label_space
        self.panoptic_quality = PanopticQuality(label_space)
        self.average_precision = AveragePrecision(label_space)
        self.mean_iou = MeanIoU(label_space)
        self.seconds: list[float] = []

    def update(self: E, prediction: LabelImage, truth: LabelImage,
               seconds: float = np.nan) -> E:
        """
        Count one image.

        Raises
        ------
        ValueError
            The sizes differ, or an image is not a label image of the label space.

        """
        return self.add(Overlaps.measure(prediction, truth, self.label_space), seconds)

    def add(self: E, overlaps: Overlaps, seconds: float = np.nan) -> E:
        """Count one image whose overlaps have been measured already."""
        self.panoptic_quality.add(overlaps)
        self.average_precision.add(overlaps)
        self.mean_iou.add(overlaps)
        self.seconds.append(seconds)
        return self

    def merge(self: E, other: E) -> E:
        """
        Add what another accumulator has counted.

        Raises
        ------
        ValueError
            The other has another label space.

        """
        self.panoptic_quality.merge(other.panoptic_quality)
        self.average_precision.merge(other.average_precision)
        self.mean_iou.merge(other.mean_iou)
        self.seconds += other.seconds
        return self

    def crowd_alone(self) -> dict[str, int]:
        """
        Return by name the classes that are only crowd in the truth, and are predicted falsely.

        The value is the number of false predictions.  No prediction of such a class can be true.
        Yet the official evaluators count it, with 0, as they count any class that is predicted
        falsely.
        """
        true_pixels = self.mean_iou.true_pixels
        return {name: quality.fp
                for name, quality in self.panoptic_quality.compute().per_class.items()
                if quality.tp + quality.fn == 0
                and true_pixels[self.label_space.names.index(name)]}

    def numbers_no_thing(self) -> bool:
        """Tell whether the truth has things and all of them are crowd, as in semantic labels."""
        true_things = self.mean_iou.true_pixels[self.label_space.is_thing]
        per_class = self.panoptic_quality.compute().per_class
        return bool(true_things.any()) and not any(
            per_class[name].tp + per_class[name].fn
            for name in (self.label_space.names[i] for i in self.label_space.thing_ids)
            if name in per_class)

    def to_dict(self) -> dict[str, Any]:
        """Return every measure as plain data for JSON."""
        return {'panoptic_quality': self.panoptic_quality.compute().to_dict(),
                'average_precision': self.average_precision.compute().to_dict(),
                'mean_iou': self.mean_iou.compute().to_dict()}
