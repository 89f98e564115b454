"""
The definition of the decoder, in plain NumPy: slow, readable, the judge of the others.

The rule is that of Detectron2's Panoptic-FPN (``combine_semantic_and_instance_outputs``, and what
comes before it: ``detector_postprocess``, ``paste_masks_in_image``, ``sem_seg_postprocess``).

1. *Outputs* become float32.  A NaN score or mask probability is 0, and both are clipped to [0, 1].
   A NaN logit is the lowest there is; then logits are clipped to finite limits.
2. *Boxes* are scaled to the label image and clipped to it.  A detection takes part if its box is
   finite and not empty, its class is one of the label space's things, and its score is above 0
   and at least ``score_threshold``.
3. *Order*: by score, the largest first, then by row.  (The source does not say what it does with
   equal scores.)
4. *Mask* of a detection: its cells fill its box, with zeros around them.  A pixel is inside if its
   middle lies in the box, the border included, and if the bilinear interpolation of the cells, in
   float32, along y and then along x, is at least 0.5 there.  (Beyond the border the source
   interpolates towards the zeros, so no probability reaches 0.5.  On a processor it looks up to
   two pixels beyond, on a GPU at the whole image: both give the same.)
5. *Painting*, in that order: a detection is skipped if its mask has no pixel, or if the share of
   the mask that is painted already exceeds ``overlap_threshold``, in float64.  Otherwise what is
   free of its mask is painted.  The things of a class count from 1 in the order of painting,
   those without a pixel of their own left out; those past ``LabelSpace.max_instances`` are
   unlabelled, but not free.
6. *Channel* of a free pixel: that of the largest logit, the first on ties.  The logits are brought
   to the network's input, whose padding is cut off, and from there to the label image, as in
   ``masks``: both bilinear steps at once, with weights that are rounded to float32
   (``segments.resampling``), along x and then along y.  Where all cells that a pixel can have a
   part of have the same likeliest channel, this is the pixel's: rounding cannot part them.
7. *Stuff*: the free pixels of a channel are a segment if they are at least ``stuff_area``.
   Channel 0 stands for things; its pixels are unlabelled.
8. *Confidence* of a pixel: the score of the detection that painted it; for stuff the mean over the
   four cells around the pixel of the soft-max probability of their likeliest channel, in fixed
   point.  It is times 255 and rounded; 0 where unlabelled.
9. *Score* of a segment: the mean of that over its pixels; for a thing the detection's score.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...labels import UNLABELED, LabelSpace
from ...panoptic import Panoptic, Segments
from ...segments.resampling import Frame, resample
from ...segments.softmax import finite, probability
from ...segments.tallies import PROBABILITY_ONE
from ...segments.upsampling import Axes, Axis
from .detections import Detections
from .options import Options
from .selection import Chosen, choose, unit

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]

FREE = -1


def decode(detections: Detections, label_space: LabelSpace, size: tuple[int, int],
           options: Options, confidence: bool) -> Panoptic:
    """Decode detections as this module defines it; the parameters are those of ``fpn.decode``."""
    chosen = choose(detections, label_space, size, options)
    owner = paint(chosen, detections, size, options)
    labels = np.full(size, UNLABELED, np.uint16)
    sure = np.zeros(size, np.float32)
    score_of = np.ones(UNLABELED + 1, np.float32)
    counts = np.zeros(len(label_space), np.int64)
    for index, (class_id, score) in enumerate(zip(chosen.class_id, chosen.score, strict=True)):
        mask = owner == index
        counts[class_id] += mask.any()
        if mask.any() and counts[class_id] <= label_space.max_instances:
            label = class_id * label_space.label_divisor + counts[class_id]
            labels[mask], sure[mask], score_of[label] = label, score, score
    semantic = finite(detections.semantic)
    axes = resample(Frame((semantic.shape[1], semantic.shape[2]), detections.input_size,
                          detections.part, size))
    channels, likelihood = classify(semantic, axes), around(semantic, axes)
    for channel, class_id in enumerate(label_space.stuff_ids, 1):
        mask = (channels == channel) & (owner == FREE)
        if mask.any() and mask.sum() >= options.stuff_area:
            label = class_id * label_space.label_divisor
            labels[mask], sure[mask] = label, likelihood[mask] / np.float32(PROBABILITY_ONE)
            score_of[label] = likelihood[mask].mean() / PROBABILITY_ONE
    image = np.asarray(sure * np.float32(255) + np.float32(0.5)).astype(np.uint8)
    return Panoptic(labels, Segments.measure(labels, label_space, score_of), label_space,
                    image if confidence else None)


def paint(chosen: Chosen, detections: Detections, size: tuple[int, int], options: Options
          ) -> Integers:
    """Return which of the chosen detections painted each pixel, (H, W); FREE: none."""
    owner = np.full(size, FREE)
    for index, row in enumerate(chosen.row):
        left, top, right, bottom = chosen.pixels[index]
        inside = paste(unit(detections.masks[row]), chosen.box[index], chosen.pixels[index])
        canvas = owner[top:bottom, left:right]
        area, overlap = inside.sum(), (inside & (canvas != FREE)).sum()
        if area > 0 and overlap / area <= options.overlap_threshold:
            canvas[inside & (canvas == FREE)] = index
    return owner


def paste(mask: Floats, box: Floats, pixels: npt.NDArray[np.int32]) -> npt.NDArray[np.bool_]:
    """Return which pixels of a box, x0, y0, x1, y1, are inside of its mask, (side, side)."""
    padded = np.pad(mask, 1)
    side = len(mask)
    y, y_weight = locate(pixels[1], pixels[3], (box[1], box[3]), side)
    x, x_weight = locate(pixels[0], pixels[2], (box[0], box[2]), side)
    rows = padded[y] + (padded[y + 1] - padded[y]) * y_weight[:, None]
    values = rows[:, x] + (rows[:, x + 1] - rows[:, x]) * x_weight
    return np.asarray(values >= np.float32(0.5))


def locate(first: int, end: int, sides: tuple[np.float32, np.float32], cells: int
           ) -> tuple[Integers, Floats]:
    """
    Return the cell before each pixel of an axis, and the weight of the cell after it.

    Cell 0 is the zero before the mask's first, and ``cells`` + 1 the zero after its last.
    """
    low, high = sides
    middle = np.arange(first, end, dtype=np.float32) + np.float32(0.5)
    position = (middle - low) / (high - low) * np.float32(cells) + np.float32(0.5)
    lower = np.minimum(position.astype(np.int64), cells)
    return lower, position - lower.astype(np.float32)


def classify(semantic: Floats, axes: Axes) -> Integers:
    """Return the channel of each pixel, (H, W)."""
    best = upsample(semantic[0], axes)
    channels = np.zeros(best.shape, np.int64)
    for channel in range(1, len(semantic)):
        logit = upsample(semantic[channel], axes)
        better = logit > best
        channels[better], best[better] = channel, logit[better]
    corners = spread(semantic.argmax(0), axes, *(3 if axis.weights[2].any() else 2
                                                 for axis in axes))
    agree = (corners == corners[0]).all(0)
    return np.where(agree, corners[0], channels)


def around(semantic: Floats, axes: Axes) -> Integers:
    """Return the mean of the four cells' probabilities of each pixel, (H, W), in fixed point."""
    fixed = (np.float32(PROBABILITY_ONE) * probability(semantic)).astype(np.int64)
    return np.asarray(spread(fixed, axes, 2, 2).sum(0) >> 2)


def spread(cells: Integers, axes: Axes, rows: int, columns: int) -> Integers:
    """Return the cells from each pixel's first on, (rows * columns, H, W)."""
    y, x = axes
    height, width = cells.shape
    return np.stack([cells[np.minimum(y.lower + row, height - 1)][
        :, np.minimum(x.lower + column, width - 1)]
        for row in range(rows) for column in range(columns)])


def upsample(plane: Floats, axes: Axes) -> Floats:
    """Interpolate one channel, (h, w), to (H, W)."""
    y, x = axes
    rows = _weigh([plane[:, cell] for cell in _cells(x, plane.shape[1])], x.weights)
    return _weigh([rows[cell] for cell in _cells(y, plane.shape[0])], y.weights[:, :, None])


def _cells(axis: Axis, count: int) -> list[npt.NDArray[np.int32]]:
    """Return the three cells of each pixel."""
    return [np.minimum(axis.lower + step, count - 1) for step in range(3)]


def _weigh(values: list[Floats], weights: Floats) -> Floats:
    return np.asarray(weights[0] * values[0] + weights[1] * values[1] + weights[2] * values[2])
