"""Foreign files of ``torch.save``, checked before torch reads them."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from typing import Any, BinaryIO

import torch

from ..checkpoint import CheckpointError
from .arrays import ordered_dict
from .unpickling import Unpickler

_MAGIC = 0x1950A86A20F9469CFC6C
"""The first object of files before PyTorch 1.6."""

_ENTRY = b'PK\x01\x02'
_MOST_ENTRIES = 100_000
"""The most entries of a zip archive, in which each tensor has one."""


class _Storage:
    """A stand-in for a type of storage, and for a storage."""


def _tensor(storage: object, offset: object, size: object, stride: object, *more: object) -> None:
    """Stand in for the function that makes a tensor; only numbers and a storage reach PyTorch."""
    numbers = [offset, *_numbers(size), *_numbers(stride)]
    if not isinstance(storage, _Storage) or not all(isinstance(n, int) for n in numbers) \
            or not all(isinstance(value, (bool, dict, type(None))) for value in more):
        raise CheckpointError('a tensor in the pickle is damaged')


def _numbers(values: object) -> tuple[object, ...]:
    return values if isinstance(values, tuple) else (None,)


def _counter(counts: object = None) -> dict[object, object]:
    """Stand in for ``collections.Counter``, in which schedules of the learning rate keep steps."""
    if not isinstance(counts, dict) or not all(isinstance(v, int) for v in counts.values()):
        raise CheckpointError('a counter in the pickle is damaged')
    return dict(counts)


def _parameter(data: object, requires_grad: object, hooks: object) -> None:
    """Stand in for the function that makes a parameter of a tensor."""
    if data is not None or not isinstance(requires_grad, bool) or not isinstance(hooks, dict):
        raise CheckpointError('a parameter in the pickle is damaged')


_GLOBALS: dict[str, object] = {
    'collections.OrderedDict': ordered_dict,
    'collections.Counter': _counter,        # in the state of MultiStepLR
    'torch._utils._rebuild_tensor': _tensor, 'torch._utils._rebuild_tensor_v2': _tensor,
    'torch._utils._rebuild_parameter': _parameter,
    **{f'torch.{kind}Storage': _Storage() for kind in (
        'Double', 'Float', 'Half', 'BFloat16', 'Long', 'Int', 'Short', 'Char', 'Byte', 'Bool')}}
"""The names that tensors of numbers need; torch allows more, such as endless ``bytearray``."""


def is_torch_file(content: bytes) -> bool:
    """Tell whether a file is of ``torch.save``, by its first bytes."""
    return content.startswith(b'PK\x03\x04') or _MAGIC.to_bytes(10, 'little') in content[:32]


def load_torch(content: bytes) -> object:
    """
    Read a file of ``torch.save``, the present zip or the format before PyTorch 1.6.

    Every pickle in it is first interpreted by ``Unpickler``, without torch.  That checks what the
    pickle names, what it costs, and what it would hand to torch.

    Raises
    ------
    CheckpointError
        The file is damaged, or holds more than tensors and plain data.

    """
    try:
        if content.startswith(b'PK'):
            _check_zip(content)
        else:
            _check_legacy(io.BytesIO(content))
        return torch.load(io.BytesIO(content), map_location='cpu', weights_only=True)
    except CheckpointError:
        raise
    except Exception as error:    # damaged bytes raise errors of any kind
        raise CheckpointError('it is damaged, or of a kind that PyTorch does not read: '
                              f'{_reason(error):.300}') from error


def _check_zip(content: bytes) -> None:
    if content.count(_ENTRY) > _MOST_ENTRIES:
        raise CheckpointError(f'the zip archive has more than {_MOST_ENTRIES:,} entries: expected '
                              'one for each tensor')
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        pickles = [e for e in entries if re.fullmatch(r'[^/]*/data\.pkl', e.filename)]
        if len(pickles) != 1:
            raise CheckpointError('the zip archive has no data.pkl: expected one that '
                                  '`torch.save` wrote')
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise CheckpointError('the zip archive is compressed: `torch.save` never does')
        if len({entry.filename.lower() for entry in entries}) < len(entries):
            raise CheckpointError('the zip archive has two entries of one name')
        if sum(max(entry.file_size, entry.compress_size) for entry in entries) > len(content):
            raise CheckpointError(f'the entries of the zip archive claim more than the '
                                  f'{len(content)} bytes that the file has')
        _check_pickle(io.BytesIO(archive.read(pickles[0])))


def _check_legacy(stream: BinaryIO) -> None:
    if tarfile.is_tarfile(stream):      # torch would look for that first
        raise CheckpointError('it is a tar archive, as PyTorch wrote before 0.1.10: expected one '
                              'of its later formats')
    stream.seek(0)
    magic, protocol, system, _, storages = (_check_pickle(stream) for _ in range(5))
    if magic != _MAGIC or not isinstance(protocol, int) or not isinstance(system, dict) \
            or not isinstance(storages, list) or not all(isinstance(s, str) for s in storages):
        raise CheckpointError('its header is not that of a file of PyTorch before 1.6')


def _check_pickle(stream: BinaryIO) -> object:
    """Interpret a pickle without torch; afterwards the stream stands behind it."""
    return Unpickler(stream, _GLOBALS, _storage).load()


def _storage(description: object) -> _Storage:
    """Stand in for a storage: ('storage', type, name, device, numbers), or a view of one."""
    parts = description if isinstance(description, tuple) else ()
    view = parts[5] if len(parts) == 6 and isinstance(parts[5], tuple) else ()
    kinds: tuple[Any, ...] = (str, _Storage, str, str, int, (tuple, type(None)))
    if not 5 <= len(parts) <= 6 \
            or not all(isinstance(part, kind) for part, kind in zip(parts, kinds, strict=False)) \
            or not all(isinstance(part, (str, int)) for part in view):
        raise CheckpointError('a storage in the pickle is damaged')
    return _Storage()


def _reason(error: Exception) -> str:
    """Return torch's message, without its advice to execute what is in the file."""
    _, _, reason = str(error).rpartition('WeightsUnpickler error:')
    return (reason.strip() or repr(error)).splitlines()[0]
