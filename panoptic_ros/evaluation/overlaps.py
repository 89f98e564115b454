"""How many pixels each predicted segment shares with each true one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..labels import UNLABELED, LabelSpace
from ..panoptic import Panoptic
from .translation import translation

LabelImage = npt.NDArray[np.uint16] | Panoptic
"""A panoptic label image, (H, W) uint16, or the result that carries one."""


@dataclass(frozen=True, eq=False)
class Overlaps:
    """
    The joint histogram of two label images, one row per pair of labels that share a pixel.

    Everything that the measures of this package need of an image pair is in it.  Rows are sorted
    by true label, then by predicted label.
    """

    truth: npt.NDArray[np.uint16]
    """(N,) label in the ground truth."""
    prediction: npt.NDArray[np.uint16]
    """(N,) label in the prediction."""
    pixels: npt.NDArray[np.int64]
    """(N,) pixels that carry both."""
    score: npt.NDArray[np.float32]
    """(N,) the predicted segment's score; 1 where the prediction is a bare label image."""

    @classmethod
    def measure(cls, prediction: LabelImage, truth: LabelImage,
                label_space: LabelSpace) -> Overlaps:
        """
        Count the pixels of every pair of labels.

        A predicted ``Panoptic`` may be of a label space that tells more apart: ``translation``.

        Raises
        ------
        ValueError
            An image is not (H, W) uint16, the sizes differ, or a label is not one of the label
            space: of a class that it lacks, a stuff class with an instance number, or a predicted
            thing without one; or a ``Panoptic`` is of a label space that says something else.

        """
        space = _space_of(prediction, label_space)
        if _space_of(truth, label_space) != label_space:
            raise ValueError(f'truth has label space {_space_of(truth, label_space).name!r}: '
                             f'expected {label_space.name!r}, which is measured in')
        table = None if space == label_space else translation(space, label_space)
        predicted = label_image(prediction, 'prediction')
        true = label_image(truth, 'truth')
        if predicted.shape != true.shape:
            raise ValueError(
                f'prediction is {_size(predicted)} and truth {_size(true)}: expected one size '
                '(resize labels with nearest neighbour, or segment at the size of the truth)')
        from .pair_counts import count_pairs

        pair, pixels = count_pairs(_row_of(true), _row_of(predicted))
        order = np.argsort(pair)
        true_label = (pair[order] >> 16).astype(np.uint16)
        predicted_label = (pair[order] & UNLABELED).astype(np.uint16)
        check_labels(np.unique(true_label), label_space, 'truth', allows_crowd=True)
        check_labels(np.unique(predicted_label), space, 'prediction', allows_crowd=False)
        score_of = np.ones(UNLABELED + 1, np.float32)
        if isinstance(prediction, Panoptic):
            score_of[prediction.segments.label] = prediction.segments.score
        counted = cls(true_label, predicted_label, pixels[order], score_of[predicted_label])
        if table is None:
            return counted
        return cls.join([replace(counted, prediction=table[predicted_label])])

    @classmethod
    def join(cls, parts: Sequence[Overlaps]) -> Overlaps:
        """
        Return the overlaps of several images as if they were one.

        Segments of one label are one there: the tubes of a video, whose score is the mean.
        """
        keys = np.concatenate([part.truth.astype(np.int64) << 16 | part.prediction
                               for part in parts])
        pixels = np.concatenate([part.pixels for part in parts])
        pair, row = np.unique(keys, return_inverse=True)
        prediction = keys & UNLABELED
        weight = pixels * np.concatenate([part.score for part in parts])
        score_of = (np.bincount(prediction, weight, UNLABELED + 1)
                    / np.maximum(np.bincount(prediction, pixels, UNLABELED + 1), 1))
        predicted = (pair & UNLABELED).astype(np.uint16)
        return cls((pair >> 16).astype(np.uint16), predicted,
                   np.bincount(row, pixels, len(pair)).astype(np.int64),
                   score_of[predicted].astype(np.float32))


def label_image(image: LabelImage, name: str) -> npt.NDArray[np.uint16]:
    """Return the array; raise ``ValueError``, with the image's ``name``, where it is none."""
    labels = image.labels if isinstance(image, Panoptic) else image
    if not isinstance(labels, np.ndarray):
        raise ValueError(f'{name} is a {type(labels).__name__}: expected a uint16 array (H, W) '
                         'or a Panoptic')
    if labels.dtype != np.uint16 or labels.ndim != 2 or labels.size == 0:
        raise ValueError(f'{name} is {labels.dtype} {labels.shape}: expected uint16 (H, W) of '
                         'class_id * label_divisor + instance')
    return labels


def _space_of(image: LabelImage, label_space: LabelSpace) -> LabelSpace:
    return image.label_space if isinstance(image, Panoptic) else label_space


def _size(labels: npt.NDArray[np.uint16]) -> str:
    return f'{labels.shape[1]}x{labels.shape[0]}'


def check_labels(present: npt.NDArray[np.uint16], space: LabelSpace, name: str,
                 allows_crowd: bool) -> None:
    """Raise ``ValueError``, with the image's ``name``, where a label is not one of the space."""
    labels = present[present != UNLABELED].astype(np.int64)
    class_id, instance = np.divmod(labels, space.label_divisor)
    foreign = labels[class_id >= len(space)]
    if len(foreign):
        raise ValueError(
            f'{name} has the label {foreign[0]}, class {foreign[0] // space.label_divisor} at '
            f'divisor {space.label_divisor}: label space {space.name!r} has the classes 0 to '
            f'{len(space) - 1}, and {UNLABELED} is unlabelled')
    is_thing = space.is_thing[class_id]
    numbered = labels[~is_thing & (instance > 0)]
    if len(numbered):
        raise ValueError(
            f'{name} has the label {numbered[0]}, an instance of the stuff class '
            f'{space.names[numbered[0] // space.label_divisor]!r}: stuff has instance 0')
    unnumbered = labels[is_thing & (instance == 0)]
    if not allows_crowd and len(unnumbered):
        raise ValueError(
            f'{name} has the label {unnumbered[0]}, the thing class '
            f'{space.names[unnumbered[0] // space.label_divisor]!r} without an instance: '
            'instances count from 1 (only a truth has crowd regions); write '
            f'{UNLABELED} where the instance is unknown')


def _row_of(image: npt.NDArray[np.uint16]) -> npt.NDArray[np.uint16]:
    """Return (N,) labels, read-only: a kernel is compiled for each kind of array."""
    row = image.reshape(-1).view()
    row.flags.writeable = False
    return row


def warm_up() -> None:
    """Compile what measuring compiles, so that no image waits for it."""
    from .pair_counts import count_pairs
    from .pieces import small_pixels

    label = _row_of(np.zeros((1, 1), np.uint16))
    count_pairs(label, label)
    small_pixels(np.zeros((1, 1), np.uint16))
