"""Mask2Former's panoptic inference in plain PyTorch operations, as its own code does it."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ..families.masks.options import Options
from ..families.masks.queries import Queries
from ..labels import UNLABELED, LabelSpace


def set_threads(count: int) -> None:
    """Set the number of PyTorch's threads."""
    torch.set_num_threads(count)


@torch.inference_mode()
def upsample(queries: Queries, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Upsample all masks to the network's input size, (Q, H, W)."""
    return _resize(torch.from_numpy(queries.masks).to(dtype), queries.input_size)


@torch.inference_mode()
def merge(queries: Queries, label_space: LabelSpace, size: tuple[int, int], options: Options,
          dtype: torch.dtype = torch.float32) -> tuple[torch.Tensor, torch.Tensor]:
    """
    Merge the queries of an image.

    Returns
    -------
    The labels, (H, W) int32, in which the things of a class count as far as they come, and the
    largest product of score and mask probability of each pixel, (H, W).

    """
    height, width = queries.part
    masks = _resize(upsample(queries, dtype)[:, :height, :width], size).sigmoid()
    scores, classes = torch.from_numpy(queries.classes).to(dtype).softmax(-1).max(-1)
    keep = classes.ne(len(label_space)) & (scores > options.object_threshold)
    scores, classes, masks = scores[keep], classes[keep], masks[keep]
    labels = torch.full(size, UNLABELED, dtype=torch.int32)
    if not len(scores):
        return labels, torch.zeros(size, dtype=dtype)
    products = scores.view(-1, 1, 1) * masks
    owner = products.argmax(0)
    numbers = [0] * len(label_space)
    for index, class_id in enumerate(classes.tolist()):
        area = (owner == index).sum().item()
        original = (masks[index] >= options.pixel_threshold).sum().item()
        mask = (owner == index) & (masks[index] >= options.pixel_threshold)
        if area > 0 and original > 0 and mask.sum().item() > 0:
            if area / original < options.overlap_threshold:
                continue
            numbers[class_id] += int(label_space.is_thing[class_id])
            labels[mask] = class_id * label_space.label_divisor + numbers[class_id]
    return labels, products.amax(0)


def _resize(masks: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return F.interpolate(masks[None], size=size, mode='bilinear', align_corners=False)[0]
