"""A family's options: those that a model recommends, and those that a user sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Annotated, Any, get_args, get_origin, get_type_hints

from ..plain_data import Between, Help, read, show
from .family import Family

FROM_MODEL = -1
"""The value of an option that is left to the model's recommendation."""


@dataclass(frozen=True)
class Option:
    """One field of a family's options, as parameters and arguments are made from it."""

    name: str
    kind: type[Any]
    """int or float."""
    default: Any
    """The published value."""
    least: float
    most: float
    help: str
    """One sentence that explains the option."""


def describe(family: Family) -> tuple[Option, ...]:
    """Return the fields of a family's options."""
    kind: Any = family.options
    return _describe(kind)


@cache
def _describe(options: Any) -> tuple[Option, ...]:
    hints = get_type_hints(options, include_extras=True)
    found = []
    for field in fields(options):
        assert get_origin(hints[field.name]) is Annotated
        kind, *notes = get_args(hints[field.name])
        limits = next(note for note in notes if isinstance(note, Between))
        help = next(note for note in notes if isinstance(note, Help))
        found.append(Option(field.name, kind, field.default, limits.least, limits.most, help.text))
    return tuple(found)


def recommended(family: Family, by_model: Mapping[str, Any]) -> Any:
    """
    Return the options that a model recommends; the others have the published values.

    Raises
    ------
    ValueError
        There is no such option, or a value is out of range.

    """
    names = [field.name for field in fields(family.options)]
    for name in by_model:
        if name not in names:
            raise ValueError(f'no option {show(name)}: expected some of {", ".join(names)}')
    return read(family.options, by_model)


def chosen(family: Family, options: Any, values: Mapping[str, Any]) -> Any:
    """
    Return a family's options with the values that a user chose for it.

    Parameters
    ----------
    family, options
        The family, and its options without the user's choice.
    values
        The chosen values of options of any family, by names such as 'deeplab.top_k';
        ``FROM_MODEL`` keeps an option's value.

    Raises
    ------
    ValueError
        A value is out of range; the message begins with the option's name within the family.

    """
    prefix = f'{family.name}.'
    return replace(options, **{name.removeprefix(prefix): value for name, value in values.items()
                               if name.startswith(prefix) and value != FROM_MODEL})


def foreign(family: Family, values: Mapping[str, Any]) -> str | None:
    """Return the name of the first chosen value of another family; None without any."""
    return next((name for name, value in values.items() if value != FROM_MODEL
                 and not name.startswith(f'{family.name}.')), None)
