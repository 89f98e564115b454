"""The networks of the family ``deeplab``; see ``network.family.NetworkFamily``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import nn

from ....families.deeplab.heads import NAMES
from .config import STRIDE, NetworkConfig
from .model import PanopticDeepLab


class DeepLabNetworks:
    """Panoptic-DeepLab; see ``network.family.NetworkFamily``."""

    outputs = NAMES

    def configuration(self, data: Mapping[str, Any]) -> NetworkConfig:
        """Return the configuration whose plain data these are."""
        return NetworkConfig.from_dict(data)

    def network(self, config: NetworkConfig, classes: int) -> PanopticDeepLab:
        """Return a network with random weights."""
        return PanopticDeepLab(config, classes)

    def exported(self, network: nn.Module) -> nn.Module:
        """Return the network itself."""
        return network

    def options(self, config: NetworkConfig, size: tuple[int, int]) -> dict[str, Any]:
        """Return the published area in proportion to the input."""
        return {'stuff_area': round(2048 * size[0] * size[1] / (1024 * 2048))}

    def layout(self, config: NetworkConfig, size: tuple[int, int]) -> dict[str, Any]:
        """Return where the cells of the heads lie."""
        return {'stride': STRIDE, 'align_corners': config.align_corners}


FAMILY = DeepLabNetworks()
