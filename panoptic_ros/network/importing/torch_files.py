"""What ``torch.save`` wrote, vetted before torch reads it."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile

import torch

from ..checkpoint import CheckpointError
from .arrays import ordered_dict
from .unpickling import Unpickler

_MAGIC = 0x1950A86A20F9469CFC6C
"""The first object of files before PyTorch 1.6."""

_STORAGES = {'Double': 8, 'Float': 4, 'Half': 2, 'BFloat16': 2, 'Long': 8, 'Int': 4, 'Short': 2,
             'Char': 1, 'Byte': 1, 'Bool': 1}
"""Bytes per element."""


class _Tensor:
    """Stands in for tensors and storages; torch itself reads them afterwards."""

    def __init__(self, *_: object) -> None:
        pass


class _StorageType:
    def __init__(self, item_size: int) -> None:
        self.item_size = item_size


_TENSOR_GLOBALS: dict[str, object] = {
    'collections.OrderedDict': ordered_dict,
    **{f'torch._utils.{name}': _Tensor
       for name in ('_rebuild_tensor', '_rebuild_tensor_v2', '_rebuild_parameter')},
    **{f'torch.{name}Storage': _StorageType(size) for name, size in _STORAGES.items()}}


def is_torch_file(content: bytes) -> bool:
    """Tell whether a file is of ``torch.save``, by its first bytes."""
    return content.startswith(b'PK\x03\x04') or _MAGIC.to_bytes(10, 'little') in content[:32]


def load_torch(content: bytes) -> object:
    """
    Read a file of ``torch.save``, the present zip or the format before PyTorch 1.6.

    Its pickles are interpreted first as inert data, which refuses by name what torch would only
    refuse in some versions, and what claims more memory than the file has.

    Raises
    ------
    CheckpointError
        The file is damaged, or holds more than tensors and plain data.

    """
    if content.startswith(b'PK'):
        _vet_zip(content)
    else:
        _vet_legacy(content)
    try:
        return torch.load(io.BytesIO(content), map_location='cpu', weights_only=True)
    except Exception as error:    # torch raises what the bytes provoke
        raise CheckpointError(f'PyTorch cannot read it: {str(error).splitlines()[0]:.300}'
                              ) from error


def _vet_zip(content: bytes) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = archive.infolist()
            pickles = [e for e in entries if re.fullmatch('[^/]*/data.pkl', e.filename)]
            if len(pickles) != 1:
                raise CheckpointError('the zip archive has no data.pkl: expected one that '
                                      '`torch.save` wrote')
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                raise CheckpointError('the zip archive is compressed: `torch.save` never does')
            data = archive.read(pickles[0])
    except CheckpointError:
        raise
    except Exception as error:    # damaged bytes provoke errors of any kind
        raise CheckpointError(f'the zip archive is damaged: {error!r:.200}') from error
    _Vetting(io.BytesIO(data), len(content)).next()


def _vet_legacy(content: bytes) -> None:
    if tarfile.is_tarfile(io.BytesIO(content)):     # torch would look for that first
        raise CheckpointError('it is a tar archive, as PyTorch wrote before 0.1.10: expected one '
                              'of its later formats')
    vetting = _Vetting(io.BytesIO(content), len(content))
    for _ in ('magic number', 'protocol', 'system', 'data', 'names of the storages'):
        vetting.next()


class _Vetting:
    """Interprets pickles of a file, and counts what their storages claim."""

    def __init__(self, stream: io.BytesIO, size: int) -> None:
        self._stream, self._size = stream, size
        self._claims: dict[str, int] = {}
        self._claimed = 0

    def next(self) -> object:
        return Unpickler(self._stream, _TENSOR_GLOBALS, self._storage).load()

    def _storage(self, identity: object) -> _Tensor:
        if not isinstance(identity, tuple) or len(identity) < 5 or identity[0] != 'storage' \
                or not isinstance(identity[1], _StorageType) \
                or not isinstance(identity[2], str) or not isinstance(identity[4], int):
            raise CheckpointError('the pickle refers to something that is no storage of numbers')
        claim = identity[1].item_size * max(identity[4], 0)
        self._claimed += claim - self._claims.get(identity[2], 0)
        self._claims[identity[2]] = claim
        if self._claimed > self._size:
            raise CheckpointError(f'its tensors claim {self._claimed} bytes: the file has '
                                  f'{self._size}')
        return _Tensor()
