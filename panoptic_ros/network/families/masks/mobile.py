"""A small mask classification network with the engine's contract built in."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from ...backbones.building import build
from .mobile_config import MobileConfig
from .pixel_decoder import PixelDecoder
from .prediction import Prediction
from .query_decoder import QueryDecoder


class Training(NamedTuple):
    """What the network returns in training mode."""

    predictions: list[Prediction]
    """Those before the first layer of the decoder and after each."""
    features: Tensor
    """[N, mask_channels, h, w]."""
    heatmap: Tensor
    """[N, 1, H/8, W/8] logits of the things' centres."""


class MobileMasks(nn.Module):
    """
    A mask classification network from camera pixels to queries.

    Parameters
    ----------
    config
        The network's shape.
    classes
        C, the number of classes of the label space.

    """

    mean: Tensor
    scale: Tensor

    def __init__(self, config: MobileConfig, classes: int) -> None:
        super().__init__()
        self.config, self.classes = config, classes
        self.register_buffer('mean', _per_channel(config.mean), persistent=False)
        self.register_buffer('scale', 1 / _per_channel(config.deviation), persistent=False)
        self.backbone = build(config.backbone)
        self.pixel_decoder = PixelDecoder(self.backbone.channels, config)
        self.query_decoder = QueryDecoder(config, classes)
        for name, module in self.named_modules():
            if isinstance(module, nn.Conv2d) and not name.startswith('query_decoder.'):
                nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor] | Training:
        """
        Run the network.

        Parameters
        ----------
        image
            uint8 [N, H, W, 3], BGR, of a size that ``config.check_size`` accepts.

        Returns
        -------
        ``classes`` [N, Q, C + 1] logits of the classes and of no object, and ``masks``
        [N, Q, H/4, W/4] logits; in training mode ``Training``.

        """
        pixels = (image.to(self.mean.dtype).permute(0, 3, 1, 2) - self.mean) * self.scale
        maps = self.pixel_decoder(self.backbone(pixels))
        decoded = self.query_decoder(maps)
        if self.training:
            return Training(decoded.predictions, maps.features, decoded.heatmap)
        last = decoded.predictions[-1]
        return last.classes, last.masks(maps.features)


def _per_channel(values: tuple[float, float, float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).view(1, 3, 1, 1)
