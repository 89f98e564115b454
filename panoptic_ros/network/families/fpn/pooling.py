"""RoIAlign (He et al., ICCV 2017) on a pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from .boxes import areas
from .config import STRIDE
from .reading import pieces, reads
from .suppression import only_shapes

BORDERS = (112.0, 224.0, 448.0)
"""The side of a square as large as a box, in input pixels, at which it goes one map up."""


def one_by_one(boxes: Tensor) -> tuple[Tensor, Tensor]:
    """Return boxes [N, D, 4] as [N * D, 4], and the image of each, int64 [N * D]."""
    images, count = boxes.shape[:2]
    image = torch.arange(images, device=boxes.device)[:, None].expand(images, count).reshape(-1)
    return boxes.reshape(-1, 4), image


def pool(maps: Sequence[Tensor], boxes: Tensor, image: Tensor, side: int) -> Tensor:
    """
    Return the features of boxes, each read from the map that its size tells.

    Parameters
    ----------
    maps
        Four maps [N, C, h, w] of strides 4 to 32.
    boxes, image
        [R, 4] in pixels of the input, and int64 [R], the image of each.
    side
        Cells of a side of the result.

    Returns
    -------
    float [R, C, side, side]; zeros for boxes without area.

    """
    length = areas(boxes).sqrt()
    # detectron2 rounds floor(4 + log2(length / 224)), which is the number of borders passed.
    level = sum(((length >= border).long() for border in BORDERS), torch.zeros_like(image))
    total = None
    for number, features in enumerate(maps):
        own = (level == number)[:, None]
        # A box of another map has no area here, so no sample of it is read.
        pooled = align(features, torch.where(own, boxes, 0), image, STRIDE << number, side)
        total = pooled if total is None else total + pooled
    assert total is not None
    return total


def align(features: Tensor, boxes: Tensor, image: Tensor, stride: int, side: int) -> Tensor:
    """
    Return the means of bilinear samples in the cells of boxes; ONNX's operator RoiAlign.

    It is ``torchvision.ops.roi_align(..., sampling_ratio=0, aligned=True)``: a cell has as many
    samples along an axis as it has cells of the map, rounded up.  The result is differentiable by
    the features, not by the boxes.

    Parameters
    ----------
    features
        [N, C, h, w].
    boxes, image
        [R, 4] in pixels of the input, and int64 [R], the image of each.
    stride
        Input pixels per cell of the map.
    side
        Cells of a side of the result.

    Returns
    -------
    [R, C, side, side].

    """
    if only_shapes(features):
        shapes: Tensor = _Align.apply(features, boxes, image, stride, side)
        return shapes
    channels, height, width = map(int, features.shape[1:])
    table = features.float().permute(0, 2, 3, 1).reshape(-1, channels)
    places = boxes.detach() / stride - 0.5
    found = [features.new_zeros((0, channels), dtype=torch.float32)]
    for part, own in pieces(places, image):
        read = reads(part, own, (height, width), side)
        if len(read.first):
            found.append(F.embedding_bag(read.cell, table, read.first, mode='sum',
                                         per_sample_weights=read.weight.to(table)))
    return torch.cat(found).view(-1, side, side, channels).permute(0, 3, 1, 2)


class _Align(torch.autograd.Function):
    """The operator in a graph, and its shape."""

    @staticmethod
    def forward(_: Any, features: Tensor, boxes: Tensor, image: Tensor, stride: int,
                side: int) -> Tensor:
        return features.new_zeros((len(boxes), features.shape[1], side, side))

    @staticmethod
    def symbolic(g: Any, features: Any, boxes: Any, image: Any, stride: int, side: int) -> Any:
        return g.op('RoiAlign', features, boxes, image, mode_s='avg', output_height_i=side,
                    output_width_i=side, sampling_ratio_i=0, spatial_scale_f=1 / stride,
                    coordinate_transformation_mode_s='half_pixel')
