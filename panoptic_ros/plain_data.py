"""
Dataclasses out of plain data (JSON, YAML), checked by the types and limits of their fields.

A field's type says what it may hold: ``Annotated[int, Between(0, 255)]``,
``Annotated[str, Length(9)]``, another dataclass, a tuple, or ``dict[str, Any]`` for values whose
number and depth alone are limited.  ``read`` makes a dataclass of what comes from a file.
``check`` holds one that is made in code to the same rules.  Values are never converted, and a
message shows no more of a value than fits a line.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import MISSING, Field, dataclass, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

_DEEPEST = 8
_MOST_VALUES = 4096
_LONGEST_FREE_TEXT = 4096
_LARGEST = 2.0**63
_SHOWN = 60
_LONGEST_PATH = 200
_NAMES = {str: 'a text', int: 'a whole number', float: 'a number', bool: 'true or false'}


@dataclass(frozen=True)
class Between:
    """A number from ``least`` to ``most``."""

    least: float
    most: float


@dataclass(frozen=True)
class Length:
    """The length of a text in characters, or of a sequence in elements."""

    most: int
    least: int = 0


@dataclass(frozen=True)
class OneOf:
    """One of a few texts."""

    values: tuple[str, ...]


@dataclass(frozen=True)
class Key:
    """The field's name in plain data, when it differs from the field's own."""

    name: str


@dataclass(frozen=True)
class Help:
    """What a field means: a sentence for the person who sets it."""

    text: str


_T = TypeVar('_T')


def read(cls: type[_T], data: object, where: str = '') -> _T:
    """
    Return a dataclass made of a mapping from keys to plain values.

    Parameters
    ----------
    cls
        The dataclass; its constructor calls ``check``.
    data
        The mapping; keys that are no fields are ignored.
    where
        The path to the data, for messages.

    Raises
    ------
    ValueError
        The data are no mapping, lack a key, or hold a value that a field does not allow.

    """
    kind: Any = cls
    if not isinstance(data, Mapping):
        raise ValueError(f'{where or "it"} is {show(data)}: expected the keys '
                         f'{", ".join(key for key, _ in _keys(kind))}')
    values = {}
    for key, field in _keys(kind):
        if key in data:
            values[field.name] = _built(_hints(kind)[field.name], data[key], _path(where, key))
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f'{_path(where, key)} is missing')
    return cls(**values)


def check(instance: object) -> None:
    """
    Check a dataclass's fields against their types and limits.

    Raises
    ------
    ValueError
        A field breaks them; the message names it.

    """
    kind: Any = type(instance)
    hints = _hints(kind)
    for key, field in _keys(kind):
        _check(hints[field.name], getattr(instance, field.name), key)


def plain(instance: object) -> dict[str, Any]:
    """Return the plain data of which ``read`` makes the dataclass."""
    kind: Any = type(instance)
    return {key: _plain(getattr(instance, field.name)) for key, field in _keys(kind)}


def show(value: object) -> str:
    """Return a value for a message, as one printable line of bounded length."""
    if value is None or isinstance(value, bool):
        return {None: 'nothing', True: 'true', False: 'false'}[value]
    if isinstance(value, int) and value.bit_length() > 64:
        return f'a number of {value.bit_length()} bits'
    if isinstance(value, (int, float)):
        return repr(value)
    if isinstance(value, str):
        shown = ascii(value[:_SHOWN])       # escaped, a character may take ten
        return shown if len(value) <= _SHOWN and len(shown) <= 2 * _SHOWN else (
            f'{shown[:_SHOWN]}...')
    if isinstance(value, (list, tuple)):
        return f'a list of {len(value)}'
    return f'a {type(value).__name__}'


def _path(where: str, key: object) -> str:
    """Return the path to a value, for messages; keys come from files and may be odd, too."""
    if isinstance(key, int):
        return f'{where}[{key}]'
    name = str(key)
    name = name if name.isidentifier() and name.isascii() and len(name) <= _SHOWN else show(name)
    path = f'{where}.{name}' if where else name
    return path if len(path) <= _LONGEST_PATH else f'...{path[-_LONGEST_PATH:]}'


@cache
def _hints(cls: Any) -> dict[str, Any]:
    return get_type_hints(cls, include_extras=True)


@cache
def _keys(cls: Any) -> tuple[tuple[str, Field[Any]], ...]:
    """Return the fields that the constructor takes, by their keys in plain data."""
    return tuple((next((m.name for m in _limits(_hints(cls)[f.name]) if isinstance(m, Key)),
                       f.name), f) for f in fields(cls) if f.init)


def _limits(hint: Any) -> tuple[Any, ...]:
    return tuple(hint.__metadata__) if get_origin(hint) is Annotated else ()


def _bare(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is Annotated else hint


def _elements(hint: Any, value: Sequence[Any], where: str) -> Iterator[tuple[Any, Any, str]]:
    """Yield the type, the value and the path of each element of a tuple."""
    kinds = get_args(hint)
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise ValueError(f'{where} is {show(value)}: expected a list of {len(kinds)}')
    for number, (kind, element) in enumerate(zip(kinds, value, strict=True)):
        yield kind, element, _path(where, number)


def _built(hint: Any, value: Any, where: str) -> Any:
    """Turn lists into tuples and mappings into dataclasses, as a field's type asks for them."""
    kind = _bare(hint)
    if is_dataclass(kind) and isinstance(kind, type):
        return read(kind, value, where)
    if get_origin(kind) is tuple:
        if not isinstance(value, (list, tuple)):
            raise ValueError(f'{where} is {show(value)}: expected a list')
        _check_length(_limits(hint), value, where)
        return tuple(_built(*element) for element in _elements(kind, value, where))
    return value


