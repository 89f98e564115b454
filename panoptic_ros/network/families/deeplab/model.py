"""Panoptic-DeepLab (Cheng et al., CVPR 2020) with the engine's contract built in."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...backbones.building import build
from .config import NetworkConfig
from .decoder import Decoder, Head
from .smoothing import Smoothing, smoothed


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
        self.register_buffer('mean', _per_channel(config.mean), persistent=False)
        self.register_buffer('scale', 1 / _per_channel(config.deviation), persistent=False)
        self.backbone = build(config.backbone)
        channels, semantic, instance = self.backbone.channels, config.semantic, config.instance
        self.semantic_decoder = Decoder(channels, semantic, config)
        self.instance_decoder = (
            Decoder(channels, instance, config) if config.decoders == 2 else None)
        self.semantic = Head(semantic.decoder[-1], semantic.head, classes,
                             'semantic' in config.separable)
        self.center = Head(instance.decoder[-1], instance.head, 1, 'center' in config.separable)
        self.offset = Head(instance.decoder[-1], instance.head, 2, 'offset' in config.separable)
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
            uint8 [N, H, W, 3], BGR, of a size that ``config.check_size`` accepts.  If corners are
            aligned, other sizes are padded with the mean below and on the right.

        Returns
        -------
        ``semantic`` [N, C, h, w] logits, ``center`` [N, 1, h, w] heatmap, ``offset`` [N, 2, h, w]
        as (dy, dx) in pixels of the input; h and w are H/4 and W/4, or (H-1)/4+1 and (W-1)/4+1,
        rounded up, with ``config.align_corners``.

        """
        pixels = image.to(self.mean.dtype).permute(0, 3, 1, 2)
        if self.config.rgb:
            pixels = pixels.flip(1)
        pixels = (pixels - self.mean) * self.scale
        if self.config.align_corners:
            height, width = ((1 - side) % self.config.output_stride for side in image.shape[1:3])
            pixels = F.pad(pixels, (0, width, 0, height))
        maps = self.backbone(pixels)
        semantic = self.semantic_decoder(maps)
        instance = semantic if self.instance_decoder is None else self.instance_decoder(maps)
        offset = self.offset(instance)
        if self.config.offset_unit != 1:
            offset = offset * self.config.offset_unit
        logits = self.semantic(semantic)
        if self.config.smoothing is not None and not self.training:
            logits = smoothed(logits, Smoothing(*self.config.smoothing))
        return logits, self.center(instance), offset


def _per_channel(values: tuple[float, float, float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).view(1, 3, 1, 1)
