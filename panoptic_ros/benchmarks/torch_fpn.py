"""
The panoptic inference of Panoptic-FPN in plain PyTorch operations.

The steps are those of Detectron2: logits to the network's input and to the image, masks pasted
into the image one by one as it does on a processor, then painting by score.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ..families.fpn.detections import Detections
from ..families.fpn.options import Options
from ..labels import UNLABELED, LabelSpace


def set_threads(count: int) -> None:
    """Set the number of PyTorch's threads."""
    torch.set_num_threads(count)


@torch.inference_mode()
def upsample(detections: Detections, size: tuple[int, int], dtype: torch.dtype = torch.float32
             ) -> torch.Tensor:
    """Bring the logits to the network's input, cut off its padding, and go on to the image."""
    height, width = detections.part
    logits = _resize(torch.from_numpy(detections.semantic).to(dtype), detections.input_size)
    return _resize(logits[:, :height, :width], size)


@torch.inference_mode()
def paste(masks: torch.Tensor, boxes: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Return the pixels of each mask, (D, H, W) bool; masks (D, side, side), boxes (D, 4)."""
    height, width = size
    pasted = torch.zeros((len(masks), height, width), dtype=torch.bool)
    for mask, box, canvas in zip(masks, boxes, pasted, strict=True):
        left, top = (int(max(value.floor().item() - 1, 0)) for value in box[:2])
        right = int(min(box[2].ceil().item() + 1, width))
        bottom = int(min(box[3].ceil().item() + 1, height))
        x = (torch.arange(left, right, dtype=box.dtype) + 0.5 - box[0]) / (box[2] - box[0])
        y = (torch.arange(top, bottom, dtype=box.dtype) + 0.5 - box[1]) / (box[3] - box[1])
        grid = torch.stack([(2 * x - 1).expand(len(y), -1),
                            (2 * y - 1)[:, None].expand(-1, len(x))], dim=2)
        found = F.grid_sample(mask[None, None], grid[None], align_corners=False)[0, 0]
        canvas[top:bottom, left:right] = found >= 0.5
    return pasted


@torch.inference_mode()
def merge(detections: Detections, label_space: LabelSpace, size: tuple[int, int],
          options: Options, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """
    Merge the detections and the stuff of an image.

    Returns
    -------
    The labels, (H, W) int32, in which the things of a class count as far as they come.

    """
    channels = upsample(detections, size, dtype).argmax(0)
    boxes, scores, masks = (torch.from_numpy(array).to(dtype) for array in (
        detections.boxes, detections.scores, detections.masks))
    limits = torch.tensor([size[1], size[0]] * 2, dtype=dtype)
    part = torch.tensor([detections.part[1], detections.part[0]] * 2, dtype=dtype)
    boxes = (boxes * (limits / part)).clamp(torch.zeros(4, dtype=dtype), limits)
    found = ((boxes[:, 2:] > boxes[:, :2]).all(1) & (scores > 0)).nonzero()[:, 0]
    pasted = paste(masks[found], boxes[found], size)
    labels = torch.full(size, UNLABELED, dtype=torch.int32)
    painted = torch.zeros(size, dtype=torch.bool)
    numbers = [0] * len(label_space)
    for place in scores[found].argsort(descending=True, stable=True).tolist():
        if scores[found[place]].item() < options.score_threshold:
            break
        mask = pasted[place]
        area = mask.sum().item()
        if area == 0 or (mask & painted).sum().item() / area > options.overlap_threshold:
            continue
        mask = mask & ~painted
        class_id = label_space.thing_ids[int(detections.classes[found[place]])]
        numbers[class_id] += 1
        labels[mask] = class_id * label_space.label_divisor + numbers[class_id]
        painted |= mask
    for channel in channels.unique().tolist():
        mask = (channels == channel) & ~painted
        if channel != 0 and mask.sum().item() >= options.stuff_area:
            labels[mask] = label_space.stuff_ids[channel - 1] * label_space.label_divisor
    return labels


def _resize(planes: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    return F.interpolate(planes[None], size=size, mode='bilinear', align_corners=False)[0]
