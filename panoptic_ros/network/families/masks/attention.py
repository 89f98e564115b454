"""Attention between queries and maps."""

from __future__ import annotations

import torch
from torch import Tensor, nn

SHORTEST, LONGEST = 64.0, 4096.0
"""Periods of the sines that tell positions, in pixels of the network's input."""
BLOCKED = -1e4
"""What is added to the logit of a key that a query must not attend to."""


class Attention(nn.Module):
    """Attention with several heads (Vaswani et al., 2017), whose heads are of equal width."""

    def __init__(self, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(channels, channels)
        self.key = nn.Linear(channels, channels)
        self.value = nn.Linear(channels, channels)
        self.output = nn.Linear(channels, channels)
        for layer in (self.query, self.key, self.value, self.output):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor,
                bias: Tensor | None = None) -> Tensor:
        """
        Return what each query reads, [N, Q, C].

        Parameters
        ----------
        queries, keys, values
            [N, Q, C], [N, K, C] and [N, K, C].
        bias
            [N, Q, K], added to the logits of all heads.

        """
        query, key, value = (
            layer(tokens).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for layer, tokens in ((self.query, queries), (self.key, keys), (self.value, values)))
        logits = query @ key.transpose(2, 3) * query.shape[3] ** -0.5
        if bias is not None:
            logits = logits + bias[:, None]
        return self.output((logits.softmax(3) @ value).transpose(1, 2).flatten(2))


class FeedForward(nn.Module):
    """Two linear layers, added to their input, and a layer norm."""

    def __init__(self, channels: int, inner: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(channels, inner), nn.ReLU(inplace=True),
                                    nn.Linear(inner, channels))
        self.norm = nn.LayerNorm(channels)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return tokens of the same shape."""
        return self.norm(tokens + self.layers(tokens))


def sine_position(height: int, width: int, channels: int, cell: int) -> Tensor:
    """
    Return the sines and cosines of the positions of a map's cells, [height * width, channels].

    Half of the channels are of y and half of x.  Unlike DETR's, positions are pixels of the
    network's input, so that they mean the same in a crop and in a whole image.

    Parameters
    ----------
    height, width
        The map's cells.
    channels
        A multiple of 4.
    cell
        Pixels of the input per cell.

    """
    count = channels // 4
    periods = SHORTEST * (LONGEST / SHORTEST) ** (torch.arange(count) / max(1, count - 1))

    def encode(cells: int) -> Tensor:
        angles = (torch.arange(cells) + 0.5)[:, None] * cell * (2 * torch.pi) / periods
        return torch.cat((angles.sin(), angles.cos()), 1)

    y, x = encode(height), encode(width)
    both = (y[:, None].expand(-1, width, -1), x[None].expand(height, -1, -1))
    return torch.cat(both, 2).flatten(0, 1)
