"""Panoptic-FPN (Kirillov et al., CVPR 2019) with the engine's contract built in."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ...backbones.building import build
from .box_head import BoxHead
from .config import FpnConfig
from .mask_head import MaskHead
from .onnx_functions import FUNCTIONS
from .proposals import ProposalHead
from .pyramid import Pyramid
from .semantic_head import SemanticHead
from .training import Heads, Training

Outputs = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


class PanopticFpn(nn.Module):
    """
    Panoptic-FPN from camera pixels to stuff and detections.

    Parameters
    ----------
    config
        The network's shape.
    classes
        The number of classes of the label space, ``config.things`` of which are things.

    """

    functions = FUNCTIONS
    """The ONNX functions that an export needs; see ``network.torchscript``."""
    mean: Tensor
    scale: Tensor

    def __init__(self, config: FpnConfig, classes: int) -> None:
        super().__init__()
        self.config, self.classes = config, classes
        self.register_buffer('mean', _per_channel(config.mean), persistent=False)
        self.register_buffer('scale', 1 / _per_channel(config.deviation), persistent=False)
        self.backbone = build(config.backbone)
        count, channels = len(self.backbone.channels), config.channels
        self.pyramid = Pyramid(self.backbone.channels, channels)
        self.semantic = SemanticHead(count, channels, config.semantic, config.groups,
                                     config.stuff(classes) + 1)
        self.proposals = ProposalHead(channels, config.anchor, config.proposals)
        self.boxes = BoxHead(channels, config.hidden, config.things, config.detections)
        self.masks = MaskHead(channels, config.things, config.mask_side)

    def forward(self, image: Tensor) -> Outputs | Training:
        """
        Run the network.

        Parameters
        ----------
        image
            uint8 [N, H, W, 3], BGR, of a size that ``config.check_size`` accepts.

        Returns
        -------
        ``semantic`` [N, S + 1, H / 4, W / 4] logits of things and of each class of stuff,
        ``boxes`` [N, D, 4] x0, y0, x1, y1 in pixels, ``scores`` [N, D], ``classes`` int64 [N, D]
        as places among the things, ``masks`` [N, D, side, side] probabilities.  Rows past the
        last detection are zeros.  In training mode, ``Training``.

        """
        size = int(image.shape[1]), int(image.shape[2])
        pixels = image.to(self.mean.dtype).permute(0, 3, 1, 2)
        if self.config.rgb:
            pixels = pixels.flip(1)
        maps = self.pyramid(self.backbone((pixels - self.mean) * self.scale))
        semantic = self.semantic(maps[:-1])
        if self.training:
            return Training(semantic, self.proposals.candidates(maps),
                            Heads(maps[:-1], self.boxes, self.masks), size)
        proposals, there = self.proposals(maps, size)
        found = self.boxes(maps[:-1], proposals, there, size)
        return semantic, *found, self.masks(maps[:-1], found)


def _per_channel(values: tuple[float, float, float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).view(1, 3, 1, 1)
