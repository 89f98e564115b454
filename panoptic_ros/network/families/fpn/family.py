"""The networks of the family ``fpn``; see ``network.family.NetworkFamily``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy.typing as npt
from torch import nn

from ....families.fpn.detections import NAMES
from ....labels import LabelSpace
from ...carrying import OTHER
from ...family import ImportOptions
from ...importing.reading import SourceFile
from .config import STRIDE, FpnConfig
from .importing.conversion import MARK, FpnConversion
from .initial import initialised
from .losses import LossOptions
from .model import PanopticFpn
from .order import in_order
from .recipes import FpnRecipe
from .targets import TargetOptions


class FpnNetworks:
    """Panoptic-FPN; see ``network.family.NetworkFamily``."""

    outputs = NAMES
    thresholds = True       # suppression, and the choice of the best boxes
    exporter = 'torchscript'

    def configuration(self, data: Mapping[str, Any]) -> FpnConfig:
        """Return the configuration whose plain data these are."""
        return FpnConfig.from_dict(data)

    def network(self, config: FpnConfig, classes: int) -> PanopticFpn:
        """Return a network with the random weights with which a training starts."""
        return initialised(PanopticFpn(config, classes))

    def suited(self, config: FpnConfig, labels: LabelSpace) -> FpnConfig:
        """Return the network with as many things as the label space has."""
        things = int(labels.is_thing.sum())
        if not 0 < things < len(labels):
            raise ValueError(f'label space {labels.name!r} has {things} things among its '
                             f'{len(labels)} classes: network {config.name!r} needs things and '
                             'stuff')
        return replace(config, things=things)

    def class_rows(self, labels: LabelSpace) -> dict[str, list[str]]:
        """Return things, then that of none; or that of all things, then stuff."""
        things = [name for name, is_thing in zip(labels.names, labels.is_thing, strict=True)
                  if is_thing]
        stuff = [name for name in labels.names if name not in things]
        return {'boxes.classes': [*things, OTHER], 'boxes.deltas': things,
                'masks.predictor': things, 'semantic.predictor': [OTHER, *stuff]}

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

    def targets(self, recipe: FpnRecipe) -> TargetOptions:
        """Return the targets, which are the same for every recipe."""
        return TargetOptions()

    def criterion(self, recipe: FpnRecipe) -> LossOptions:
        """Return the losses at the recipe's numbers of anchors and proposals."""
        return LossOptions(recipe.anchors, recipe.proposals)


FAMILY = FpnNetworks()
