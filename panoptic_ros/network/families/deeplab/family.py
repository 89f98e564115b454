"""The networks of the family ``deeplab``; see ``network.family.NetworkFamily``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt
from torch import nn

from ....families.deeplab.heads import NAMES
from ....labels import LabelSpace
from ...family import ImportOptions
from ...importing.reading import SourceFile
from .config import STRIDE, NetworkConfig
from .importing.conversion import Conversion
from .importing.recognition import marks
from .losses import LossOptions
from .model import PanopticDeepLab
from .recipes import DeepLabRecipe
from .targets import TargetOptions


class DeepLabNetworks:
    """Panoptic-DeepLab; see ``network.family.NetworkFamily``."""

    outputs = NAMES
    thresholds = False
    exporter = 'dynamo'

    def configuration(self, data: Mapping[str, Any]) -> NetworkConfig:
        """Return the configuration whose plain data these are."""
        return NetworkConfig.from_dict(data)

    def network(self, config: NetworkConfig, classes: int) -> PanopticDeepLab:
        """Return a network with random weights."""
        return PanopticDeepLab(config, classes)

    def suited(self, config: NetworkConfig, labels: LabelSpace) -> NetworkConfig:
        """Return the network itself."""
        return config

    def class_rows(self, labels: LabelSpace) -> dict[str, tuple[str, ...]]:
        """Return the rows of the semantic logits."""
        return {'semantic.1': labels.names}

    def looked_for(self) -> list[str]:
        """Return the predictors of the sources."""
        return [f'{entry!r} ({source})' for source, entry in marks().items()]

    def conversion(self, source: SourceFile | Path, options: ImportOptions) -> Conversion | None:
        """Recognise a file of detectron2 or bowenc0221; there are no folders of theirs."""
        return None if isinstance(source, Path) else Conversion.of(source, options)

    def exported(self, network: nn.Module, size: tuple[int, int]) -> nn.Module:
        """Return the network itself."""
        return network

    def in_order(self, outputs: Sequence[npt.NDArray[Any]],
                 expected: Sequence[npt.NDArray[Any]]) -> Sequence[npt.NDArray[Any]]:
        """Return the outputs."""
        return outputs

    def fitting(self, config: NetworkConfig) -> tuple[str, tuple[int, ...]]:
        """Let images fill the input."""
        return 'stretch', ()

    def options(self, config: NetworkConfig, size: tuple[int, int]) -> dict[str, Any]:
        """Return the published area in proportion to the input."""
        return {'stuff_area': round(2048 * size[0] * size[1] / (1024 * 2048))}

    def layout(self, config: NetworkConfig, size: tuple[int, int]) -> dict[str, Any]:
        """Return where the cells of the heads lie, and how unsure frames are smoothed."""
        smoothing = {} if config.smoothing is None else {'smoothing': list(config.smoothing)}
        return {'stride': STRIDE, 'align_corners': config.align_corners, **smoothing}

    def targets(self, recipe: DeepLabRecipe) -> TargetOptions:
        """Return the recipe's pixel scales."""
        return TargetOptions.for_size(recipe.size, recipe.sigma)

    def criterion(self, recipe: DeepLabRecipe) -> LossOptions:
        """Return the recipe's losses."""
        return LossOptions(recipe.hardest, recipe.easing, consistency=recipe.consistency)


FAMILY = DeepLabNetworks()
