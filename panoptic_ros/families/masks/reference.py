"""
The definition of the decoder, in plain NumPy: slow, readable, the judge of the others.

The rule is the panoptic inference of Mask2Former's own code (Cheng et al., CVPR 2022).

1. *Logits* become float32.  NaN is the lowest there is; then everything is clipped to finite
   limits (``segments.upsampling``).
2. *Score* of a query: the largest soft-max probability of its class logits, no object included.
   The lower class wins ties.  A query is kept if its class is not no object, and if its score
   exceeds ``object_threshold``.
3. *Upsampling* of each kept mask: bilinear to the network's input, whose padding is cut off, and
   from there bilinear to the output.  Both are done at once, along x and then along y, with three
   weights for each pixel that are rounded to float32 (``segments.resampling``).
4. *Mask probability* of a pixel: the sigmoid of the upsampled logit, in float32 (``sigmoid``).
5. *Owner* of a pixel: the kept query with the largest product of score and mask probability, the
   first on ties.
6. A query's *area* is the number of pixels that it owns, its *original area* that of the pixels
   where its mask probability is at least ``pixel_threshold``, and its *final area* that of the
   pixels where both hold.  A query is dropped if one of them is 0, or if area / original area, in
   float64, is less than ``overlap_threshold``.
7. *Labels*: the pixels of the final area of a query that is not dropped.  The things of a class
   count from 1 in the order of the queries; those past ``LabelSpace.max_instances`` are
   unlabelled.  The stuff of a class is one segment, however many queries it has.
8. *Score* of a segment: the mean over its pixels of the product of score and mask probability of
   their owner.  For a segment of one query this is the query's score times its mean probability.
9. *Confidence* of a pixel: that product, times 255 and rounded; 0 where unlabelled.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...labels import UNLABELED, LabelSpace
from ...panoptic import Panoptic, Segments
from ...segments.resampling import resample
from ...segments.softmax import finite
from ...segments.upsampling import Axes, Axis
from .options import Options
from .queries import Queries
from .selection import keep
from .sigmoid import sigmoid

Floats = npt.NDArray[np.float32]


def decode(queries: Queries, label_space: LabelSpace, size: tuple[int, int],
           options: Options, confidence: bool) -> Panoptic:
    """Decode queries as this module defines it; the parameters are those of ``masks.decode``."""
    kept = keep(queries.classes, options)
    axes = resample(queries.frame(size))
    owner = np.full(size, -1)
    best = np.full(size, -1, np.float32)
    is_inside = np.zeros(size, np.bool_)        # the mask of its owner
    original = []
    for index, (query, score) in enumerate(zip(kept.query, kept.score, strict=True)):
        probability = sigmoid(upsample(finite(queries.masks[query]), axes))
        inside = probability >= np.float32(options.pixel_threshold)
        original.append(int(inside.sum()))
        product = score * probability
        better = product > best
        owner[better], best[better], is_inside[better] = index, product[better], inside[better]
    labels = np.full(size, UNLABELED, np.uint16)
    counts = np.zeros(len(label_space), np.int64)
    for index, class_id in enumerate(kept.class_id):
        owned = owner == index
        final = owned & is_inside
        if not final.any() or owned.sum() / original[index] < options.overlap_threshold:
            continue
        counts[class_id] += label_space.is_thing[class_id]
        if counts[class_id] <= label_space.max_instances:
            labels[final] = class_id * label_space.label_divisor + counts[class_id]
    product = np.where(labels == UNLABELED, np.float32(0), best)
    return Panoptic(labels, Segments.measure(labels, label_space, mean(product, labels)),
                    label_space, image_of(product) if confidence else None)


def upsample(mask: Floats, axes: Axes) -> Floats:
    """Interpolate one mask, (h, w), to (H, W)."""
    y, x = axes
    rows = _weigh([mask[:, cell] for cell in _cells(x, mask.shape[1])], x.weights)
    return _weigh([rows[cell] for cell in _cells(y, mask.shape[0])], y.weights[:, :, None])


def _cells(axis: Axis, count: int) -> list[npt.NDArray[np.int32]]:
    """Return the three cells of each pixel."""
    return [np.minimum(axis.lower + step, count - 1) for step in range(3)]


def _weigh(values: list[Floats], weights: Floats) -> Floats:
    return np.asarray(weights[0] * values[0] + weights[1] * values[1] + weights[2] * values[2])


def mean(product: Floats, labels: npt.NDArray[np.uint16]) -> Floats:
    """Return the mean of some values over each segment, by label, (65536,); 0 if absent."""
    total = np.bincount(labels.ravel(), product.ravel(), UNLABELED + 1)
    area = np.bincount(labels.ravel(), minlength=UNLABELED + 1)
    return np.clip(total / np.maximum(area, 1), 0, 1).astype(np.float32)


def image_of(product: Floats) -> npt.NDArray[np.uint8]:
    """Return values from 0 to 1 as uint8, 255 for 1."""
    return np.asarray(product * np.float32(255) + np.float32(0.5)).astype(np.uint8)
