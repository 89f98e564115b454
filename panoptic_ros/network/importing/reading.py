"""Foreign checkpoint files, read without executing what is in them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..checkpoint import CheckpointError
from .arrays import ARRAY_GLOBALS, PickledArray
from .torch_files import is_torch_file, load_torch
from .unpickling import Unpickler

_PARTS = ('model', 'state_dict')
"""Where a file may keep its weights; beside them stand optimizers, schedules and authors."""

_PREFIX = 'module.'
"""That ``DataParallel`` puts before every name."""


@dataclass(frozen=True)
class SourceFile:
    """The weights of a file as their source names them."""

    name: str
    sha256: str
    format: str
    """In words: of what kind the file is, and where in it the weights stand."""
    weights: dict[str, Tensor]


def read_source(path: Path) -> SourceFile:
    """
    Read a detectron2 ``.pkl``, or a ``.pth`` that ``torch.save`` wrote.

    The kind of the file is told by its first bytes, not by its name.

    Raises
    ------
    FileNotFoundError
        There is none.
    CheckpointError
        It is damaged, holds something else than weights, or wants something executed.

    """
    if not path.is_file():
        raise FileNotFoundError(f'no checkpoint {path}')
    content = path.read_bytes()
    try:
        if is_torch_file(content):
            kind, data = 'PyTorch file', load_torch(content)
        else:
            kind, data = 'pickle of arrays', Unpickler(content, ARRAY_GLOBALS).load()
        place, weights = _weights(data, len(content))
    except CheckpointError as error:
        raise CheckpointError(f'{path}: {error}') from error
    return SourceFile(path.name, hashlib.sha256(content).hexdigest(), kind + place, weights)


def _weights(data: object, size: int) -> tuple[str, dict[str, Tensor]]:
    """Return where the weights were found, and the weights."""
    place = ''
    if isinstance(data, Mapping):
        for part in _PARTS:
            if isinstance(data.get(part), Mapping):
                data, place = data[part], f', its part {part!r}'
                break
    if not isinstance(data, Mapping) or not data:
        raise CheckpointError(f'it holds a {type(data).__name__}: expected a dictionary of '
                              'weights by name, perhaps as its part '
                              f'{" or ".join(repr(part) for part in _PARTS)}')
    if sum(value.nbytes for value in data.values() if isinstance(value, PickledArray)) > size:
        raise CheckpointError(f'its arrays claim more than the {size} bytes that the file has')
    weights = {str(name): _tensor(str(name), value) for name, value in data.items()}
    if all(name.startswith(_PREFIX) for name in weights):
        weights = {name[len(_PREFIX):]: value for name, value in weights.items()}
        place += f', names without {_PREFIX!r}'
    return place, weights


def _tensor(name: str, value: Any) -> Tensor:
    if isinstance(value, PickledArray):
        return torch.from_numpy(value.array())
    if not isinstance(value, Tensor):
        raise CheckpointError(f'{name:.100} is a {type(value).__name__}: expected an array')
    return value