def _check(hint: Any, value: Any, where: str) -> None:
    kind = _bare(hint)
    if is_dataclass(kind) and isinstance(kind, type):
        if not isinstance(value, kind):
            raise ValueError(f'{where} is {show(value)}: expected a {kind.__name__}')
    elif get_origin(kind) is tuple:
        if not isinstance(value, tuple):
            raise ValueError(f'{where} is {show(value)}: expected a tuple')
        _check_length(_limits(hint), value, where)
        for element in _elements(kind, value, where):
            _check(*element)
    elif get_origin(kind) is dict:
        if type(value) is not dict:
            raise ValueError(f'{where} is {show(value)}: expected keys and values')
        _check_free(value, where, get_args(kind)[1], _limits(hint))
    else:
        if kind is str:
            _check_printable(value, where)
        _check_scalar(kind, _limits(hint), value, where)


def _check_scalar(kind: type, limits: Sequence[Any], value: Any, where: str) -> None:
    allowed = (int, float) if kind is float else (kind,)
    if type(value) not in allowed:
        raise ValueError(f'{where} is {show(value)}: expected {_NAMES[kind]}')
    if kind is str:
        _check_length(limits, value, where)
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError(f'{where} is {show(value)}: expected text that can be encoded, '
                             'without lone surrogates') from None
    if type(value) is float and not math.isfinite(value):
        raise ValueError(f'{where} is {show(value)}: expected a finite number')
    for limit in limits:
        if isinstance(limit, Between) and not limit.least <= value <= limit.most:
            raise ValueError(f'{where} is {show(value)}: expected {limit.least} to {limit.most}')
        if isinstance(limit, OneOf) and value not in limit.values:
            raise ValueError(f'{where} is {show(value)}: expected one of '
                             f'{", ".join(limit.values)}')


def _check_printable(value: Any, where: str) -> None:
    """Refuse characters that would end or hide a line of a log."""
    if isinstance(value, str) and any(ord(c) < 32 or ord(c) == 127 for c in value):
        raise ValueError(f'{where} is {show(value)}: expected text without control characters')


def _check_length(limits: Sequence[Any], value: Sequence[Any], where: str) -> None:
    for limit in limits:
        if isinstance(limit, Length) and not limit.least <= len(value) <= limit.most:
            unit = 'characters' if isinstance(value, str) else 'elements'
            raise ValueError(f'{where} is {show(value)}, {len(value)} {unit}: expected '
                             f'{limit.least} to {limit.most}')


def _check_free(value: dict[Any, Any], where: str, kind: Any, limits: tuple[Any, ...]) -> None:
    """Check data of free form: their depth, their number, and each value."""
    pending: list[tuple[Any, str, int]] = [(value, where, 0)]
    seen = 0
    while pending:
        item, path, depth = pending.pop()
        seen += 1
        if seen > _MOST_VALUES or depth > _DEEPEST:
            raise ValueError(f'{where} is nested more than {_DEEPEST} deep or has more than '
                             f'{_MOST_VALUES} values')
        if isinstance(item, dict):
            for key, inner in item.items():
                _check_scalar(str, (Length(_SHOWN),), key, f'a key of {path}')
                pending.append((inner, _path(path, key), depth + 1))
        elif isinstance(item, (list, tuple)):
            pending += [(inner, _path(path, n), depth + 1) for n, inner in enumerate(item)]
        elif kind is not Any:
            _check_scalar(kind, limits, item, path)
        elif isinstance(item, str):
            _check_scalar(str, (Length(_LONGEST_FREE_TEXT),), item, path)
        elif item is not None and type(item) is not bool:
            _check_scalar(float, (Between(-_LARGEST, _LARGEST),), item, path)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return plain(value)
    return [_plain(element) for element in value] if isinstance(value, tuple) else value
