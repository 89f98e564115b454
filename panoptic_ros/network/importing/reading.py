"""Foreign checkpoint files, read without executing what is in them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ..checkpoint import CheckpointError
from .arrays import ARRAY_GLOBALS, PickledArray
from .entries import Entries
from .safetensors_files import is_safetensors, load_safetensors
from .torch_files import is_torch_file, load_torch
from .unpickling import Unpickler


@dataclass(frozen=True)
class SourceFile:
    """The weights of a file as their source names them."""

    name: str
    sha256: str
    format: str
    """In words: the kind of the file, and the place of the weights in it."""
    weights: dict[str, Tensor]


def read_source(path: Path, averaged: bool = False) -> SourceFile:
    """
    Read a detectron2 ``.pkl``, a ``.pth`` that ``torch.save`` wrote, or a ``.safetensors``.

    The first bytes of the file tell its kind, not its name.

    Parameters
    ----------
    path
        The file.
    averaged
        Whether to take the weights that were averaged over the training (EMA), not the last ones.
        If a file has no other weights, they are taken anyway.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    CheckpointError
        The file is damaged, holds something else than weights, or wants something executed.

    """
    if not path.is_file():
        raise FileNotFoundError(f'no checkpoint {path}')
    content = path.read_bytes()
    try:
        if is_torch_file(content):
            kind, data = 'PyTorch file', load_torch(content)
        elif is_safetensors(content):
            kind, data = 'safetensors', load_safetensors(content)
        else:
            kind, data = 'pickle of arrays', Unpickler(content, ARRAY_GLOBALS).load()
        entries = Entries.of(data, averaged)
        weights = _tensors(entries.values, len(content))
    except CheckpointError as error:
        raise CheckpointError(f'{path}: {error}') from error
    return SourceFile(path.name, hashlib.sha256(content).hexdigest(), kind + entries.place,
                      weights)


def _tensors(values: Mapping[str, object], size: int) -> dict[str, Tensor]:
    if sum(value.nbytes for value in values.values() if isinstance(value, PickledArray)) > size:
        raise CheckpointError(f'its arrays claim more than the {size} bytes that the file has')
    return {name: _tensor(name, value) for name, value in values.items()}


def _tensor(name: str, value: object) -> Tensor:
    if isinstance(value, PickledArray):
        return torch.from_numpy(value.array())
    if not isinstance(value, Tensor):
        raise CheckpointError(f'{name:.100} is a {type(value).__name__}: expected an array')
    return value
