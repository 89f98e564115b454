"""Heads like those of a good network, drawn from a random street-like layout."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from ..families.deeplab.heads import Heads
from ..labels import LabelSpace

_SIGMA = 8          # pixels, of the Gaussian at a centre
_CONFIDENCE = 8     # difference of the right logit from the others
_NOISE = 0.7        # standard deviation of the logits' noise, and of the offsets' in pixels


def make_heads(label_space: LabelSpace, size: tuple[int, int], instances: int, seed: int = 0,
               stride: int = 4) -> Heads:
    """
    Make heads for an image of ``size`` (height, width) in pixels with a number of instances.

    Layers of stuff lie behind ellipses of things.  Small ellipses are high in the image, and large
    ones are low.  Logits are blurred and noisy, heat is Gaussian, and offsets are noisy.
    """
    random = np.random.default_rng(seed)
    rows, columns = size[0] // stride, size[1] // stride
    y, x = (np.mgrid[:rows, :columns] + 0.5) * stride - 0.5
    classes = _stuff(label_space, size, x, y, random)
    owner = np.full((rows, columns), -1)
    depths = np.sort(random.uniform(0.02, 1, instances) ** 2)
    for instance, depth in enumerate(depths):
        center_y = size[0] * (0.4 + 0.4 * depth + 0.05 * random.standard_normal())
        center_x = size[1] * random.uniform(0, 1)
        height = size[0] * (0.02 + 0.2 * depth) * random.uniform(0.7, 1.3)
        width = height * random.uniform(0.4, 1.6)
        inside = ((y - center_y) / height) ** 2 + ((x - center_x) / width) ** 2 < 0.5
        owner[inside] = instance
        if label_space.thing_ids:
            classes[inside] = random.choice(label_space.thing_ids)
    center = np.zeros((rows, columns))
    offset = random.normal(0, _NOISE, (2, rows, columns))
    for instance in range(instances):
        mask = owner == instance
        if mask.any():
            # The published steps are measured, too; they split things of the outermost cells.
            middle_y, middle_x = (np.clip(values[mask].mean(), values.min() + stride,
                                          values.max() - stride) for values in (y, x))
            distance = (y - middle_y) ** 2 + (x - middle_x) ** 2
            center = np.maximum(center, np.exp(-distance / (2 * _SIGMA ** 2)))
            offset[0][mask] += middle_y - y[mask]
            offset[1][mask] += middle_x - x[mask]
    center += random.normal(0, 0.005, center.shape)
    logits = np.stack([cv2.GaussianBlur((classes == class_id).astype(np.float32), (0, 0), 1)
                       for class_id in range(len(label_space))])
    logits = _CONFIDENCE * logits + random.normal(0, _NOISE, logits.shape)
    return Heads(logits.astype(np.float32), center.astype(np.float32),
                 offset.astype(np.float32), stride)


def _stuff(label_space: LabelSpace, size: tuple[int, int], x: npt.NDArray[np.float64],
           y: npt.NDArray[np.float64], random: np.random.Generator) -> npt.NDArray[np.int64]:
    """Return a stuff class for each cell: layers with wavy borders, and upright bars."""
    choices = label_space.stuff_ids or (0,)
    classes = np.full(x.shape, choices[0])
    for height in (0.65, 0.55, 0.45, 0.3, 0.15):
        wave = 0.05 * np.sin(x / size[1] * random.uniform(5, 20) + random.uniform(0, 6))
        classes[y < size[0] * (height + wave)] = random.choice(choices)
    for _ in range(40):
        left, top = random.uniform(0, size[1]), random.uniform(0.2, 0.5) * size[0]
        bar = (abs(x - left) < random.uniform(0.002, 0.008) * size[1]) & (
            (y > top) & (y < top + random.uniform(0.05, 0.4) * size[0]))
        classes[bar] = random.choice(choices)
    return classes
