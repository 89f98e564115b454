"""
The definition of the grouping, in plain NumPy: slow, readable, the judge of the others.

The semantics are those of the public post-processing of Panoptic-DeepLab (Cheng et al., CVPR
2020; Detectron2's project of that name), except that of equal peaks that touch only the first is
a centre, that offsets are scaled when the output has another size than the network's input, and
that scores take the heatmap at the detected centre.

1. *Heads* become float32.  A NaN logit is the lowest there is, a NaN of the heatmap is 0, an
   offset that is not finite is 0; then everything is clipped to finite limits (``upsampling``).
2. *Upsampling* of each head straight to the output size: bilinear, from where the cells lie
   (``heads.Grid``), float32, along x and then along y.  Heat that rounding brings over the hotter
   or under the colder of two neighbours is theirs: between equal ones it is flat.  Offsets are
   then multiplied by output / input size.  Of a padded input only the part that the image fills
   counts, as its size and as what is upsampled.
3. *Classes*: each pixel has the class of its largest logit, the lower id on ties.
4. *Centres*: a peak is a pixel whose heat exceeds ``center_threshold`` and is the maximum of the
   ``nms_kernel`` square around it.  Two peaks touch when they share a side or a corner and lie in
   each other's squares; they are equally hot then.  A peak that touches one before it, row by
   row, is no centre, all others are.  When there are at least ``top_k``, those that exceed the
   ``top_k``-th strictly: that one and its equals are dropped.  They are numbered row by row.
5. *Instances*: each thing pixel belongs to the centre nearest to its position plus its offset,
   by squared float32 distance, the first on ties; to none when there are no centres.
6. *Class of an instance*: the most frequent among its pixels, the lower id on ties.
7. *Numbers*: instances that have pixels count from 1 within their class, in the order of their
   centres.  Those past ``LabelSpace.max_instances`` are unlabelled.
8. *Stuff*: the pixels of a class, unlabelled where they are fewer than ``stuff_area``.
9. *Scores*: the mean over the segment's pixels of the soft-max probability of the segment's
   class in the cell of the heads nearest to the pixel's middle; for a thing times the heat at
   its centre, clipped to [0, 1].
10. *Confidence*: the soft-max probability of each cell's likeliest class, upsampled, times 255
    and rounded.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import sliding_window_view

from ...labels import UNLABELED, LabelSpace
from ...panoptic import Panoptic, Segments
from ...segments.upsampling import LIMIT, Axis
from .heads import OFFSET_LIMIT, Heads
from .options import Options

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]
Axes = tuple[Axis, Axis]


def decode(heads: Heads, label_space: LabelSpace, size: tuple[int, int],
          options: Options, confidence: bool) -> Panoptic:
    """Group heads as this module defines it; the parameters are those of ``deeplab.decode``."""
    semantic, center, offset = clean(heads)
    axes = Axis.both(heads.grid, size)
    classes = classify(semantic, axes)
    centers, heats = find_centers(upsample_heat(center, axes), options)
    is_thing = label_space.is_thing[classes]
    ratio = [np.float32(pixels / part)
             for pixels, part in zip(size, heads.grid.part, strict=True)]
    shift = [upsample(plane, axes) * scale for plane, scale in zip(offset, ratio, strict=True)]
    instances = assign(shift, centers)
    labels = np.full(size, UNLABELED, np.uint16)
    heat_of = np.ones(UNLABELED + 1, np.float32)
    counts = np.zeros(len(label_space), np.int64)
    for instance, heat in enumerate(heats):
        mask = is_thing & (instances == instance)
        if not mask.any():
            continue
        class_id = int(np.bincount(classes[mask]).argmax())
        counts[class_id] += 1
        if counts[class_id] <= label_space.max_instances:
            label = class_id * label_space.label_divisor + counts[class_id]
            labels[mask] = label
            heat_of[label] = np.clip(heat, 0, 1)
    for class_id in label_space.stuff_ids:
        mask = classes == class_id
        if mask.sum() >= options.stuff_area:
            labels[mask] = class_id * label_space.label_divisor
    probability = softmax(semantic)
    scores = heat_of * mean_probability(probability, labels, label_space, axes)
    return Panoptic(labels, Segments.measure(labels, label_space, np.clip(scores, 0, 1)),
                    label_space, confidence_image(probability, axes) if confidence else None)


def clean(heads: Heads) -> tuple[Floats, Floats, Floats]:
    """Return semantic, center and offset as finite float32."""
    semantic = heads.semantic.astype(np.float32)
    semantic = np.clip(np.where(np.isnan(semantic), -LIMIT, semantic), -LIMIT, LIMIT)
    center = heads.center.astype(np.float32)
    center = np.clip(np.where(np.isnan(center), np.float32(0), center), -LIMIT, LIMIT)
    offset = heads.offset.astype(np.float32)
    offset = np.where(np.isfinite(offset), offset, np.float32(0))
    return semantic, center, np.clip(offset, -OFFSET_LIMIT, OFFSET_LIMIT)


def upsample(plane: Floats, axes: Axes) -> Floats:
    """Interpolate one plane of a head, (h, w), to (H, W)."""
    y, x = axes
    rows = x.weights[0] * plane[:, x.lower] + x.weights[1] * plane[:, x.upper]
    weights = y.weights[:, :, None]
    return np.asarray(weights[0] * rows[y.lower] + weights[1] * rows[y.upper])


def upsample_heat(plane: Floats, axes: Axes) -> Floats:
    """Interpolate the heatmap, (h, w), to (H, W); no heat is outside of its neighbours'."""
    y, x = axes
    rows = _between(plane[:, x.lower], plane[:, x.upper], x.weights)
    return _between(rows[y.lower], rows[y.upper], y.weights[:, :, None])


