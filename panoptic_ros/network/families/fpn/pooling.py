"""RoIAlign (He et al., ICCV 2017) on a pyramid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from .boxes import areas
from .config import STRIDE
from .suppression import only_shapes

BORDERS = (112.0, 224.0, 448.0)
"""The side of a square as large as a box, in input pixels, at which it goes one map up."""
Floats = npt.NDArray[np.float32]


def pool(maps: Sequence[Tensor], boxes: Tensor, side: int) -> Tensor:
    """
    Return the features of boxes, each read from the map that its size tells.

    Parameters
    ----------
    maps
        Four maps [N, C, h, w] of strides 4 to 32.
    boxes
        [N, D, 4] in pixels of the input.
    side
        Cells of a side of the result.

    Returns
    -------
    float [N * D, C, side, side]; zeros for boxes without area.

    """
    images, count = boxes.shape[:2]
    image = torch.arange(images, device=boxes.device)[:, None].expand(images, count).reshape(-1)
    boxes = boxes.reshape(-1, 4)
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
    samples along an axis as it has cells of the map, rounded up.  The samples are a grid, and
    bilinear weights are products.  So the mean is one matrix product along each axis.

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
    result: Tensor = _Align.apply(features, boxes, image, stride, side)
    return result


class _Align(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, features: Tensor, boxes: Tensor, image: Tensor, stride: int,
                side: int) -> Tensor:
        result = features.new_zeros((len(boxes), features.shape[1], side, side))
        if only_shapes(features):
            return result
        height, width = map(int, features.shape[2:])
        places = boxes.detach().cpu().numpy() / np.float32(stride) - np.float32(0.5)
        numbers = image.tolist()
        for row, (x0, y0, x1, y1) in enumerate(places):
            top, down = sampled(y0, y1, side, height)
            left, across = sampled(x0, x1, side, width)
            if not down.size or not across.size:
                continue
            part = features[numbers[row], :, top:top + down.shape[1], left:left + across.shape[1]]
            lines = torch.tensordot(torch.from_numpy(down).to(part), part, ([1], [1]))
            result[row] = torch.tensordot(lines, torch.from_numpy(across).to(part),
                                          ([2], [1])).transpose(0, 1)
        return result

    @staticmethod
    def symbolic(g: Any, features: Any, boxes: Any, image: Any, stride: int, side: int) -> Any:
        return g.op('RoiAlign', features, boxes, image, mode_s='avg', output_height_i=side,
                    output_width_i=side, sampling_ratio_i=0, spatial_scale_f=1 / stride,
                    coordinate_transformation_mode_s='half_pixel')


def sampled(start: float, end: float, side: int, cells: int) -> tuple[int, Floats]:
    """
    Return along one axis the weights of a map's cells in each cell of a box.

    Parameters
    ----------
    start, end
        The box, in cells of the map, whose centres are whole numbers.
    side
        Cells of the box.
    cells
        Cells of the map.

    Returns
    -------
    The number of the map's first cell that is read, and float32 (side, cells read); no weights
    if the box has no length, or if all of it is more than a cell outside.

    """
    step = np.float32(end - start) / np.float32(side)
    count = int(np.ceil(step))
    if count < 1:
        return 0, np.zeros((side, 0), np.float32)
    row, at = np.mgrid[:side, :count].astype(np.float32)
    place = start + row * step + (at + np.float32(0.5)) * step / np.float32(count)
    inside = (place >= -1) & (place <= cells)
    place = place.clip(0, cells - 1)
    low = np.floor(place).astype(np.int64)
    if not inside.any():
        return 0, np.zeros((side, 0), np.float32)
    first = int(low[inside].min())
    last = min(int(low[inside].max()) + 1, cells - 1)
    share = np.where(inside, place - low, 0)
    weights = np.zeros((side, last - first + 2), np.float32)
    line = row.astype(np.int64)
    low = np.where(inside, low, first) - first
    np.add.at(weights, (line, low), np.where(inside, 1 - share, 0))
    np.add.at(weights, (line, low + 1), share)
    return first, weights[:, :last - first + 1] / np.float32(count)
