"""Batch norm over the batches of several processes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed, nn


def share_norms(network: nn.Module, device: torch.device) -> None:
    """Let the batch norms inside a network treat the batches of all processes as one."""
    if device.type == 'cuda':
        nn.SyncBatchNorm.convert_sync_batchnorm(network)
        return
    for module in network.modules():
        if type(module) is nn.BatchNorm2d:
            module.__class__ = SharedBatchNorm


class SharedBatchNorm(nn.BatchNorm2d):
    """``nn.SyncBatchNorm`` for processors, which PyTorch does not have."""

    def forward(self, input: Tensor) -> Tensor:
        """Normalise [N, C, h, w], in training by the mean and variance of all processes."""
        if not self.training:
            return super().forward(input)
        count = distributed.get_world_size() * input.numel() // input.shape[1]
        mean = _total(input.mean((0, 2, 3))) / distributed.get_world_size()
        centered = input - mean[:, None, None]
        variance = _total(centered.square().sum((0, 2, 3))) / count
        for kept, value in ((self.running_mean, mean),
                            (self.running_var, variance * count / (count - 1))):
            assert kept is not None
            assert self.momentum is not None
            kept.lerp_(value.detach(), self.momentum)
        assert self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        scale = self.weight / (variance + self.eps).sqrt()
        return centered * scale[:, None, None] + self.bias[:, None, None]


def _total(values: Tensor) -> Tensor:
    total: Tensor = _Total.apply(values)    # type: ignore[no-untyped-call]
    return total


class _Total(torch.autograd.Function):
    """The sum over the processes; its gradient is a sum, too, because each value enters all."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        total = gradients[0].clone()
        distributed.all_reduce(total)
        return total
