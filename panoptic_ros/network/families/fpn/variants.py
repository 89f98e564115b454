"""The published networks of this family by name, with the published figures."""

from __future__ import annotations

from typing import NamedTuple

from ...backbones.config import BackboneConfig
from .config import FpnConfig


class Published(NamedTuple):
    """The figures that detectron2 publishes of a network, PQ in percent on COCO val."""

    source: str
    coco: float
    short: float | None = None
    """PQ after a third of the training."""


_TABLE = (
    (FpnConfig('fpn-r50', BackboneConfig('resnet50-msra', 32)),
     Published('detectron2', 41.5, 39.4)),
    (FpnConfig('fpn-r101', BackboneConfig('resnet101-msra', 32)), Published('detectron2', 43.0)),
)
PRESETS = {config.name: config for config, _ in _TABLE}
"""The networks by name."""
PUBLISHED = {config.name: published for config, published in _TABLE}
"""The published figures of them."""
