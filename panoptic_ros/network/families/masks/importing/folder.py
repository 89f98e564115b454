"""Folders of Hugging Face: a ``config.json`` and weights in safetensors, read as data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .....plain_data import show
from ....checkpoint import CheckpointError
from ....importing.reading import SourceFile
from ....importing.safetensors_files import is_safetensors, load_safetensors

_CONFIG, _PREPROCESSOR = 'config.json', 'preprocessor_config.json'
_WEIGHTS, _INDEX = 'model.safetensors', 'model.safetensors.index.json'
_LONGEST = 4 << 20
_MOST_SHARDS = 256


@dataclass(frozen=True)
class Folder:
    """What a folder holds of a network."""

    config: Mapping[str, Any]
    preprocessor: Mapping[str, Any] | None
    """How images are brought to the network's input; None if the folder does not say it."""
    source: SourceFile

    @classmethod
    def read(cls, path: Path) -> Folder:
        """
        Read a folder on this machine; nothing in it is executed, and nothing is fetched.

        Raises
        ------
        FileNotFoundError
            There is no such folder.
        CheckpointError
            A file is missing, damaged or too large.

        """
        if not path.is_dir():
            raise FileNotFoundError(f'no folder {path}: download the model before, as with '
                                    '`git clone`')
        config = _json(path, _CONFIG)
        if config is None:
            raise CheckpointError(f'{path} has no {_CONFIG}: expected the folder of a model of '
                                  'Hugging Face')
        preprocessor = _json(path, _PREPROCESSOR)
        weights: dict[str, Any] = {}
        digest, files = hashlib.sha256(), _weight_files(path)
        for file in files:
            content = file.read_bytes()
            digest.update(content)
            if not is_safetensors(content):
                pointer = content[:8] == b'version '
                cure = 'it is a pointer of Git LFS: run `git lfs pull`' if pointer else \
                    'expected safetensors'
                raise CheckpointError(f'{file} is no file of weights: {cure}')
            try:
                shard = load_safetensors(content)
            except CheckpointError as error:
                raise CheckpointError(f'{file}: {error}') from error
            if double := sorted(weights.keys() & shard.keys()):
                raise CheckpointError(f'{file} has {show(double[0])}, as another file of the '
                                      'folder has: expected each entry once')
            weights.update(shard)
        kind = 'Hugging Face folder, safetensors'
        return cls(config, preprocessor, SourceFile(
            path.resolve().name, digest.hexdigest(),
            kind if len(files) == 1 else f'{kind} in {len(files)} files', weights))


def _weight_files(path: Path) -> list[Path]:
    if (path / _WEIGHTS).is_file():
        return [path / _WEIGHTS]
    index = _json(path, _INDEX)
    if index is None:
        others = sorted(file.name for file in path.glob('pytorch_model*'))
        beside = f'{others[0]} is not read: save the model as safetensors' if others else \
            'the weights are missing'
        raise CheckpointError(f'{path} has neither {_WEIGHTS} nor {_INDEX}: {beside}')
    places = index.get('weight_map')
    names = sorted(set(places.values())) if isinstance(places, dict) and all(
        isinstance(name, str) for name in places.values()) else []
    if not names or len(names) > _MOST_SHARDS:
        raise CheckpointError(f'{path / _INDEX} names {len(names)} files in weight_map: expected '
                              f'1 to {_MOST_SHARDS}')
    for name in names:
        if Path(name).name != name or not (path / name).is_file():
            raise CheckpointError(f'{path / _INDEX} names {show(name)}: expected a file in the '
                                  'same folder')
    return [path / name for name in names]


def _json(path: Path, name: str) -> dict[str, Any] | None:
    file = path / name
    if not file.is_file():
        return None
    if file.stat().st_size > _LONGEST:
        raise CheckpointError(f'{file} has {file.stat().st_size} bytes: expected at most '
                              f'{_LONGEST}')
    try:
        data = json.loads(file.read_text(encoding='utf-8'))
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f'{file} is no JSON: {error!s:.200}') from error
    if not isinstance(data, dict):
        raise CheckpointError(f'{file} is {show(data)}: expected keys and values')
    return data
