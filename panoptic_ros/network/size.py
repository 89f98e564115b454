"""How large a network is, found without computing anything."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from .config import NetworkConfig
from .deeplab import PanopticDeepLab
from .export import multiply_adds


@dataclass(frozen=True)
class NetworkSize:
    """What one image costs."""

    parameters: int
    multiply_adds: int
    input_size: tuple[int, int]
    """Height and width of that image."""


def measure(config: NetworkConfig, input_size: tuple[int, int],
            classes: int = 19) -> NetworkSize:
    """Return the size of a network for images of a size (height, width)."""
    with torch.device('meta'):
        network = PanopticDeepLab(config, classes).eval()
        count = sum(parameter.numel() for parameter in network.parameters())
        return NetworkSize(count, multiply_adds(network, input_size), input_size)