def _between(before: Floats, after: Floats, weights: Floats) -> Floats:
    value = weights[0] * before + weights[1] * after
    return np.clip(value, np.minimum(before, after), np.maximum(before, after))


def classify(semantic: Floats, axes: Axes) -> Integers:
    """Return the class of each pixel, (H, W)."""
    best = upsample(semantic[0], axes)
    classes = np.zeros(best.shape, np.int64)
    for class_id in range(1, len(semantic)):
        logit = upsample(semantic[class_id], axes)
        better = logit > best
        classes[better] = class_id
        best[better] = logit[better]
    return classes


def find_centers(heatmap: Floats, options: Options) -> tuple[Integers, Floats]:
    """Return the centres' (y, x), (K, 2), row by row, and the heat there, (K,)."""
    kernel = options.nms_kernel
    padded = np.pad(heatmap, kernel // 2, constant_values=-np.inf)
    pooled = sliding_window_view(padded, kernel, axis=0).max(-1)
    pooled = sliding_window_view(pooled, kernel, axis=1).max(-1)
    peak = (heatmap > np.float32(options.center_threshold)) & (heatmap == pooled)
    if kernel > 1:
        peak = first_of_touching(peak)
    heats = np.sort(heatmap[peak])[::-1]
    if len(heats) >= options.top_k:
        peak &= heatmap > heats[options.top_k - 1]
    return np.argwhere(peak), heatmap[peak]


def first_of_touching(peak: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return the peaks, (H, W), that touch none before them, row by row."""
    height, width = peak.shape
    around = np.pad(peak, 1)
    earlier = ((0, 0), (0, 1), (0, 2), (1, 0))      # above, each of three, and to the left
    touching = np.any([around[y:y + height, x:x + width] for y, x in earlier], axis=0)
    return np.asarray(peak & ~touching)


def assign(shift: Sequence[Floats], centers: Integers) -> Integers:
    """Return the index of the centre nearest to pixel + (dy, dx), (H, W); -1: there is none."""
    dy, dx = shift
    size = dy.shape
    y = np.arange(size[0], dtype=np.float32)[:, None] + dy
    x = np.arange(size[1], dtype=np.float32)[None, :] + dx
    nearest = np.full(size, -1, np.int64)
    least = np.full(size, np.inf, np.float32)
    for index, (center_y, center_x) in enumerate(centers.astype(np.float32)):
        distance = np.square(y - center_y) + np.square(x - center_x)
        closer = distance < least
        nearest[closer] = index
        least[closer] = distance[closer]
    return nearest


def softmax(semantic: Floats) -> Floats:
    """Return the probability of each class in each cell, (C, h, w)."""
    weight = np.exp(semantic - semantic.max(0))
    return np.asarray(weight / weight.sum(0))


def mean_probability(probability: Floats, labels: npt.NDArray[np.uint16],
                     label_space: LabelSpace, axes: Axes) -> Floats:
    """Return the mean probability of each segment's class, by label, (65536,); 0 if absent."""
    y, x = (axis.cell for axis in axes)
    labeled = labels != UNLABELED
    rows, columns = np.nonzero(labeled)
    class_id = labels[labeled] // label_space.label_divisor
    value = probability[class_id, y[rows], x[columns]]
    total = np.bincount(labels[labeled], value, UNLABELED + 1)
    area = np.bincount(labels[labeled], minlength=UNLABELED + 1)
    return (total / np.maximum(area, 1)).astype(np.float32)


def confidence_image(probability: Floats, axes: Axes) -> npt.NDArray[np.uint8]:
    """Return the likeliest class's probability of each pixel, (H, W) uint8, 255 for 1."""
    confidence = upsample(probability.max(0), axes)
    return np.asarray(confidence * np.float32(255) + np.float32(0.5)).astype(np.uint8)
