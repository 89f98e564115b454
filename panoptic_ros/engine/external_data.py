"""
Finding the other files that an ONNX file makes a runtime read, from its bytes alone.

A tensor may say that its numbers are in another file.  Runtimes differ in what they open then.
So this module searches the file before a runtime sees it.  It needs neither a runtime nor the
package onnx: in protocol buffers a message is found by the numbers of the fields that lead to it
(onnx.proto).
"""

from __future__ import annotations

import os
from pathlib import Path

FIELDS: dict[str, dict[int, str]] = {
    'model': {7: 'graph', 20: 'training', 25: 'function'},
    'training': {1: 'graph', 2: 'graph'},
    'graph': {1: 'node', 5: 'tensor', 15: 'sparse'},
    'function': {7: 'node', 11: 'attribute'},
    'node': {5: 'attribute'},
    'attribute': {5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse'},
    'sparse': {1: 'tensor', 2: 'tensor'},
    'tensor': {13: 'entry'},
    'entry': {1: 'key', 2: 'value'},
}
"""By message and field number, the messages that lead to tensors and to their data's place."""

_DATA_LOCATION = 14
_DEEPEST = 100
"""The depth to which the libraries of protocol buffers read."""
_MOST_FIELDS = 1 << 20
_VARINT, _EIGHT_BYTES, _BYTES, _FOUR_BYTES = 0, 1, 2, 5
_IN_MEMORY = '*/'       # by this ONNX Runtime marks an address in this process, not a file


def external_files(content: bytes) -> frozenset[str]:
    """
    Return the paths of the other files that hold tensors of an ONNX file.

    A tensor that is kept elsewhere but names no path gives ''.

    Parameters
    ----------
    content
        The file's bytes.

    Raises
    ------
    ValueError
        The bytes are no protocol buffers, or the messages are nested deeper or have more fields
        than those of models.

    """
    found: set[str] = set()
    pending = [('model', 0, len(content), 0)]
    fields = 0
    while pending:
        message, position, end, depth = pending.pop()
        children = FIELDS[message]
        is_external = is_named = False
        entry = {}
        while position < end:
            fields += 1
            if fields > _MOST_FIELDS:
                raise ValueError(f'it has more than {_MOST_FIELDS} fields')
            tag, position = _varint(content, position, end)
            number, kind = tag >> 3, tag & 7
            if not 0 < number < 1 << 29:
                raise ValueError(f'byte {position} begins no field')
            value, start, position = _field(content, kind, position, end)
            child = children.get(number) if kind == _BYTES else None
            if message == 'tensor' and number == _DATA_LOCATION and kind == _VARINT:
                is_external = is_external or bool(value & 0xffffffff)
            elif message == 'entry' and child is not None:
                entry[child] = content[start:position]
            elif child is not None:
                if depth == _DEEPEST:
                    raise ValueError(f'it is nested more than {_DEEPEST} messages deep')
                is_named = is_named or child == 'entry'
                pending.append((child, start, position, depth + 1))
        if is_external and not is_named:
            found.add('')
        if entry.get('key') == b'location':
            found.add(os.fsdecode(entry.get('value', b'')))
    return frozenset(found)


def check_inside(model: Path, files: frozenset[str]) -> None:
    """
    Refuse paths that leave the folder of a model, also by a link, and paths that are no file.

    Raises
    ------
    ValueError
        There is such a path; the message names it.

    """
    folder = model.parent.resolve()
    for name in sorted(files):
        path = model.parent / name
        if not name or '\0' in name or os.path.isabs(name) or name.startswith(_IN_MEMORY):
            raise ValueError(f'it keeps a tensor in {name!a:.200}: expected a file beside it')
        try:
            is_inside = folder in path.resolve().parents
        except (OSError, RuntimeError):     # links in a circle
            is_inside = False
        if not is_inside:
            raise ValueError(f'it keeps a tensor in {name!a:.200}, which is outside its folder: '
                             'expected a file beside it')
        if not path.is_file():
            raise ValueError(f'it keeps a tensor in {name!a:.200}, which is no file: copy it '
                             'beside the model')


def _field(content: bytes, kind: int, position: int, end: int) -> tuple[int, int, int]:
    """Return a field's value if it is a number, else 0, and where the value begins and ends."""
    if kind == _VARINT:
        value, after = _varint(content, position, end)
        return value, position, after
    sizes = {_EIGHT_BYTES: 8, _FOUR_BYTES: 4}
    if kind == _BYTES:
        size, position = _varint(content, position, end)
    elif kind in sizes:
        size = sizes[kind]
    else:
        raise ValueError(f'byte {position} begins no field')
    if size > end - position:
        raise ValueError(f'it ends within the field at byte {position}')
    return 0, position, position + size


def _varint(content: bytes, position: int, end: int) -> tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= end:
            raise ValueError(f'it ends within the field at byte {position}')
        byte = content[position]
        position += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, position
    raise ValueError(f'byte {position} is within no number')
