"""The networks of the family ``masks``; see ``network.family.NetworkFamily``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from ....families.masks.queries import NAMES
from ...checkpoint import CheckpointError
from ...family import ImportOptions
from ...importing.reading import SourceFile
from .config import MasksConfig
from .exportable import exportable
from .importing.conversion import MasksConversion
from .importing.folder import Folder
from .importing.mask2former import MARK
from .model import MasksNetwork

_HUGGING_FACE = 'class_predictor.weight'


class MasksNetworks:
    """Mask2Former and EoMT; see ``network.family.NetworkFamily``."""

    outputs = NAMES
    exporter = 'torchscript'

    def configuration(self, data: Mapping[str, Any]) -> MasksConfig:
        """Return the configuration whose plain data these are."""
        return MasksConfig.from_dict(data)

    def network(self, config: MasksConfig, classes: int) -> MasksNetwork:
        """Return a network with random weights."""
        return MasksNetwork(config, classes)

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
        assert isinstance(network, MasksNetwork)
        return exportable(network, size)

    def fitting(self, config: MasksConfig) -> tuple[str, tuple[int, ...]]:
        """Return how the source brings images to the input."""
        return config.fit, config.padding

    def options(self, config: MasksConfig, size: tuple[int, int]) -> dict[str, Any]:
        """Return nothing: the published options suit every size."""
        return {}

    def layout(self, config: MasksConfig, size: tuple[int, int]) -> dict[str, Any]:
        """Return the number of queries, and the size of a cell of their masks."""
        return {'queries': config.queries, 'stride': config.stride}


def _refuse(options: ImportOptions) -> None:
    if options.output_stride is not None or options.crop is not None:
        raise ValueError('--output-stride and --crop say how a Panoptic-DeepLab was trained: '
                         'leave them out for a Mask2Former or an EoMT')


FAMILY = MasksNetworks()
