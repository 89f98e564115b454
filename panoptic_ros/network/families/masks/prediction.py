"""What queries say: a class, and a mask that is the product of an embedding and the features."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from .mobile_config import MobileConfig

GAIN = 2.0
"""How steeply the logit of a mask falls outside of its reach."""
WIDEST = 4.0
"""The natural logarithm of the largest reach is at most this above that of the usual one."""
FARTHEST = 200.0
"""The number of reaches from which on the logit falls no further."""


class Prediction(NamedTuple):
    """The classes and masks of Q queries."""

    classes: Tensor
    """[N, Q, C + 1] logits of the classes and of no object."""
    embedding: Tensor
    """[N, Q, mask_channels]."""
    center: Tensor
    """
    float32 [N, Q, 2]: (y, x) in cells of the masks; it does not matter where ``nearness`` is 0.
    """
    nearness: Tensor
    """
    float32 [N, Q, 2]: 1 / how far the mask reaches along y and x in cells; 0 = over the image.
    """

    def pick(self, query: Tensor) -> Prediction:
        """Return the queries of these numbers, int64 [N, K]."""
        return Prediction(*(value.gather(1, query[:, :, None].expand(-1, -1, value.shape[2]))
                            for value in self))

    def masks(self, features: Tensor, cell: int = 1) -> Tensor:
        """
        Return the logits of the masks, [N, Q, h, w].

        They are the products of the embeddings and the features, less a penalty that grows with
        the distance from the centre, evenly when it is far.

        Parameters
        ----------
        features
            [N, mask_channels, h, w].
        cell
            The side of a cell of these features, in cells of the masks.

        """
        height, width = features.shape[2:]
        product = (self.embedding @ features.flatten(2)).unflatten(2, (height, width))
        y, x = (self._penalty(axis, (torch.arange(side).to(self.center) + 0.5) * cell - 0.5)
                for axis, side in enumerate((height, width)))
        return product - y[:, :, :, None] - x[:, :, None, :]

    def at(self, features: Tensor, places: Tensor) -> Tensor:
        """
        Return the logits of the masks at points, [N, Q, K].

        Parameters
        ----------
        features
            The features there, [N, mask_channels, K].
        places
            [N, K, 2]: (y, x) in cells of the masks.

        """
        y, x = (self._penalty(axis, places[:, None, :, axis]) for axis in (0, 1))
        return self.embedding @ features - y - x

    def _penalty(self, axis: int, places: Tensor) -> Tensor:
        away = (places - self.center[:, :, axis, None]) * self.nearness[:, :, axis, None]
        away = away.clamp(-FARTHEST, FARTHEST)      # so that its square fits into half precision
        return GAIN * ((1 + away.square()).sqrt() - 1)


class Predictor(nn.Module):
    """The heads that all layers share."""

    def __init__(self, config: MobileConfig, classes: int) -> None:
        super().__init__()
        channels = config.channels
        self.norm = nn.LayerNorm(channels)
        self.classes = nn.Linear(channels, classes + 1)
        self.embedding = nn.Sequential(
            nn.Linear(channels, channels), nn.ReLU(inplace=True),
            nn.Linear(channels, channels), nn.ReLU(inplace=True),
            nn.Linear(channels, config.mask_channels))
        self.place = nn.Linear(channels, 4)
        nn.init.normal_(self.place.weight, std=0.01)
        nn.init.constant_(self.place.bias, 0)

    def forward(self, queries: Tensor, start: Tensor) -> Prediction:
        """
        Return what the queries say.

        Parameters
        ----------
        queries
            [N, Q, C], the learned ones first.
        start
            [N, P, 2]: centres of the last P queries, from which they may move.

        """
        queries = self.norm(queries)
        learned = queries.shape[1] - start.shape[1]
        place = self.place(queries[:, learned:]).float()
        # A proposal starts with a reach of 5 cells and moves by 4 at a time.
        center = start + 4 * place[:, :, :2]
        nearness = (-place[:, :, 2:].clamp(-WIDEST, WIDEST)).exp() / 5
        everywhere = torch.zeros_like(queries[:, :learned, :2], dtype=torch.float32)
        return Prediction(self.classes(queries), self.embedding(queries),
                          torch.cat((everywhere, center), 1),
                          torch.cat((everywhere, nearness), 1))
