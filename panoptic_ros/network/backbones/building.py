"""Building backbones, which turn pixels into maps of features of strides 4, 8 and so on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from torch import Tensor

from .config import BackboneConfig, StagedConfig
from .efficientnet_lite import EfficientNetLite
from .hrnet import HRNet
from .mobilenet_v2 import MobileNetV2
from .mobilenet_v3 import MobileNetV3
from .resnet import DEPTHS, resnet
from .staged import Staged, convolutions
from .xception import Xception


class Backbone(Protocol):
    """What every backbone owes, besides being an ``nn.Module``."""

    channels: tuple[int, ...]
    """Channels of the maps, fine to coarse."""

    def __call__(self, pixels: Tensor) -> list[Tensor]:
        """Return the maps of normalised pixels [N, 3, H, W]."""


def build(config: BackboneConfig | StagedConfig) -> Backbone:
    """Return a backbone with random weights."""
    if isinstance(config, StagedConfig):
        return Staged(convolutions(config.stem), config.stem[-1], 2, config.stages)
    return BACKBONES[config.name](config.output_stride)


BACKBONES: dict[str, Callable[[int], Backbone]] = {
    **{name: partial(resnet, name) for name in DEPTHS},
    'mobilenet_v2': MobileNetV2, 'mobilenet_v3': MobileNetV3,
    'efficientnet_lite0': EfficientNetLite,
    'xception65': partial(Xception, depth=65), 'xception71': partial(Xception, depth=71),
    'hrnet48': lambda _: HRNet(),
}
"""The function that builds each named backbone, given its output stride."""
