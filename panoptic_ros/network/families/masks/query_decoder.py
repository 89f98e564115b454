"""The transformer decoder: queries read the image, each where its mask is."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .attention import BLOCKED, Attention, FeedForward, sine_position
from .mobile_config import STRIDE, MobileConfig
from .pixel_decoder import Maps
from .prediction import Prediction, Predictor
from .proposals import CenterProposals


class Decoded(NamedTuple):
    """What the transformer decoder returns."""

    predictions: list[Prediction]
    """Those before the first layer and after each."""
    heatmap: Tensor
    """[N, 1, H/8, W/8] logits of the things' centres."""


class DecoderLayer(nn.Module):
    """Masked attention to a map, attention among the queries, and a feed-forward network."""

    def __init__(self, config: MobileConfig) -> None:
        super().__init__()
        channels = config.channels
        self.cross = Attention(channels, config.heads)
        self.cross_norm = nn.LayerNorm(channels)
        self.among = Attention(channels, config.heads)
        self.among_norm = nn.LayerNorm(channels)
        self.feed_forward = FeedForward(channels, config.inner)

    def forward(self, queries: Tensor, position: Tensor, image: tuple[Tensor, Tensor],
                bias: Tensor) -> Tensor:
        """Return the queries after reading the image, which is its keys and its values."""
        queries = self.cross_norm(queries + self.cross(queries + position, *image, bias))
        placed = queries + position
        queries = self.among_norm(queries + self.among(placed, placed, queries))
        return self.feed_forward(queries)


class QueryDecoder(nn.Module):
    """The transformer decoder of Mask2Former (Cheng et al., CVPR 2022), with proposals."""

    def __init__(self, config: MobileConfig, classes: int) -> None:
        super().__init__()
        channels = config.channels
        self.levels = config.levels
        self.proposals = CenterProposals(config)
        self.content = nn.Parameter(torch.randn(config.learned, channels))
        self.position = nn.Parameter(torch.randn(config.learned, channels))
        self.level = nn.Parameter(torch.randn(len(config.levels), channels))
        self.layers = nn.ModuleList(DecoderLayer(config) for _ in config.levels)
        self.predictor = Predictor(config, classes)

    def forward(self, maps: Maps) -> Decoded:
        """Return the predictions for the maps of the pixel decoder."""
        proposals = self.proposals(maps.levels[8])
        count = maps.features.shape[0]     # len() would fix it in an exported graph
        queries = torch.cat((self.content.expand(count, -1, -1), proposals.content), 1)
        position = torch.cat((self.position.expand(count, -1, -1), proposals.position), 1)
        predictions = [self.predictor(queries, proposals.center)]
        for number, (stride, layer) in enumerate(zip(self.levels, self.layers, strict=True)):
            level = maps.levels[stride]
            values = level.flatten(2).transpose(1, 2) + self.level[number]
            height, width = level.shape[2:]
            keys = values + sine_position(height, width, values.shape[2], stride).to(values)
            bias = attention_bias(predictions[-1], maps.features, stride // STRIDE)
            queries = layer(queries, position, (keys, values), bias)
            predictions.append(self.predictor(queries, proposals.center))
        return Decoded(predictions, proposals.heatmap)


def attention_bias(prediction: Prediction, features: Tensor, cell: int) -> Tensor:
    """
    Return what keeps each query from attending outside of its mask, [N, Q, keys].

    A query whose mask is empty attends everywhere.  No gradient passes.

    Parameters
    ----------
    prediction
        The masks.
    features
        [N, mask_channels, h, w].
    cell
        The side of a key's cell, in cells of the features.

    """
    with torch.no_grad():
        masks = prediction.masks(F.avg_pool2d(features, cell), cell).flatten(2)
        blocked = (masks < 0) & (masks.amax(2, keepdim=True) >= 0)
        return torch.where(blocked, BLOCKED, 0.0).to(masks.dtype)
