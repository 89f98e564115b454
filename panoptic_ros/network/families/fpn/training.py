"""What a Panoptic-FPN returns in training mode."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .box_head import BoxHead
from .mask_head import MaskHead
from .proposals import Candidates


class Heads:
    """
    The heads that read boxes; a training knows which only when it has the targets.

    They compute in the precision in which the network did.

    Parameters
    ----------
    maps
        Of strides 4 to 32.
    boxes, masks
        The heads.

    """

    def __init__(self, maps: list[Tensor], boxes: BoxHead, masks: MaskHead) -> None:
        self._maps, self._boxes, self._masks = maps, boxes, masks
        kind = maps[0].device.type
        self._precision = kind, torch.get_autocast_dtype(kind), torch.is_autocast_enabled(kind)

    def judged(self, boxes: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return float32 logits and deltas of boxes; see ``BoxHead.judged``."""
        with torch.autocast(*self._precision):
            logits, deltas = self._boxes.judged(self._maps, boxes, image)
        return logits.float(), deltas.float()

    def drawn(self, boxes: Tensor, image: Tensor, classes: Tensor) -> Tensor:
        """Return float32 logits of the masks of boxes; see ``MaskHead.drawn``."""
        with torch.autocast(*self._precision):
            logits = self._masks.drawn(self._maps, boxes, image, classes)
        return logits.float()


class Training(NamedTuple):
    """What the network returns in training mode."""

    semantic: Tensor
    """[N, S + 1, H / 4, W / 4] logits."""
    candidates: list[Candidates]
    """What the proposals' head says of the anchors of each map."""
    heads: Heads
    size: tuple[int, int]
    """(height, width) of the input."""
