"""The moving average of a network's weights, which is better than the last weights."""

from __future__ import annotations

import copy

import torch
from torch import nn


class MovingAverage:
    """
    An exponential moving average of a network's parameters and batch statistics.

    It starts fast and slows down to ``decay``, so that a short training forgets its beginning.
    """

    def __init__(self, network: nn.Module, decay: float = 0.998) -> None:
        self.network = copy.deepcopy(network).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take the network after ``step`` steps into account."""
        weight = 1 - min(self.decay, (1 + step) / (10 + step))
        ours, theirs = self.network.state_dict(), network.state_dict()
        floats = [name for name, value in ours.items() if value.is_floating_point()]
        torch._foreach_lerp_([ours[name] for name in floats],
                             [theirs[name] for name in floats], weight)

    @torch.no_grad()
    def restore_statistics(self, network: nn.Module) -> None:
        """Give a network the averaged batch statistics, in place of a bad batch's."""
        for theirs, ours in zip(network.buffers(), self.network.buffers(), strict=True):
            if ours.is_floating_point():
                theirs.copy_(ours)
