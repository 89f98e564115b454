"""The options of every family of networks on a command line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import families
from ..families import Family
from ..families.options import FROM_MODEL, Option, chosen, describe


def add_family_arguments(parser: argparse.ArgumentParser, default: str) -> None:
    """
    Give a command an argument for every option, such as ``--deeplab.center-threshold``.

    Parameters
    ----------
    parser
        The command's.
    default
        The value of an option that is not given, in words.

    """
    for name in families.names():
        group = parser.add_argument_group(
            f'options of the family {name}', f'by default, and for {FROM_MODEL}, {default}')
        for option in describe(families.find(name)):
            argument = _argument(name, option.name)
            group.add_argument(f'--{argument}', dest=argument, type=option.kind, metavar=
                               {int: 'N', float: 'X'}[option.kind], help=_help(option))


@dataclass(frozen=True)
class FamilyOptions:
    """
    The options of families that a command line gives.

    Raises
    ------
    ValueError
        A value is out of range.

    """

    by_family: Mapping[str, Mapping[str, Any]]
    """Name and value of each option, by the name of its family; none without options."""

    def __post_init__(self) -> None:
        for name, values in self.by_family.items():
            chosen(families.find(name).options(), values)

    @classmethod
    def of(cls, args: argparse.Namespace) -> FamilyOptions:
        """Return what was given."""
        found: dict[str, dict[str, Any]] = {}
        for name in families.names():
            for option in describe(families.find(name)):
                value = getattr(args, _argument(name, option.name))
                if value not in (None, FROM_MODEL):
                    found.setdefault(name, {})[option.name] = value
        return cls(found)

    def applied(self, family: Family, recommended: Any) -> Any:
        """
        Return a model's options with the given ones in place of those that it recommends.

        Raises
        ------
        ValueError
            An option of another family than the model's is given, or a value does not go with
            those that the model recommends.

        """
        for name, values in self.by_family.items():
            if name != family.name:
                raise ValueError(f'--{_argument(name, next(iter(values)))} is an option of the '
                                 f'family {name}, and the model is of the family {family.name}: '
                                 'leave it out')
        return chosen(recommended, self.by_family.get(family.name, {}))


def argument_names() -> list[str]:
    """Return what the arguments are called, without the dashes in front, on a command line."""
    return [_argument(name, option.name) for name in families.names()
            for option in describe(families.find(name))]


def _argument(family: str, option: str) -> str:
    return f'{family}.{option.replace("_", "-")}'


def _help(option: Option) -> str:
    text = option.help[0].lower() + option.help[1:].removesuffix('.')
    return (f'{text} ({option.least} to {option.most}, published: '
            f'{option.default})').replace('%', '%%')
