"""The families' networks; each family is a folder, as in ``panoptic_ros.families``."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING, cast

from ...plain_data import show

if TYPE_CHECKING:
    from ..family import NetworkFamily


def names() -> tuple[str, ...]:
    """Return the names of all families that have networks here."""
    return tuple(sorted(module.name for module in iter_modules(__path__) if module.ispkg))


def find(name: str) -> NetworkFamily:
    """
    Return the networks of a family.

    Raises
    ------
    ValueError
        There is no family of that name.
    ImportError
        PyTorch is not installed.

    """
    if name not in names():
        raise ValueError(f'family is {show(name)}: expected one of {", ".join(names())}; a newer '
                         'panoptic_ros may know it')
    return cast('NetworkFamily', import_module(f'.{name}.family', __name__).FAMILY)
