"""Which predicted segment is which true one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..labels import UNLABELED, LabelSpace
from .overlaps import Overlaps

Rows = npt.NDArray[np.intp]
Mask = npt.NDArray[np.bool_]
Pixels = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Matching:
    """
    The segments of an image pair, matched as panoptic quality is defined (Kirillov et al., 2019).

    A predicted and a true segment of the same class match when their IoU exceeds 0.5; pixels that
    are unlabelled in the truth leave the union.  A predicted segment without a match is false
    unless more than half of it lies on unlabelled truth and on crowd of its class.  Crowd is, in
    the truth only, a thing class with instance 0: neither found nor missed.

    ``T`` true and ``P`` predicted labels occur, unlabelled among them; ``N`` pairs of labels share
    pixels, as in ``Overlaps``; ``M`` pairs match.
    """

    true_class: npt.NDArray[np.uint16]
    """(T,) class of the true labels."""
    predicted_class: npt.NDArray[np.uint16]
    """(P,) class of the predicted labels."""
    true_area: Pixels
    """(T,) pixels."""
    predicted_area: Pixels
    """(P,) pixels."""
    on_void: Pixels
    """(P,) those of them that are unlabelled in the truth."""
    is_crowd: Mask
    """(T,) whether the true label is a crowd."""
    missed: Mask
    """(T,) whether it is a segment that no prediction matches."""
    false: Mask
    """(P,) whether it is a segment that matches nothing, and that nothing excuses."""
    true_row: Rows
    """(N,) the true label of each pair, as an index into T."""
    predicted_row: Rows
    """(N,) the predicted label of each pair, as an index into P."""
    pixels: Pixels
    """(N,) what they share."""
    same_class: Mask
    """(N,) whether both are of one class."""
    iou: npt.NDArray[np.float64]
    """(N,) IoU of two segments; 0 where one of both is unlabelled or crowd."""
    matched: Rows
    """(M,) the pairs that match, as indices into N."""

    @classmethod
    def of(cls, overlaps: Overlaps, label_space: LabelSpace) -> Matching:
        """Match the segments of an image pair of the label space."""
        divisor, pixels = label_space.label_divisor, overlaps.pixels
        true, true_row = np.unique(overlaps.truth, return_inverse=True)
        predicted, predicted_row = np.unique(overlaps.prediction, return_inverse=True)
        true_area = sums(true_row, pixels, len(true))
        predicted_area = sums(predicted_row, pixels, len(predicted))
        true_class, predicted_class = true // divisor, predicted // divisor
        is_void, is_nothing = true == UNLABELED, predicted == UNLABELED
        is_crowd = ~is_void & (true % divisor == 0)
        is_crowd[is_crowd] = label_space.is_thing[true_class[is_crowd]]

        same_class = true_class[true_row] == predicted_class[predicted_row]
        on_void = sums(predicted_row, pixels * is_void[true_row], len(predicted))
        on_crowd = sums(predicted_row, pixels * (is_crowd[true_row] & same_class), len(predicted))
        counts = ~(is_void | is_crowd)
        union = true_area[true_row] + (predicted_area - on_void)[predicted_row] - pixels
        common = np.where(counts[true_row] & ~is_nothing[predicted_row], pixels, 0)
        iou = common / np.maximum(union, 1)
        matched = np.flatnonzero(same_class & (iou > 0.5))

        missed = counts.copy()
        missed[true_row[matched]] = False
        false = ~is_nothing & (2 * (on_void + on_crowd) <= predicted_area)
        false[predicted_row[matched]] = False
        return cls(true_class, predicted_class, true_area, predicted_area, on_void, is_crowd,
                   missed, false, true_row, predicted_row, pixels, same_class, iou, matched)


def sums(row: Rows, pixels: Pixels, rows: int) -> Pixels:
    """Return the pixels of each of so many rows, (rows,)."""
    return np.bincount(row, pixels, minlength=rows).astype(np.int64)
