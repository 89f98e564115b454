"""A training on disk: the network, and everything that is needed to go on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..images.files import unfinished
from ..labels import LabelSpace
from . import families
from .family import Configuration

_ALLOWANCE = 1 << 24
"""Parameters that no file has to justify: entries that are missing are to be named instead."""
_KEYS = ('config', 'label_space', 'weights', 'training', 'state')


class CheckpointError(ValueError):
    """A file that is not a checkpoint of this package."""


@dataclass(frozen=True)
class Checkpoint:
    """The content of a file: plain data and tensors, so that reading it runs no foreign code."""

    config: Configuration
    label_space: LabelSpace
    weights: dict[str, torch.Tensor]
    """The weights of the network to use, which are the averaged ones."""
    training: dict[str, Any]
    """Recipe and progress, for people and for the exported model."""
    state: dict[str, Any]
    """The data that only resuming needs; empty in a checkpoint that cannot be resumed."""

    def network(self) -> nn.Module:
        """
        Return the trained network in evaluation mode.

        Raises
        ------
        CheckpointError
            The configuration is that of a far larger network than the weights are of.

        """
        family = families.find(self.config.family)

        def build() -> nn.Module:
            return family.network(self.config, len(self.label_space))

        check_size(build, self.weights)
        network = build()
        network.load_state_dict(self.weights)
        return network.eval()

    def require_state(self) -> None:
        """
        Refuse to resume a checkpoint of weights alone, such as an imported one.

        Raises
        ------
        CheckpointError
            It holds no state.

        """
        if not self.state:
            raise CheckpointError('the checkpoint holds weights only: start from its weights '
                                  'instead of resuming')

    def save(self, path: Path) -> None:
        """
        Write the file; a crash meanwhile leaves the old file whole.

        Raises
        ------
        OSError
            The file cannot be written, as on a full disk; an old one is as it was.

        """
        content = {'family': self.config.family, 'config': self.config.to_dict(),
                   'label_space': self.label_space.to_dict(), 'weights': self.weights,
                   'training': self.training, 'state': self.state}
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with unfinished(path) as beside, beside.open('wb') as file:
                torch.save(content, file)
        except (OSError, RuntimeError) as error:
            # PyTorch closes its archive even then, and what it finds there hides the file's error.
            hidden = isinstance(error, RuntimeError) and isinstance(error.__context__, OSError)
            why = error.__context__ if hidden else error
            raise OSError(f'cannot write {path}: expected a folder that may be written, and room '
                          f'on the disk ({why})') from error

    @classmethod
    def load(cls, path: Path) -> Checkpoint:
        """
        Read a file.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        CheckpointError
            The file is no checkpoint of this package.

        """
        if not path.is_file():
            raise FileNotFoundError(f'no checkpoint {path}: `ros2 run panoptic_ros train` '
                                    'writes one')
        from .importing.torch_files import load_torch

        try:
            data = load_torch(path.read_bytes())
        except CheckpointError as error:
            raise CheckpointError(f'{path} is not a checkpoint: {error}') from error
        missing = [key for key in _KEYS if not isinstance(data, dict) or key not in data]
        if missing or not isinstance(data, dict):
            raise CheckpointError(f'{path} lacks {", ".join(missing)}: expected a file that '
                                  '`ros2 run panoptic_ros train` wrote')
        try:
            family = families.find(data.get('family', 'deeplab'))     # older files do not say it
            return cls(family.configuration(data['config']),
                       LabelSpace.from_dict(data['label_space']), data['weights'],
                       data['training'], data['state'])
        except (KeyError, TypeError, ValueError) as error:
            raise CheckpointError(f'{path} is damaged: {error!r}') from error


def check_size(build: Callable[[], nn.Module], weights: Mapping[str, torch.Tensor]) -> None:
    """
    Refuse a network that is far larger than its weights, before it takes memory.

    Raises
    ------
    CheckpointError
        It has more than twice as many parameters as the file has numbers.

    """
    with torch.device('meta'):
        parameters = sum(parameter.numel() for parameter in build().parameters())
    found = sum(weight.numel() for weight in weights.values())
    if parameters > 2 * found + _ALLOWANCE:
        raise CheckpointError(f'its settings are those of a network of {parameters} parameters, '
                              f'and the file has {found} numbers: it is damaged, or its settings '
                              'are of another network')


def backbone_of(checkpoint: Checkpoint, config: Configuration) -> dict[str, torch.Tensor]:
    """
    Return the weights of a checkpoint's backbone for another network with an equal backbone.

    Raises
    ------
    CheckpointError
        The backbones differ.

    """
    theirs, ours = (getattr(shape, 'backbone', None) for shape in (checkpoint.config, config))
    if theirs is None or theirs != ours:
        raise CheckpointError(f'the checkpoint is of network {checkpoint.config.name!r}, whose '
                              f'backbone is {theirs}: network {config.name!r} needs {ours}')
    return {name: value for name, value in checkpoint.weights.items()
            if name.startswith('backbone.')}
