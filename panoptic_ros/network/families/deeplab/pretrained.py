"""Backbones that were trained elsewhere, usually on ImageNet."""

from __future__ import annotations

from torch import Tensor

from ...checkpoint import CheckpointError
from ...importing.comparison import COUNTER
from ...importing.reading import SourceFile
from ...importing.values import refuse_impossible
from .config import NetworkConfig
from .importing.keys import blank
from .importing.recognition import SOURCES

_PREFIX = 'backbone.'


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
