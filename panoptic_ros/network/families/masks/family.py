"""The networks of the family ``masks``; see ``network.family.NetworkFamily``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy.typing as npt
from torch import nn

from ....families.masks.queries import NAMES
from ....labels import LabelSpace
from ...carrying import OTHER
from ...checkpoint import CheckpointError
from ...family import ImportOptions
from ...importing.reading import SourceFile
from .config import MasksConfig
from .exportable import exportable
from .importing.conversion import MasksConversion
from .importing.folder import Folder
from .importing.mask2former import MARK
from .losses import LossOptions
from .matching import load_assignment
from .mobile import MobileMasks
from .mobile_config import MobileConfig
from .model import MasksNetwork
from .recipes import MasksRecipe
from .targets import TargetOptions

AnyConfig: TypeAlias = MasksConfig | MobileConfig

_HUGGING_FACE = 'class_predictor.weight'


class MasksNetworks:
    """Mask2Former, EoMT, and a small one; see ``network.family.NetworkFamily``."""

    outputs = NAMES
    thresholds = True       # masks of attention
    exporter = 'torchscript'

    def configuration(self, data: Mapping[str, Any]) -> AnyConfig:
        """Return the configuration whose plain data these are."""
        return (MasksConfig if 'settings' in data else MobileConfig).from_dict(data)

    def network(self, config: AnyConfig, classes: int) -> MasksNetwork | MobileMasks:
        """Return a network with random weights."""
        if isinstance(config, MobileConfig):
            return MobileMasks(config, classes)
        return MasksNetwork(config, classes)

    def suited(self, config: AnyConfig, labels: LabelSpace) -> AnyConfig:
        """Return the network itself."""
        return config

    def class_rows(self, labels: LabelSpace) -> dict[str, tuple[str, ...]]:
        """Return the rows of the classes, and that of no object."""
        return {'query_decoder.predictor.classes': (*labels.names, OTHER)}

    def looked_for(self) -> list[str]:
        """Return what tells a Mask2Former, and a folder of Hugging Face."""
        return [f'{MARK!r} (Mask2Former)', "'config.json' in a folder (Hugging Face)"]

    def conversion(self, source: SourceFile | Path, options: ImportOptions
                   ) -> MasksConversion | None:
        """Recognise a file of Mask2Former, or a folder of Hugging Face."""
        if isinstance(source, Path):
            _refuse(options)
            return MasksConversion.of_folder(Folder.read(source), options.allowed)
        if _HUGGING_FACE in source.weights:
            raise CheckpointError(f'{source.name} has the names of Hugging Face: give the folder '
                                  'that has its config.json, too')
        if MARK not in source.weights:
            return None
        _refuse(options)
        return MasksConversion.of_mask2former(source, options.allowed)

    def exported(self, network: nn.Module, size: tuple[int, int]) -> nn.Module:
        """Return a copy without operations that depend on the data."""
        if isinstance(network, MobileMasks):
            return network
        assert isinstance(network, MasksNetwork)
        return exportable(network, size)

    def in_order(self, outputs: Sequence[npt.NDArray[Any]],
                 expected: Sequence[npt.NDArray[Any]]) -> Sequence[npt.NDArray[Any]]:
        """Return the outputs."""
        return outputs

    def fitting(self, config: AnyConfig) -> tuple[str, tuple[int, ...]]:
        """Return how the source brings images to the input."""
        return config.fit, config.padding

    def options(self, config: AnyConfig, size: tuple[int, int]) -> dict[str, Any]:
        """Return nothing: the published options suit every size."""
        return {}

    def layout(self, config: AnyConfig, size: tuple[int, int]) -> dict[str, Any]:
        """Return the number of queries, and the size of a cell of their masks."""
        return {'queries': config.queries, 'stride': config.stride}

    def targets(self, recipe: MasksRecipe) -> TargetOptions:
        """Return the targets, which are the same for every recipe."""
        return TargetOptions()

    def criterion(self, recipe: MasksRecipe) -> LossOptions:
        """Return the losses at the recipe's number of points, which need SciPy."""
        load_assignment()
        return LossOptions(recipe.points, recipe.matching_points)


def _refuse(options: ImportOptions) -> None:
    if options.output_stride is not None or options.crop is not None:
        raise ValueError('--output-stride and --crop say how a Panoptic-DeepLab was trained: '
                         'leave them out for a Mask2Former or an EoMT')


FAMILY = MasksNetworks()
