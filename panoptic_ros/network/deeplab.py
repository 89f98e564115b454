"""Panoptic-DeepLab (Cheng et al., CVPR 2020) with the engine's contract built in."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .config import BranchConfig, NetworkConfig
from .layers import ConvNorm, ResidualBlock, spatial_conv

MEAN = (103.53, 116.28, 123.675)
"""Of ImageNet's blue, green and red, 0 to 255."""
DEVIATION = (57.375, 57.12, 58.395)


class Backbone(nn.Module):
    """The stem and the stages; returns the last map of each stride from 4, fine to coarse."""

    def __init__(self, config: NetworkConfig) -> None:
        super().__init__()
        inputs = 3
        stem: list[nn.Module] = []
        for channels in config.stem:
            stem.append(ConvNorm(inputs, channels, 3, 1 if stem else 2))
            inputs = channels
        self.stem = nn.Sequential(*stem)
        self.stages = nn.ModuleList()
        self.channels: list[int] = []
        self._last_of_stride: list[bool] = []
        for index, stage in enumerate(config.stages):
            blocks = []
            for number in range(stage.depth):
                dilation = stage.dilations[number % len(stage.dilations)]
                stride = 1 if number else stage.stride
                blocks.append(ResidualBlock(stage, inputs, stride, dilation))
                inputs = stage.channels
            self.stages.append(nn.Sequential(*blocks))
            following = config.stages[index + 1:index + 2]
            last = not following or following[0].stride == 2
            self._last_of_stride.append(last)
            if last:
                self.channels.append(inputs)

    def forward(self, image: Tensor) -> list[Tensor]:
        """Return the maps of strides 4, 8 and so on."""
        features, maps = self.stem(image), []
        for stage, last in zip(self.stages, self._last_of_stride, strict=True):
            features = stage(features)
            if last:
                maps.append(features)
        return maps


class AtrousPyramid(nn.Module):
    """Atrous spatial pyramid pooling: a 1x1, dilated 3x3 and a globally pooled branch."""

    def __init__(self, inputs: int, channels: int, config: NetworkConfig) -> None:
        super().__init__()
        self.branches = nn.ModuleList([ConvNorm(inputs, channels)])
        for rate in config.rates:
            self.branches.append(
                spatial_conv(inputs, channels, config.separable, rate, wide=False))
        self.pooled = nn.Sequential(nn.Conv2d(inputs, channels, 1), nn.ReLU(inplace=True))
        self.project = nn.Sequential(
            ConvNorm(channels * (len(config.rates) + 2), channels), nn.Dropout(config.dropout))

    def forward(self, features: Tensor) -> Tensor:
        """Return the projected pyramid at the resolution of the features."""
        pooled = self.pooled(features.mean((2, 3), keepdim=True))
        branches = [branch(features) for branch in self.branches]
        branches.append(pooled.expand(-1, -1, *features.shape[2:]))
        return self.project(torch.cat(branches, 1))


class Decoder(nn.Module):
    """ASPP, then upsampling with one finer map of the backbone after the other."""

    def __init__(self, channels: list[int], branch: BranchConfig, config: NetworkConfig) -> None:
        super().__init__()
        self.aspp = AtrousPyramid(channels[-1], branch.aspp, config)
        self.project, self.fuse = nn.ModuleList(), nn.ModuleList()
        inputs = branch.aspp
        low_levels = zip(channels[-2::-1], branch.low_level, branch.decoder, strict=False)
        for finer, low, outputs in low_levels:
            self.project.append(ConvNorm(finer, low))
            self.fuse.append(spatial_conv(inputs + low, outputs, config.separable))
            inputs = outputs

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Return the features at stride 4."""
        features = self.aspp(maps[-1])
        for finer, project, fuse in zip(maps[-2::-1], self.project, self.fuse, strict=False):
            low = project(finer)
            features = F.interpolate(features, low.shape[2:], mode='bilinear')
            features = fuse(torch.cat((low, features), 1))
        return features


class Head(nn.Sequential):
    """One spatial convolution and the 1x1 predictor."""

    def __init__(self, inputs: int, channels: int, outputs: int, separable: bool) -> None:
        super().__init__(spatial_conv(inputs, channels, separable),
                         nn.Conv2d(channels, outputs, 1))


class PanopticDeepLab(nn.Module):
    """
    Panoptic-DeepLab from camera pixels to heads.

    Parameters
    ----------
    config
        The network's shape.
    classes
        C, the number of classes of the label space.

    """

    mean: Tensor
    scale: Tensor

    def __init__(self, config: NetworkConfig, classes: int) -> None:
        super().__init__()
        self.config, self.classes = config, classes
        self.register_buffer('mean', torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer('scale', 1 / torch.tensor(DEVIATION).view(1, 3, 1, 1),
                             persistent=False)
        self.backbone = Backbone(config)
        channels, separable = self.backbone.channels, config.separable
        self.semantic_decoder = Decoder(channels, config.semantic, config)
        self.instance_decoder = Decoder(channels, config.instance, config)
        semantic, instance = config.semantic, config.instance
        self.semantic = Head(semantic.decoder[-1], semantic.head, classes, separable)
        self.center = Head(instance.decoder[-1], instance.head, 1, separable)
        self.offset = Head(instance.decoder[-1], instance.head, 2, separable)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        for head in (self.semantic, self.center, self.offset):
            predictor = head[-1]
            assert isinstance(predictor, nn.Conv2d)
            nn.init.normal_(predictor.weight, std=0.01)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """
        Run the network.

        Parameters
        ----------
        image
            uint8 [N, H, W, 3], BGR; H and W multiples of ``config.output_stride``.

        Returns
        -------
        ``semantic`` [N, C, H/4, W/4] logits, ``center`` [N, 1, H/4, W/4] heatmap, ``offset``
        [N, 2, H/4, W/4] as (dy, dx) in pixels of the input.

        """
        pixels = image.to(self.mean.dtype).permute(0, 3, 1, 2)
        maps = self.backbone((pixels - self.mean) * self.scale)
        instance = self.instance_decoder(maps)
        return (self.semantic(self.semantic_decoder(maps)), self.center(instance),
                self.offset(instance))
