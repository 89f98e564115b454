"""Segments without their classes, as Segment Anything finds them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from ..labels import UNLABELED, Category, LabelSpace
from .average_precision import LEAST_AREA
from .overlaps import Overlaps, check_labels
from .panoptic_quality import PanopticQuality

CLASS_AGNOSTIC = LabelSpace('class-agnostic', UNLABELED,
                            (Category('segment', 1, True, (255, 255, 255)),))
"""The label space of segments without classes: all are of one, and numbered from 1."""

_CONNECTIVITY = 8


class ShatteredError(ValueError):
    """A label image falls into more segments than there are labels."""


def erase_classes(labels: npt.NDArray[np.uint16], label_space: LabelSpace,
                  name: str) -> npt.NDArray[np.uint16]:
    """
    Return the segments of a label image without their classes, (H, W) of ``CLASS_AGNOSTIC``.

    A thing stays one segment, in however many pieces it is seen.  The pixels of a stuff class
    become a segment for each connected component, because without its class nothing joins the
    sky left of a tower to the sky right of it.  Pixels that touch at a corner are connected, so
    that a slanting wire is one segment and not one for each pixel; the clean-up of Segment
    Anything's masks connects them so, too.  Crowd is crowd, and unlabelled stays unlabelled.

    Parameters
    ----------
    labels
        (H, W) uint16 of the label space.
    label_space
        The classes to erase.
    name
        What errors call the image.

    Raises
    ------
    ValueError
        A label is not one of the label space.
    ShatteredError
        There are more segments than labels.

    """
    present = np.flatnonzero(np.bincount(labels.ravel(), minlength=UNLABELED)[:UNLABELED])
    check_labels(present.astype(np.uint16), label_space, name, allows_crowd=True)
    class_id, instance = np.divmod(present, label_space.label_divisor)
    is_thing = label_space.is_thing[class_id]
    things = present[is_thing & (instance > 0)]
    table = np.full(UNLABELED + 1, UNLABELED, np.uint16)
    table[present[is_thing & (instance == 0)]] = 0      # crowd
    table[things] = 1 + np.arange(len(things))
    erased = table[labels]
    used = len(things)
    for label in present[~is_thing].tolist():
        mask = cv2.inRange(labels, label, label)        # type: ignore[call-overload]
        left, top, width, height = cv2.boundingRect(mask)
        box = slice(top, top + height), slice(left, left + width)
        count, component = cv2.connectedComponents(mask[box], connectivity=_CONNECTIVITY)
        if used + count > UNLABELED:
            raise ShatteredError(f'{name} falls into more than {UNLABELED - 1} connected '
                                 'segments: expected an image of regions, not of noise')
        np.add(component, used, out=erased[box], where=mask[box] > 0, casting='unsafe')
        used += count - 1
    return erased


class ClassAgnostic:
    """
    Accumulates panoptic quality with the classes erased on both sides.

    Matching, unlabelled pixels and crowd are those of ``PanopticQuality``, for one class, so a
    prediction on any crowd is excused.  What is in front cuts stuff into many small components:
    ``large`` measures without the segments under ``LEAST_AREA`` pixels, which are unlabelled
    then, on both sides.
    """

    def __init__(self) -> None:
        self.quality = PanopticQuality(CLASS_AGNOSTIC)
        self.large = PanopticQuality(CLASS_AGNOSTIC)

    def update(self, prediction: npt.NDArray[np.uint16], truth: npt.NDArray[np.uint16],
               seconds: float = np.nan) -> ClassAgnostic:
        """
        Count one image; both label images are of ``CLASS_AGNOSTIC``.

        Raises
        ------
        ValueError
            The sizes differ, or an image is not a label image of ``CLASS_AGNOSTIC``.

        """
        overlaps = Overlaps.measure(prediction, truth, CLASS_AGNOSTIC)
        self.quality.add(overlaps)
        self.large.add(_without_small(overlaps))
        return self

    def merge(self, other: ClassAgnostic) -> ClassAgnostic:
        """Add what another accumulator has counted."""
        self.quality.merge(other.quality)
        self.large.merge(other.large)
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return both measures as plain data for JSON; None where one is undefined."""
        return {**_plain(self.quality),
                'large': {'least_area': LEAST_AREA, **_plain(self.large)}}



def _plain(quality: PanopticQuality) -> dict[str, Any]:
    """Return the one class's quality, with its counts."""
    result = quality.compute().to_dict()
    counts = result['per_class'].get('segment', {})
    return {**{key: result['all'][key] for key in ('pq', 'sq', 'rq')},
            **{key: counts.get(key, 0) for key in ('tp', 'fp', 'fn')}}


def _without_small(overlaps: Overlaps) -> Overlaps:
    """Return the overlaps with small segments unlabelled; crowd stays, whatever its size."""
    def cleared(labels: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
        area = np.bincount(labels, overlaps.pixels, UNLABELED + 1)
        is_small = (area[labels] < LEAST_AREA) & (labels > 0)
        return np.where(is_small, np.uint16(UNLABELED), labels)

    return Overlaps.join([replace(overlaps, truth=cleared(overlaps.truth),
                                  prediction=cleared(overlaps.prediction))])
