"""The networks of the family ``fpn``; see ``network.family.NetworkFamily``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy.typing as npt
from torch import nn

from ....families.fpn.detections import NAMES
from ...family import Criterion, ImportOptions, TargetOptions
from ...importing.reading import SourceFile
from .config import STRIDE, FpnConfig
from .importing.conversion import MARK, FpnConversion
from .model import PanopticFpn
from .order import in_order

_UNTRAINED = ('the networks of the family fpn are not trained here: import a checkpoint of '
              'detectron2 with import_checkpoint')


class FpnNetworks:
    """Panoptic-FPN; see ``network.family.NetworkFamily``."""

    outputs = NAMES
    thresholds = True       # suppression, and the choice of the best boxes
    class_layers = ()       # none of these networks is trained here
    exporter = 'torchscript'

    def configuration(self, data: Mapping[str, Any]) -> FpnConfig:
        """Return the configuration whose plain data these are."""
        return FpnConfig.from_dict(data)

    def network(self, config: FpnConfig, classes: int) -> PanopticFpn:
        """Return a network with random weights."""
        return PanopticFpn(config, classes)

    def looked_for(self) -> list[str]:
        """Return an entry of the head of stuff."""
        return [f'{MARK!r} (Panoptic-FPN of detectron2)']

    def conversion(self, source: SourceFile | Path, options: ImportOptions
                   ) -> FpnConversion | None:
        """Recognise a file of detectron2; there are no folders of its networks."""
        if isinstance(source, Path) or MARK not in source.weights:
            return None
        if options.output_stride is not None or options.crop is not None:
            raise ValueError('--output-stride and --crop say how a Panoptic-DeepLab was trained: '
                             'leave them out for a Panoptic-FPN')
        return FpnConversion.of(source, options.allowed)

    def exported(self, network: nn.Module, size: tuple[int, int]) -> nn.Module:
        """Return the network itself."""
        return network

    def in_order(self, outputs: Sequence[npt.NDArray[Any]],
                 expected: Sequence[npt.NDArray[Any]]) -> list[npt.NDArray[Any]]:
        """Return the rows of the detections in the order of others."""
        return in_order(outputs, expected)

    def fitting(self, config: FpnConfig) -> tuple[str, tuple[int, ...]]:
        """Keep the aspect of images, and pad with the mean colour."""
        return 'pad', config.padding

    def options(self, config: FpnConfig, size: tuple[int, int]) -> dict[str, Any]:
        """Return nothing: the published options are for the image's own size."""
        return {}

    def layout(self, config: FpnConfig, size: tuple[int, int]) -> dict[str, Any]:
        """Return the numbers of detections and of cells, and the stride of the logits."""
        return {'detections': config.detections, 'mask_side': config.mask_side, 'stride': STRIDE}

    def targets(self, recipe: Any) -> TargetOptions:
        """Refuse."""
        _refuse_training()

    def criterion(self, recipe: Any) -> Criterion:
        """Refuse."""
        _refuse_training()


def _refuse_training() -> NoReturn:
    raise ValueError(_UNTRAINED)


FAMILY = FpnNetworks()
