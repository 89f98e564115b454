"""Queries that start from the likeliest centres of things."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...backbones.layers import SeparableConv
from .attention import sine_position
from .mobile_config import CELL, STRIDE, MobileConfig


class Proposals(NamedTuple):
    """Queries, and where they start."""

    heatmap: Tensor
    """[N, 1, H/8, W/8] logits of whether a thing's centre lies in the cell."""
    content: Tensor
    """[N, P, C]: the features there."""
    position: Tensor
    """[N, P, C]: what tells the position to attention."""
    center: Tensor
    """float32 [N, P, 2]: (y, x) in cells of the masks."""


class CenterProposals(nn.Module):
    """The features at the highest local maxima of a heatmap of the things' centres."""

    def __init__(self, config: MobileConfig) -> None:
        super().__init__()
        self.count = config.proposals
        self.head = nn.Sequential(SeparableConv(config.channels, config.channels // 2, 5),
                                  nn.Conv2d(config.channels // 2, 1, 1))
        predictor = self.head[1]
        assert isinstance(predictor, nn.Conv2d)
        assert predictor.bias is not None
        nn.init.normal_(predictor.weight, std=0.1)
        nn.init.constant_(predictor.bias, -4)      # few cells hold a centre
        self.project = nn.Linear(config.channels, config.channels)

    def forward(self, level: Tensor) -> Proposals:
        """Return the proposals from the features [N, C, H/8, W/8]."""
        heatmap = self.head(level)
        height, width = level.shape[2:]
        logits = heatmap.detach()
        is_peak = logits == F.max_pool2d(logits, 3, 1, 1)
        # Cells that are no maxima come last, in an order that rounding does not change.
        ranked = torch.where(is_peak, logits, logits - 100).flatten(1)
        index = ranked.topk(self.count).indices
        tokens = level.flatten(2).transpose(1, 2)
        content = tokens.gather(1, index[:, :, None].expand(-1, -1, tokens.shape[2]))
        position = sine_position(height, width, tokens.shape[2], CELL).to(tokens)[index]
        cell = torch.stack((index // width, index % width), 2).float()
        center = (cell + 0.5) * (CELL / STRIDE) - 0.5
        return Proposals(heatmap, self.project(content), position, center)
