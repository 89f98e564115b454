"""Strategies of Hypothesis for messages of any type, made of what it says of its fields."""

from __future__ import annotations

import re
from array import array
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from hypothesis import strategies as st
from rclpy.serialization import serialize_message

_INTEGER = re.compile(r'(u?)int(\d+)')
_SEQUENCE = re.compile(r'sequence<(.+?)(?:, (\d+))?>')
_ARRAY = re.compile(r'(.+)\[(\d+)\]')
_TEXT = re.compile(r'w?string(?:<(\d+)>)?')

_START = b'\0\1\0\0'
"""Of plain CDR; the middleware sends nothing that begins otherwise."""

Overrides = Mapping[type, st.SearchStrategy[Any]]


def load(name: str) -> Any:
    """Return the class of a type such as ``sensor_msgs/msg/Image``."""
    package, folder, kind = name.split('/')
    return getattr(import_module(f'{package}.{folder}'), kind)


def messages(kind: type[Any], words: st.SearchStrategy[str], overrides: Overrides,
             ) -> st.SearchStrategy[Any]:
    """
    Return messages of a type, their fields at their limits or anywhere within.

    Parameters
    ----------
    kind
        The type.
    words
        Texts that mean something to who receives them, to be mixed with others.
    overrides
        What to take for messages of some types, also within others.

    """
    if kind in overrides:
        return overrides[kind]
    return any_of(kind, words, overrides)


def any_of(kind: type[Any], words: st.SearchStrategy[str], overrides: Overrides,
           ) -> st.SearchStrategy[Any]:
    """Return messages of a type whatever ``overrides`` have for itself."""
    fields = {name: _field(field, words, overrides)
              for name, field in kind.get_fields_and_field_types().items()
              if name != 'structure_needs_at_least_one_member'}
    return st.fixed_dictionaries(fields).map(lambda values: kind(**values))


def _field(field: str, words: st.SearchStrategy[str], overrides: Overrides,
           ) -> st.SearchStrategy[Any]:
    if found := _ARRAY.fullmatch(field):
        return st.lists(_field(found[1], words, overrides), min_size=int(found[2]),
                        max_size=int(found[2]))
    if found := _SEQUENCE.fullmatch(field):
        most = min(4, int(found[2] or 4))
        if found[1] in ('uint8', 'octet'):
            whole = st.binary(max_size=300)
            return whole.map(lambda data: array('B', data)) if found[1] == 'uint8' else (
                whole.map(lambda data: [bytes([byte]) for byte in data]))
        return st.lists(_field(found[1], words, overrides), max_size=most)
    if found := _TEXT.fullmatch(field):
        return st.one_of(words, _texts()).map(lambda text: text[:int(found[1] or 10**6)])
    if '/' in field:
        package, kind = field.split('/')
        return messages(load(f'{package}/msg/{kind}'), words, overrides)
    return _number(field)


def _texts() -> st.SearchStrategy[str]:
    return st.one_of(st.text(st.characters(codec='utf-8'), max_size=20),
                     st.sampled_from(['', 'a' * 300, 'é' * 3000, '../' * 9, '\0', '{}%s', '~']))


def _number(field: str) -> st.SearchStrategy[Any]:
    if found := _INTEGER.fullmatch(field):
        bits = int(found[2])
        low, high = (0, 2**bits - 1) if found[1] else (-2**(bits - 1), 2**(bits - 1) - 1)
        return st.one_of(st.sampled_from([low, high, 0, 1]), st.integers(0, 12),
                         st.integers(low, high))
    return {'boolean': st.booleans(), 'octet': st.binary(min_size=1, max_size=1),
            'float': st.floats(width=32), 'double': st.floats()}[field]


def near(message: Any, words: st.SearchStrategy[str], overrides: Overrides,
         ) -> st.SearchStrategy[Any]:
    """Return copies of a message in which one field is another."""
    fields = message.get_fields_and_field_types()
    values = {name: getattr(message, name) for name in fields}
    return st.sampled_from(sorted(fields)).flatmap(
        lambda name: _field(fields[name], words, overrides).map(
            lambda value: type(message)(**{**values, name: value})))


def damaged(message: Any) -> st.SearchStrategy[bytes]:
    """Return the bytes of a message cut off, with some of them replaced, or others altogether."""
    data = serialize_message(message)

    def damage(position: int, patch: bytes, end: int) -> bytes:
        return (data[:position] + patch + data[position + len(patch):])[:end]

    head = st.integers(0, min(len(data), 200))
    patches = st.one_of(st.binary(max_size=8), st.sampled_from([b'\xff' * 4, b'\0' * 4]))
    return st.one_of(
        st.builds(damage, head, patches, st.just(len(data))),
        st.builds(damage, st.integers(0, len(data)), patches, head),
        st.binary(max_size=64).map(lambda data: _START + data))
