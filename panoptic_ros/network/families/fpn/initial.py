"""The random weights with which the source begins."""

from __future__ import annotations

from torch import nn

from .model import PanopticFpn


def initialised(network: PanopticFpn) -> PanopticFpn:
    """
    Give a network's pyramid and heads the random weights of detectron2, and return it.

    Predictors begin near 0.  So at first all boxes are equally likely, and none is moved.
    """
    parts: tuple[nn.Module, ...] = network.pyramid, network.boxes.hidden
    for part in parts:
        for module in part.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_uniform_(module.weight, a=1)
    heads: tuple[nn.Module, ...] = network.semantic, network.masks
    for head in heads:
        for module in head.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, mode='fan_out', nonlinearity='relu')
    proposals, boxes = network.proposals, network.boxes
    for layer, deviation in ((proposals.conv, 0.01), (proposals.objectness, 0.01),
                             (proposals.deltas, 0.01), (boxes.classes, 0.01),
                             (boxes.deltas, 0.001), (network.masks.predictor, 0.001)):
        nn.init.normal_(layer.weight, std=deviation)
    for head in (*heads, network.pyramid, proposals, boxes):
        for module in head.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d | nn.Linear) \
                    and module.bias is not None:
                nn.init.zeros_(module.bias)
    return network
