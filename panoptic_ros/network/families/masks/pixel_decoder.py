"""The pixel decoder: from a backbone's maps to features at strides 4 to 32."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...backbones.layers import ConvNorm, SeparableConv
from .attention import Attention, FeedForward, sine_position
from .mobile_config import MobileConfig

COARSEST = 32
"""Stride of the coarsest map."""


class Maps(NamedTuple):
    """What the pixel decoder returns."""

    features: Tensor
    """[N, mask_channels, H/4, W/4]: products with them are masks."""
    levels: dict[int, Tensor]
    """[N, channels, H/stride, W/stride] of the strides 8, 16 and 32."""


class PixelDecoder(nn.Module):
    """A feature pyramid (Lin et al., CVPR 2017) whose coarsest cells attend to each other."""

    def __init__(self, inputs: tuple[int, ...], config: MobileConfig) -> None:
        super().__init__()
        channels = config.channels
        self.lateral = nn.ModuleList(
            ConvNorm(count, channels, activation=None) for count in inputs[1:])
        self.attention = Attention(channels, config.heads)
        self.norm = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, config.inner)
        self.fuse = nn.ModuleList(SeparableConv(channels, channels, 5) for _ in inputs[1:])
        self.finest = ConvNorm(inputs[0], config.mask_channels, activation=None)
        self.narrow = ConvNorm(channels, config.mask_channels, activation=None)
        self.features = nn.Sequential(
            SeparableConv(config.mask_channels, config.mask_channels, 5),
            nn.Conv2d(config.mask_channels, config.mask_channels, 1))

    def forward(self, maps: list[Tensor]) -> Maps:
        """Return the features of the backbone's maps of strides 4, 8, 16 and 32."""
        finest, *coarser = maps
        levels: dict[int, Tensor] = {}
        stride, above = COARSEST, None
        for number in range(len(coarser))[::-1]:
            level = self.lateral[number](coarser[number])
            level = self._look_around(level) if above is None else level + F.interpolate(
                above, level.shape[2:], mode='bilinear', align_corners=False)
            levels[stride] = above = self.fuse[number](level)
            stride //= 2
        assert above is not None
        upsampled = F.interpolate(self.narrow(above), finest.shape[2:], mode='bilinear',
                                  align_corners=False)
        return Maps(self.features(torch.relu(self.finest(finest) + upsampled)), levels)

    def _look_around(self, level: Tensor) -> Tensor:
        height, width = level.shape[2:]
        tokens = level.flatten(2).transpose(1, 2)
        position = sine_position(height, width, tokens.shape[2], COARSEST).to(tokens)
        placed = tokens + position
        tokens = self.norm(tokens + self.attention(placed, placed, tokens))
        return self.feed_forward(tokens).transpose(1, 2).unflatten(2, (height, width))
