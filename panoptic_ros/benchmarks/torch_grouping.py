"""The grouping of public implementations: every head is upsampled, then PyTorch groups."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F

from ..families import deeplab
from ..families.deeplab.heads import Heads
from ..labels import UNLABELED, LabelSpace


class TorchHeads(NamedTuple):
    """Heads of one image as tensors, on the device on which PyTorch groups them."""

    semantic: torch.Tensor
    """(C, h, w) logits."""
    center: torch.Tensor
    """(h, w) heatmap."""
    offset: torch.Tensor
    """(2, h, w) as (dy, dx) in pixels of the network's input."""
    input_size: tuple[int, int]
    """(height, width) in pixels."""


def set_threads(count: int) -> None:
    """Set the number of PyTorch's threads."""
    torch.set_num_threads(count)


def load(heads: Heads, device: str = 'cpu') -> TorchHeads:
    """Copy heads to a device such as 'cuda:0'; on the processor they are not copied."""
    semantic, center, offset = (torch.from_numpy(head).to(device)
                                for head in (heads.semantic, heads.center, heads.offset))
    return TorchHeads(semantic, center, offset, heads.input_size)


@torch.inference_mode()
def upsample(heads: Heads | TorchHeads, device: str = 'cpu'
             ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """
    Upsample the heads to the network's input size; return classes, heat and offsets.

    Parameters
    ----------
    heads
        Heads of one image; float16 is upsampled in float32, as in the reference.
    device
        The device to which arrays are copied; tensors stay on theirs.

    """
    tensors = load(heads, device) if isinstance(heads, Heads) else heads
    semantic, center, offset = (
        F.interpolate(head[None].float(), size=tensors.input_size, mode='bilinear',
                      align_corners=False)[0]
        for head in (tensors.semantic, tensors.center[None], tensors.offset))
    return semantic.argmax(0), center[0], offset


@torch.inference_mode()
def group(heads: Heads | TorchHeads, label_space: LabelSpace, device: str = 'cpu'
          ) -> torch.Tensor:
    """Return the label image, (H, W) int32, by the published steps and thresholds."""
    options = deeplab.Options()
    classes, heat, offset = upsample(heads, device)
    place = heat.device
    pooled = F.max_pool2d(heat[None], options.nms_kernel, 1, options.nms_kernel // 2)[0]
    heat = torch.where((heat > options.center_threshold) & (heat == pooled), heat, -1)
    least = heat.flatten().topk(min(options.top_k, heat.numel())).values[-1].clamp(min=0)
    centers = torch.nonzero(heat > least)
    labels = torch.full(heat.shape, UNLABELED, dtype=torch.int32, device=place)
    is_thing = torch.from_numpy(label_space.is_thing.copy()).to(place)[classes]
    if len(centers):
        y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float32, device=place)
                                for n in heat.shape), indexing='ij')
        target = (torch.stack([y, x]) + offset).flatten(1).T
        nearest = torch.norm(centers[:, None].float() - target, dim=-1).argmin(0)
        nearest = nearest.reshape(heat.shape)
        numbers = [0] * len(label_space)
        for instance in range(len(centers)):
            mask = is_thing & (nearest == instance)
            if mask.any():
                class_id = int(torch.mode(classes[mask]).values)
                numbers[class_id] += 1
                labels[mask] = class_id * label_space.label_divisor + numbers[class_id]
    for class_id in label_space.stuff_ids:
        mask = classes == class_id
        if mask.sum() >= options.stuff_area:
            labels[mask] = class_id * label_space.label_divisor
    return labels
