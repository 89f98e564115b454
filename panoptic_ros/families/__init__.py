"""The families of networks; each is a folder."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import cast

from ..plain_data import show
from .family import Family

__all__ = ['Family', 'find', 'names']


def names() -> tuple[str, ...]:
    """Return the names of all families."""
    return _names_in(tuple(__path__))


@cache      # the node asks at every parameter that is set, also while the package is upgraded
def _names_in(folders: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(sorted(module.name for module in iter_modules(folders) if module.ispkg))


def find(name: str) -> Family:
    """
    Return the family of a name.

    Raises
    ------
    ValueError
        There is no family of that name.

    """
    if name not in names():
        raise ValueError(f'family is {show(name)}: expected one of {", ".join(names())}; a newer '
                         'panoptic_ros may know it')
    return cast(Family, import_module(f'.{name}', __name__).FAMILY)
