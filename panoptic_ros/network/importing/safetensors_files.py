"""
Files of safetensors: a header in JSON, followed by the numbers.

A file (https://huggingface.co/docs/safetensors) has the length of the header as a 64-bit number,
the header, ``{name: {dtype, shape, data_offsets}}``, and the bytes of the tensors without a gap.
"""

from __future__ import annotations

import json
import math
from typing import Any

import torch
from torch import Tensor

from ..checkpoint import CheckpointError

_LONGEST_HEADER = 4 << 20
"""The most bytes of a header, enough for some 40,000 tensors."""

_TYPES = {
    'F64': torch.float64, 'F32': torch.float32, 'F16': torch.float16, 'BF16': torch.bfloat16,
    'I64': torch.int64, 'I32': torch.int32, 'I16': torch.int16, 'I8': torch.int8,
    'U8': torch.uint8, 'BOOL': torch.bool}


def is_safetensors(content: bytes) -> bool:
    """Tell whether a file is of safetensors: a header of less than a terabyte comes first."""
    return content[5:9] == b'\0\0\0{'


def load_safetensors(content: bytes) -> dict[str, Tensor]:
    """
    Read the tensors.

    Raises
    ------
    CheckpointError
        The file is damaged, cut off, or holds something else than numbers.

    """
    length = int.from_bytes(content[:8], 'little')
    if length > _LONGEST_HEADER:
        raise CheckpointError(f'its header of safetensors has {length} bytes: expected at most '
                              f'{_LONGEST_HEADER}')
    if 8 + length > len(content):
        raise CheckpointError(f'it is cut off: its header of safetensors has {length} bytes, the '
                              f'file {len(content)}')
    try:
        header = json.loads(content[8:8 + length].decode(), object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f'its header of safetensors is damaged: {error!s:.200}') from error
    header.pop('__metadata__', None)
    data = bytearray(content[8 + length:])      # torch may write to it
    tensors, end = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: _start(*item)):
        tensors[name] = _tensor(name, entry, data, end)
        end = entry['data_offsets'][1]
    if end != len(data):
        raise CheckpointError(f'its tensors have {end} bytes, and the file holds {len(data)}: it '
                              'is cut off or damaged')
    return {name: tensors[name] for name in header}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise ValueError('a name comes twice')
    return result


def _start(name: str, entry: object) -> tuple[int, int]:
    """Return where a tensor begins and ends."""
    offsets = entry.get('data_offsets') if isinstance(entry, dict) else None
    if not isinstance(offsets, list) or len(offsets) != 2 or not all(map(_is_count, offsets)):
        raise CheckpointError(f'{name:.100} is damaged: expected dtype, shape and data_offsets')
    return offsets[0], offsets[1]


def _tensor(name: str, entry: dict[str, Any], data: bytearray, start: int) -> Tensor:
    begin, end = entry['data_offsets']
    shape, kind = entry.get('shape'), entry.get('dtype')
    if not isinstance(kind, str) or kind not in _TYPES:
        raise CheckpointError(f'{name:.100} has the type {str(kind)[:20]!r}: expected one of '
                              f'{", ".join(_TYPES)}')
    if not isinstance(shape, list) or len(shape) > 8 or not all(map(_is_count, shape)) \
            or math.prod(shape) * _TYPES[kind].itemsize != end - begin:
        raise CheckpointError(f'{name:.100} claims another shape than its bytes have')
    if begin != start or end > len(data):
        raise CheckpointError(f'{name:.100} has its bytes where those of another are, or none: '
                              'the file is cut off or damaged')
    if begin == end:
        return torch.empty(shape, dtype=_TYPES[kind])
    return torch.frombuffer(data, dtype=_TYPES[kind], count=math.prod(shape),
                            offset=begin).reshape(shape)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 48
