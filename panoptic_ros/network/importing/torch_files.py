"""Foreign files of ``torch.save``, looked at before torch reads them."""

from __future__ import annotations

import io
import pickletools
import re
import tarfile
import zipfile
from typing import BinaryIO

import torch

from ..checkpoint import CheckpointError
from .unpickling import refusal

_MAGIC = 0x1950A86A20F9469CFC6C
"""The first object of files before PyTorch 1.6."""

_NAMES = {
    'collections OrderedDict',
    *(f'torch._utils {name}'
      for name in ('_rebuild_tensor', '_rebuild_tensor_v2', '_rebuild_parameter')),
    *(f'torch {kind}Storage' for kind in ('Double', 'Float', 'Half', 'BFloat16', 'Long', 'Int',
                                          'Short', 'Char', 'Byte', 'Bool'))}
"""All that tensors of numbers need; torch allows more, such as a ``bytearray`` of any length."""


def is_torch_file(content: bytes) -> bool:
    """Tell whether a file is of ``torch.save``, by its first bytes."""
    return content.startswith(b'PK\x03\x04') or _MAGIC.to_bytes(10, 'little') in content[:32]


def load_torch(content: bytes) -> object:
    """
    Read a file of ``torch.save``, the present zip or the format before PyTorch 1.6.

    Raises
    ------
    CheckpointError
        The file is damaged, or holds more than tensors and plain data.

    """
    stream = io.BytesIO(content)
    try:
        if content.startswith(b'PK'):
            _check_zip(stream)
        else:
            _check_legacy(stream)
        return torch.load(io.BytesIO(content), map_location='cpu', weights_only=True)
    except CheckpointError:
        raise
    except Exception as error:    # damaged bytes provoke errors of any kind
        raise CheckpointError('it is damaged, or of a kind that PyTorch does not read: '
                              f'{_reason(error):.300}') from error


def _check_zip(stream: BinaryIO) -> None:
    with zipfile.ZipFile(stream) as archive:
        entries = archive.infolist()
        pickles = [e for e in entries if re.fullmatch('[^/]*/data.pkl', e.filename)]
        if len(pickles) != 1:
            raise CheckpointError('the zip archive has no data.pkl: expected one that '
                                  '`torch.save` wrote')
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise CheckpointError('the zip archive is compressed: `torch.save` never does')
        _check_names(io.BytesIO(archive.read(pickles[0])))


def _check_legacy(stream: BinaryIO) -> None:
    if tarfile.is_tarfile(stream):      # torch would look for that first
        raise CheckpointError('it is a tar archive, as PyTorch wrote before 0.1.10: expected one '
                              'of its later formats')
    stream.seek(0)
    for _ in ('magic number', 'protocol', 'system', 'data', 'names of the storages'):
        _check_names(stream)


def _check_names(stream: BinaryIO) -> None:
    """Refuse a pickle that names anything but tensors; the stream then stands behind it."""
    for opcode, argument, _ in pickletools.genops(stream):
        if opcode.name == 'GLOBAL' and argument not in _NAMES:
            raise refusal(str(argument).replace(' ', '.'))


def _reason(error: Exception) -> str:
    """Return what torch says, without its advice to execute what is in the file."""
    _, _, reason = str(error).rpartition('WeightsUnpickler error:')
    return (reason.strip() or repr(error)).splitlines()[0]
