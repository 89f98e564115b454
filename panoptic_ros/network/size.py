"""The size of a network, found without running it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from . import families
from .family import Configuration


@dataclass(frozen=True)
class NetworkSize:
    """The size of a network, and the cost of one image."""

    parameters: int
    multiply_adds: int
    input_size: tuple[int, int]
    """Height and width of that image."""


def measure(config: Configuration, input_size: tuple[int, int],
            classes: int = 19) -> NetworkSize:
    """Return the size of a network for images of a size (height, width)."""
    with torch.device('meta'):
        family = families.find(config.family)
        network = family.network(config, classes).eval().to('meta')
        count = sum(parameter.numel() for parameter in network.parameters())
        return NetworkSize(count, multiply_adds(family.exported(network, input_size), input_size),
                           input_size)


def multiply_adds(network: nn.Module, size: tuple[int, int]) -> int:
    """Return the number of multiply-adds that one image of a size takes."""
    counter = FlopCounterMode(display=False)
    with torch.inference_mode(), counter:
        network(torch.zeros((1, *size, 3), dtype=torch.uint8))
    return counter.get_total_flops() // 2
