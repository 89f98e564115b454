"""A network in the form in which it can be exported."""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn

from ...checkpoint import CheckpointError
from .deformable import GatheredAttention
from .model import MasksNetwork

_STRIDES = (32, 16, 8)
"""Input pixels per cell of the maps in Mask2Former's pixel decoder, coarse to fine."""


def exportable(network: MasksNetwork, size: tuple[int, int]) -> MasksNetwork:
    """
    Return a copy with the same outputs for an input (height, width).

    Its operations are those that runtimes have in common, and none depends on the data.

    Raises
    ------
    CheckpointError
        The network is one of an unfinished training, which draws random numbers.

    """
    result = copy.deepcopy(network).eval()
    model: Any = result.model
    if network.config.model == 'eomt':
        _fix_masking(model)
        return result
    device = result.mean.device
    sizes = [(size[0] // stride, size[1] // stride) for stride in _STRIDES]
    decoder, queries = model.model.pixel_level_module.decoder, model.model.transformer_module
    for layer in decoder.encoder.layers:
        layer.self_attn = GatheredAttention(layer.self_attn, sizes)
    decoder.position_embedding = _FixedPositions(decoder.position_embedding, sizes, device)
    queries.position_embedder = _FixedPositions(queries.position_embedder, sizes, device)
    return result


class _FixedPositions(nn.Module):
    """The positions of the cells of maps of known sizes, which are the same for each image."""

    def __init__(self, source: nn.Module, sizes: list[tuple[int, int]],
                 device: torch.device) -> None:
        super().__init__()
        for height, width in sizes:
            positions = source(torch.Size((1, 1, height, width)), device, torch.float32)
            self.register_buffer(f'of_{height}x{width}', positions)

    def forward(self, shape: torch.Size, *_: Any) -> Tensor:
        positions = getattr(self, f'of_{int(shape[2])}x{int(shape[3])}')
        assert isinstance(positions, Tensor)
        return positions.expand(shape[0], -1, -1, -1)


def _fix_masking(model: Any) -> None:
    """Replace the shares of masked queries, 0 after a training, by numbers that are known."""
    probabilities = model.attn_mask_probs
    if probabilities.is_meta:       # a network without numbers, of which the size is measured
        probabilities = torch.zeros(len(probabilities), device='cpu')
    shares = [float(share) for share in probabilities]
    if any(share not in (0, 1) for share in shares):
        raise CheckpointError(f'attn_mask_probs are {shares}, as in an unfinished training, in '
                              'which queries are masked at random: expected 0 or 1 each')
    del model.attn_mask_probs
    model.attn_mask_probs = shares
