"""The targets of the heads, made from a panoptic ground truth."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

from ....labels import UNLABELED, UNLABELED_CLASS, LabelSpace
from ...extending import extend
from .config import STRIDE


@dataclass(frozen=True)
class TargetOptions:
    """
    Pixel scales of the targets.

    Raises
    ------
    ValueError
        A value is not positive.

    """

    sigma: float
    """Standard deviation of a centre's Gaussian in pixels."""
    small_area: float = 4096.0
    """Things of fewer pixels weigh more in the semantic loss."""
    small_weight: float = 3.0
    """Their weight."""

    def __post_init__(self) -> None:
        if min(self.sigma, self.small_area, self.small_weight) <= 0:
            raise ValueError(f'{self}: sigma, small_area and small_weight must be positive')

    @classmethod
    def for_size(cls, size: tuple[int, int], sigma: float) -> TargetOptions:
        """Scale the published values, which are for 1024x2048, to images of a (height, width)."""
        ratio = size[0] * size[1] / (1024 * 2048)
        return cls(sigma=sigma * ratio ** 0.5, small_area=4096.0 * ratio)

    def make(self, labels: npt.NDArray[np.uint16], label_space: LabelSpace,
             random: np.random.Generator) -> dict[str, npt.NDArray[Any]]:
        """
        Return the fields of ``Targets`` at every fourth pixel from ``phase`` on, int64 (2,).

        The number of pixels is the same for each phase; those outside the image are unlabelled.
        """
        labels = extend(labels, [-(-side // STRIDE) * STRIDE for side in labels.shape], UNLABELED)
        phase = random.integers(STRIDE, size=2)
        made = make_targets(labels, label_space, self, STRIDE, (int(phase[0]), int(phase[1])))
        return {'phase': phase, **{field.name: getattr(made, field.name)
                                   for field in fields(Targets)}}


@dataclass(frozen=True, eq=False)
class Targets:
    """Targets at the sampled pixels, (h, w) each."""

    semantic: npt.NDArray[np.int64]
    """(h, w) class, 255 where unlabelled."""
    weight: npt.NDArray[np.float32]
    """(h, w) weight in the semantic loss."""
    center: npt.NDArray[np.float32]
    """(1, h, w) heatmap in [0, 1]."""
    offset: npt.NDArray[np.float32]
    """(2, h, w) (dy, dx) in pixels to the centre of the pixel's thing; 0 elsewhere."""
    thing: npt.NDArray[np.bool_]
    """(h, w) whether the pixel belongs to a thing."""
    known: npt.NDArray[np.bool_]
    """(h, w) whether the centres here are known; they are not in unlabelled pixels and crowd."""


def make_targets(labels: npt.NDArray[np.uint16], label_space: LabelSpace,
                 options: TargetOptions, stride: int = 1,
                 phase: tuple[int, int] = (0, 0)) -> Targets:
    """
    Make the targets at every ``stride``-th pixel of a label image.

    A thing's centre is the mean position of all its visible pixels, whatever the stride.  Crowd,
    whose label is a thing class without an instance, has no centre.

    Parameters
    ----------
    labels
        (H, W) panoptic labels.
    label_space
        What they mean.
    options
        The pixel scales.
    stride
        Distance of the sampled pixels.
    phase
        (y, x) of the first sampled pixel.

    """
    areas = np.bincount(labels.ravel(), minlength=UNLABELED + 1)
    present = np.flatnonzero(areas)
    area = areas[present]
    row_of = np.zeros(UNLABELED + 1, np.uint16)
    row_of[present] = np.arange(len(present))
    row = row_of[labels]
    classes = label_space.semantic(present.astype(np.uint16))
    labeled = classes != UNLABELED_CLASS
    countable = labeled & label_space.is_thing[np.where(labeled, classes, 0)]
    things = countable & (present % label_space.label_divisor > 0)
    known = labeled & (things | ~countable)
    y, x = _means(row, things, area)
    weights = np.where(things & (area < options.small_area), options.small_weight, 1.0)

    row = row[phase[0]::stride, phase[1]::stride]
    height, width = labels.shape
    ys = np.arange(phase[0], height, stride)
    xs = np.arange(phase[1], width, stride)
    thing = things[row]
    center = np.zeros((1, *row.shape), np.float32)
    for k in np.flatnonzero(things):
        near_y = np.exp(-(ys - y[k]) ** 2 / (2 * options.sigma ** 2))
        near_x = np.exp(-(xs - x[k]) ** 2 / (2 * options.sigma ** 2))
        y0, y1 = _support(near_y)
        x0, x1 = _support(near_x)
        patch = center[0, y0:y1, x0:x1]
        np.maximum(patch, near_y[y0:y1, None] * near_x[x0:x1], out=patch)
    offset = np.stack((y[row] - ys[:, None], x[row] - xs)).astype(np.float32) * thing
    return Targets(classes[row].astype(np.int64), weights[row].astype(np.float32), center, offset,
                   thing, known[row])


def _means(row: npt.NDArray[np.uint16], things: npt.NDArray[np.bool_],
           area: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.float64], ...]:
    """Return the mean y and x of the pixels of each thing; 0 for other segments."""
    at_y, at_x = np.nonzero(things[row])
    number = row[at_y, at_x]
    return tuple(np.bincount(number, at, len(area)) / area for at in (at_y, at_x))


def _support(values: npt.NDArray[np.float64], least: float = 1e-4) -> tuple[int, int]:
    """Return the half-open range in which a single bump exceeds ``least``."""
    inside = np.flatnonzero(values > least)
    return (int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, 0)
