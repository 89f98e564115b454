"""The ASPP and the decoder behind it: from a backbone's maps to features at stride 4."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...backbones.layers import ConvNorm, SeparableConv, fusing_convs
from .config import BranchConfig, NetworkConfig


class AtrousPyramid(nn.Module):
    """
    Atrous spatial pyramid pooling (Chen et al., 2017).

    A 1x1 convolution, dilated 3x3 ones, and one of the map that is averaged, over a window or
    wholly.
    """

    def __init__(self, inputs: int, channels: int, config: NetworkConfig) -> None:
        super().__init__()
        self.branches = nn.ModuleList([ConvNorm(inputs, channels)])
        for rate in config.rates:
            self.branches.append(
                SeparableConv(inputs, channels, 3, rate) if 'aspp' in config.separable
                else ConvNorm(inputs, channels, 3, dilation=rate))
        self.pooled = nn.Sequential(nn.Conv2d(inputs, channels, 1, bias=config.pooled_bias),
                                    nn.ReLU(inplace=True))
        self.project = nn.Sequential(
            ConvNorm(channels * (len(config.rates) + 2), channels), nn.Dropout(config.dropout))
        self._align_corners = config.align_corners
        self._window: tuple[int, int] | None = None
        if config.window is not None:
            more = int(config.align_corners)
            height, width = ((side - more) // config.output_stride + more
                             for side in config.window)
            self._window = height, width

    def forward(self, features: Tensor) -> Tensor:
        """Return the projected pyramid at the resolution of the features."""
        branches = [branch(features) for branch in self.branches]
        branches.append(self._average(features))
        return self.project(torch.cat(branches, 1))

    def _average(self, features: Tensor) -> Tensor:
        height, width = features.shape[2:]
        window = self._window
        if window is None or height < window[0] or width < window[1] or (height, width) == window:
            return self.pooled(features.mean((2, 3), keepdim=True)).expand(-1, -1, height, width)
        # One axis after the other gives the same average for a small part of the additions.
        averages = F.avg_pool2d(features, (window[0], 1), 1)
        averages = self.pooled(F.avg_pool2d(averages, (1, window[1]), 1))
        return F.interpolate(averages, (height, width), mode='bilinear',
                             align_corners=self._align_corners)


class Decoder(nn.Module):
    """ASPP, then upsampling with one finer map of the backbone after the other."""

    def __init__(self, channels: Sequence[int], branch: BranchConfig,
                 config: NetworkConfig) -> None:
        super().__init__()
        self.aspp = AtrousPyramid(channels[-1], branch.aspp, config)
        self.project, self.fuse = nn.ModuleList(), nn.ModuleList()
        self._align_corners, self._low_first = config.align_corners, config.low_level_first
        inputs = branch.aspp
        for finer, low, outputs in zip(channels[:len(branch.low_level)][::-1],
                                       branch.low_level, branch.decoder, strict=True):
            self.project.append(ConvNorm(finer, low))
            self.fuse.append(
                fusing_convs(inputs + low, outputs, 'fusion' in config.separable, outputs))
            inputs = outputs

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Return the features at stride 4."""
        features = self.aspp(maps[-1])
        finest = maps[:len(self.fuse)][::-1]
        for finer, project, fuse in zip(finest, self.project, self.fuse, strict=True):
            low = project(finer)
            features = F.interpolate(features, low.shape[2:], mode='bilinear',
                                     align_corners=self._align_corners)
            features = fuse(torch.cat((low, features) if self._low_first else (features, low), 1))
        return features


class Head(nn.Sequential):
    """A spatial convolution, or two, and the 1x1 predictor."""

    def __init__(self, inputs: int, channels: int, outputs: int, separable: bool) -> None:
        super().__init__(fusing_convs(inputs, channels, separable, inputs),
                         nn.Conv2d(channels, outputs, 1))
