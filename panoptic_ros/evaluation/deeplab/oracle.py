"""Ground truth as an oracle: what is lost between ideal heads and the panoptic image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import cv2
import numpy as np
import numpy.typing as npt

from ...families import deeplab
from ...labels import UNLABELED, LabelSpace
from ...panoptic import Segments
from ..evaluation import Pair
from ..overlaps import LabelImage, label_image

T = TypeVar('T', np.uint16, np.float32)

SIGMA = 8.0
"""Standard deviation of a centre's Gaussian in pixels, as published."""

OPTIONS = deeplab.Options(top_k=1000, stuff_area=0)
"""The published options, except that every instance and the smallest stuff are kept."""


def encode(labels: npt.NDArray[np.uint16], label_space: LabelSpace, stride: int) -> deeplab.Heads:
    """
    Return the heads that an ideal network would give for a ground truth.

    Parameters
    ----------
    labels
        (H, W) uint16, panoptic labels.
    label_space
        What they mean.
    stride
        Pixels per cell; a size that it does not divide is padded below and on the right.

    Returns
    -------
    The heads.

    - Semantic: one-hot, averaged over the pixels of each cell.
    - Center: a Gaussian around the middle pixel of each thing, and of each class's crowd, which
      must be told apart from things.  A middle that touches a larger thing's is moved.
    - Offset: to the middle pixel of the thing at the middle of the cell; around things, to that of
      the nearest thing.

    Unlabelled pixels take the class of the nearest labelled pixel, so that they outvote nothing.
    Without any labelled pixel, no class is likelier than another.

    """
    height, width = (-(-side // stride) * stride for side in labels.shape)
    padded = np.full((height, width), UNLABELED, np.uint16)
    padded[:labels.shape[0], :labels.shape[1]] = labels
    cells = height // stride, width // stride
    filled = _filled(padded, padded == UNLABELED)
    classes = label_space.semantic(filled)
    semantic = np.zeros((len(label_space), *cells), np.float32)
    for class_id in np.unique(classes[classes < len(label_space)]):
        semantic[class_id] = cv2.resize((classes == class_id).astype(np.float32), cells[::-1],
                                        interpolation=cv2.INTER_AREA)
    center = np.zeros(cells, np.float32)
    segments = Segments.measure(padded, label_space)
    things = segments[label_space.is_thing[segments.class_id]]
    y, x = (np.arange(count) * stride + (stride - 1) / 2 for count in cells)
    middle_of = np.full((UNLABELED + 1, 2), np.nan, np.float32)
    middle_of[things.label] = _middles(things.centroid[:, ::-1], (height, width))
    for middle_y, middle_x in middle_of[things.label]:
        np.maximum(center, np.outer(np.exp(-(y - middle_y) ** 2 / (2 * SIGMA ** 2)),
                                    np.exp(-(x - middle_x) ** 2 / (2 * SIGMA ** 2))), out=center)
    middle = middle_of[filled[stride // 2::stride, stride // 2::stride]]
    middle = np.nan_to_num(_filled(middle, np.isnan(middle[..., 0])))
    offset = np.stack([middle[..., 0] - y[:, None], middle[..., 1] - x]).astype(np.float32)
    return deeplab.Heads(semantic, center, offset, stride)


@dataclass(frozen=True)
class Oracle:
    """
    Encodes ground truth and groups it again; a loader for ``evaluate``.

    Parameters
    ----------
    truth
        Returns the ground truth of an index.
    label_space
        Its classes.
    stride
        Pixels of the image per cell of the heads; 1 is full resolution.

    """

    truth: Callable[[int], LabelImage]
    label_space: LabelSpace
    stride: int

    def __call__(self, index: int) -> Pair:
        """Return the grouping of the ideal heads, and the truth."""
        truth = label_image(self.truth(index), 'truth')
        heads = encode(truth, self.label_space, self.stride)
        grouped = deeplab.decode(heads, self.label_space, options=OPTIONS).labels
        return Pair(grouped[:truth.shape[0], :truth.shape[1]], truth)


def _middles(centroid: npt.NDArray[np.float32], size: tuple[int, int]) -> npt.NDArray[np.float32]:
    """Return the pixel (y, x) nearest to each centroid, (N, 2), that touches no earlier one."""
    middles = np.rint(centroid).astype(np.intp)
    near = np.zeros(size, np.bool_)
    for middle, (y, x) in zip(middles, centroid, strict=True):
        if near[tuple(middle)] and not near.all():
            free = np.argwhere(~near)
            middle[:] = free[np.square(free - (y, x)).sum(1).argmin()]
        near[max(middle[0] - 1, 0):middle[0] + 2, max(middle[1] - 1, 0):middle[1] + 2] = True
    return middles.astype(np.float32)


def _filled(image: npt.NDArray[T], absent: npt.NDArray[np.bool_]) -> npt.NDArray[T]:
    """Return an image (H, W, ...) whose ``absent`` pixels have the nearest other pixel's value."""
    if absent.all() or not absent.any():
        return image
    nearest = cv2.distanceTransformWithLabels(absent.astype(np.uint8), cv2.DIST_L2, 5,
                                              labelType=cv2.DIST_LABEL_PIXEL)[1]
    of_number = np.zeros((int(nearest.max()) + 1, *image.shape[2:]), image.dtype)
    of_number[nearest[~absent]] = image[~absent]
    return of_number[nearest]
