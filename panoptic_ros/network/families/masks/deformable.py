"""Deformable attention in operations that every runtime computes alike."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

Sizes = list[tuple[int, int]]


class GatheredAttention(nn.Module):
    """
    The attention of Mask2Former's pixel decoder (Deformable DETR, Zhu et al., ICLR 2021).

    It computes what the source's does, which samples the maps by ``grid_sample``.  Several
    versions of TensorRT compute that operation wrongly without saying so.  Here each sample is
    four cells by ``Gather``.  The places of the cells are integers, and only the small distances
    from them are floats.  So half precision moves no sample.

    Parameters
    ----------
    source
        The attention of ``transformers``, whose weights are used.
    sizes
        (height, width) of each map, in the order in which the tokens follow each other.

    """

    places: Tensor
    within: Tensor

    def __init__(self, source: Any, sizes: Sizes) -> None:
        super().__init__()
        self.sampling_offsets, self.attention_weights = (
            source.sampling_offsets, source.attention_weights)
        self.value_proj, self.output_proj = source.value_proj, source.output_proj
        self.heads, self.points, self.sizes = source.n_heads, source.n_points, sizes
        starts = [_centers(sizes, size) for size in sizes]
        places = torch.stack([start.floor() for start in starts], 1)
        within = torch.stack(starts, 1) - places
        self.register_buffer('places', places.long()[None, :, None, :, None])
        self.register_buffer('within', within.float()[None, :, None, :, None])

    def forward(self, hidden_states: Tensor, encoder_hidden_states: Tensor,
                position_embeddings: Tensor, **unused: Any) -> tuple[Tensor, None]:
        """
        Attend to the maps.

        Parameters
        ----------
        hidden_states, encoder_hidden_states, position_embeddings
            [N, L, D]: the tokens that ask, those that answer, and the positions of the former.
        unused
            What the source needs besides: reference points, and masks of padding.

        """
        asking = hidden_states + position_embeddings
        count, length, width = asking.shape
        shape = (count, length, self.heads, len(self.sizes), self.points)
        offsets = self.sampling_offsets(asking).view(*shape, 2)
        weights = self.attention_weights(asking).view(*shape[:3], -1).softmax(-1).view(shape)
        values = self.value_proj(encoder_hidden_states).view(*shape[:3], -1).transpose(1, 2)
        values = values.reshape(count * self.heads, length, -1)
        row = torch.arange(count * self.heads, device=asking.device).view(count, 1, self.heads, 1)
        moved = offsets + self.within
        low = moved.floor()
        part, low = moved - low, low.long() + self.places
        parts = [self._sampled(values, row, level, weights[:, :, :, level], part[:, :, :, level],
                               low[:, :, :, level]) for level in range(len(self.sizes))]
        return self.output_proj(sum(parts[1:], parts[0]).reshape(count, length, width)), None

    def _sampled(self, values: Tensor, row: Tensor, level: int, weights: Tensor, part: Tensor,
                 low: Tensor) -> Tensor:
        """Return the weighted samples of one map, [N, L, heads, D / heads]."""
        height, width = self.sizes[level]
        begin = sum(h * w for h, w in self.sizes[:level])
        cells = values[:, begin:begin + height * width].reshape(-1, values.shape[-1])
        total = None
        for right, down in ((0, 0), (1, 0), (0, 1), (1, 1)):
            x, y = low[..., 0] + right, low[..., 1] + down
            inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
            share = (part[..., 0] if right else 1 - part[..., 0]) \
                * (part[..., 1] if down else 1 - part[..., 1])
            index = row * (height * width) + y.clamp(0, height - 1) * width \
                + x.clamp(0, width - 1)
            sample = cells.index_select(0, index.reshape(-1)).view(*index.shape, -1)
            weighted = (sample * (weights * share * inside)[..., None]).sum(3)
            total = weighted if total is None else total + weighted
        assert total is not None
        return total


def _centers(sizes: Sizes, target: tuple[int, int]) -> Tensor:
    """Return the (x, y) of every cell of all maps in a map of another size, in its cells."""
    found = []
    for height, width in sizes:
        y = (torch.arange(height, dtype=torch.float64) + 0.5) * target[0] / height - 0.5
        x = (torch.arange(width, dtype=torch.float64) + 0.5) * target[1] / width - 0.5
        found.append(torch.stack(torch.meshgrid(x, y, indexing='xy'), -1).flatten(0, 1))
    return torch.cat(found)
