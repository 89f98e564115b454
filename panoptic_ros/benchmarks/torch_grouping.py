"""The grouping as public implementations do it: every head upsampled, then PyTorch operators."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ..grouping import GroupingOptions
from ..heads import Heads
from ..labels import UNLABELED, LabelSpace


def set_threads(count: int) -> None:
    """Let PyTorch use so many threads."""
    torch.set_num_threads(count)


@torch.inference_mode()
def upsample(heads: Heads) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Upsample the heads to the network's input size; return classes, heat and offsets."""
    semantic, center, offset = (
        F.interpolate(torch.from_numpy(head)[None], size=heads.input_size, mode='bilinear',
                      align_corners=False)[0]
        for head in (heads.semantic, heads.center[None], heads.offset))
    return semantic.argmax(0), center[0], offset


@torch.inference_mode()
def group(heads: Heads, label_space: LabelSpace) -> torch.Tensor:
    """Return the label image, (H, W) int32, by the published steps and thresholds."""
    options = GroupingOptions()
    classes, heat, offset = upsample(heads)
    pooled = F.max_pool2d(heat[None], options.nms_kernel, 1, options.nms_kernel // 2)[0]
    heat = torch.where((heat > options.center_threshold) & (heat == pooled), heat, -1)
    least = heat.flatten().topk(min(options.top_k, heat.numel())).values[-1].clamp(min=0)
    centers = torch.nonzero(heat > least)
    labels = torch.full(heat.shape, UNLABELED, dtype=torch.int32)
    is_thing = torch.from_numpy(label_space.is_thing.copy())[classes]
    if len(centers):
        y, x = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in heat.shape),
                              indexing='ij')
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
