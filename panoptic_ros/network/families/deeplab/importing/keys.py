"""What the names of entries have in common in all sources."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import torch
from torch import nn

from ....backbones.staged import Staged
from ..config import NetworkConfig
from ..model import PanopticDeepLab
from . import backbones


@cache
def blank(config: NetworkConfig) -> PanopticDeepLab:
    """Return a network of one class without memory for its weights."""
    with torch.device('meta'):
        return PanopticDeepLab(config, classes=1)


def rename(config: NetworkConfig, resnet: Callable[[str], str],
           decoders: Callable[[str], str]) -> dict[str, str]:
    """
    Return a source's name of each parameter and buffer, with our name.

    Parameters
    ----------
    config
        The network.
    resnet
        Returns the source's name of an entry of a ResNet.
    decoders
        Returns the source's name of an entry outside the backbone.

    """
    network = blank(config)
    backbone = network.backbone
    assert isinstance(backbone, nn.Module)
    names = ({resnet(name): name for name in backbone.state_dict()}
             if isinstance(backbone, Staged) else backbones.rename(backbone))
    result = {f'backbone.{theirs}': f'backbone.{ours}' for theirs, ours in names.items()}
    others = (name for name in network.state_dict() if not name.startswith('backbone.'))
    return result | {decoders(name): name for name in others}
