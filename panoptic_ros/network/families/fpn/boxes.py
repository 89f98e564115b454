"""Boxes: x0, y0, x1, y1 in pixels of the network's input."""

from __future__ import annotations

import math

import torch
from torch import Tensor

RATIOS = (0.5, 1.0, 2.0)
"""Height by width of the anchors of each cell."""
LARGEST = math.log(1000 / 16)
"""The logarithm of the factor by which a box may grow at most (detectron2)."""
Weights = tuple[float, float, float, float]


def cell_anchors(side: float) -> Tensor:
    """Return the anchors of a cell around its origin, float32 [3, 4]; their area is a square's."""
    widths = [math.sqrt(side ** 2 / ratio) for ratio in RATIOS]
    halves = [(width / 2, ratio * width / 2)
              for width, ratio in zip(widths, RATIOS, strict=True)]
    return torch.tensor([(-x, -y, x, y) for x, y in halves])


def anchors(cells: tuple[int, int], stride: int, side: float) -> Tensor:
    """
    Return the anchors of a map, float32 [h * w * 3, 4], cell by cell and row by row.

    Parameters
    ----------
    cells
        (h, w) of the map.
    stride
        Input pixels per cell; the origins of the cells are its multiples.
    side
        Side in input pixels of the square anchor.

    """
    y, x = (torch.arange(count, dtype=torch.float32) * stride for count in cells)
    y, x = torch.meshgrid(y, x, indexing='ij')
    origins = torch.stack((x, y, x, y), 2).reshape(-1, 1, 4)
    return (origins + cell_anchors(side)).reshape(-1, 4)


def moved(boxes: Tensor, deltas: Tensor, weights: Weights) -> Tensor:
    """
    Return boxes moved and scaled by what a head predicts (Girshick et al., CVPR 2014).

    Parameters
    ----------
    boxes
        [..., 4].
    deltas
        [..., 4]: the centre's way along x and y in sides of the box, and the logarithms of the
        factors of width and height, each times its weight.
    weights
        Of x, y, width and height.

    """
    size = boxes[..., 2:] - boxes[..., :2]
    center = boxes[..., :2] + 0.5 * size
    deltas = deltas / deltas.new_tensor(weights)
    center = deltas[..., :2] * size + center
    half = 0.5 * (deltas[..., 2:].clamp(max=LARGEST).exp() * size)
    return torch.cat((center - half, center + half), -1)


def between(boxes: Tensor, targets: Tensor, weights: Weights) -> Tensor:
    """Return the deltas [..., 4] with which ``moved`` turns boxes into targets, both [..., 4]."""
    size, wanted = (ends[..., 2:] - ends[..., :2] for ends in (boxes, targets))
    way = targets[..., :2] + 0.5 * wanted - boxes[..., :2] - 0.5 * size
    deltas = torch.cat((way / size, (wanted / size).log()), -1)
    return deltas * deltas.new_tensor(weights)


def clipped(boxes: Tensor, size: tuple[int, int]) -> Tensor:
    """Return boxes without what lies outside of an image of (height, width) pixels."""
    height, width = size
    ends = boxes.new_tensor((width, height, width, height))
    return torch.minimum(boxes.clamp(min=0), ends)


def areas(boxes: Tensor) -> Tensor:
    """Return the areas, [...]."""
    return (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])


def overlaps(first: Tensor, second: Tensor) -> Tensor:
    """Return intersection over union of boxes that broadcast, [...]; NaN for two without area."""
    size = (torch.minimum(first[..., 2:], second[..., 2:])
            - torch.maximum(first[..., :2], second[..., :2])).clamp(min=0)
    common = size[..., 0] * size[..., 1]
    return common / (areas(first) + areas(second) - common)
