"""Which detections take part, where their boxes lie in the image, and the cells of their masks."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...labels import LabelSpace
from .detections import Detections
from .options import Options

Floats = npt.NDArray[np.float32]

_HALF = np.float32(0.5)


class Chosen(NamedTuple):
    """The K detections that take part, the likeliest first."""

    row: npt.NDArray[np.int64]
    """(K,) their places among all detections."""
    class_id: npt.NDArray[np.int64]
    """(K,) the class of each in the label space ..."""
    score: Floats
    """... (K,) its score, from 0 to 1 ..."""
    box: Floats
    """... (K, 4) x0, y0, x1, y1 in pixels of the label image ..."""
    pixels: npt.NDArray[np.int32]
    """... and (K, 4) the pixels whose middles lie in the box: the same, half-open."""


def choose(detections: Detections, label_space: LabelSpace, size: tuple[int, int],
           options: Options) -> Chosen:
    """
    Return the detections that take part, as steps 2 and 3 of ``reference`` say.

    Parameters
    ----------
    detections
        The network's output.
    label_space
        Its classes.
    size
        (height, width) of the label image in pixels.
    options
        The thresholds.

    """
    score = unit(detections.scores)
    boxes = detections.boxes.astype(np.float32)
    is_known = np.isfinite(boxes).all(1)
    limits = np.array(size[::-1] * 2, np.float32)
    scale = (limits / np.array(detections.part[::-1] * 2)).astype(np.float32)
    with np.errstate(invalid='ignore', over='ignore'):
        boxes = np.clip(boxes * scale, np.float32(0), limits)
        is_box = (boxes[:, 2:] > boxes[:, :2]).all(1)
    things = np.array(label_space.thing_ids, np.int64)
    is_class = (detections.classes >= 0) & (detections.classes < len(things))
    takes_part = (is_known & is_box & is_class & (score > 0)
                  & (score >= np.float32(options.score_threshold)))
    rows = np.flatnonzero(takes_part)
    rows = rows[np.argsort(-score[rows], kind='stable')]
    boxes = boxes[rows]
    low, high = np.ceil(boxes[:, :2] - _HALF), np.floor(boxes[:, 2:] - _HALF)
    pixels = np.concatenate([low, high + 1], axis=1).astype(np.int32)
    return Chosen(rows, things[detections.classes[rows]], score[rows], boxes, pixels)


def unit(values: npt.NDArray[np.floating]) -> Floats:
    """Return probabilities as float32 from 0 to 1; NaN is 0."""
    single = values.astype(np.float32)
    return np.clip(np.where(np.isnan(single), np.float32(0), single), np.float32(0), np.float32(1))
