"""The options of all families of networks, as arguments on a command line."""

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
    Add an argument for every option of every family, such as ``--deeplab.center-threshold``.

    Parameters
    ----------
    parser
        The command's parser.
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
    """Name and value of each given option, by the name of its family."""

    def __post_init__(self) -> None:
        for name, values in self.by_family.items():
            chosen(families.find(name).options(), values)

    @classmethod
    def of(cls, args: argparse.Namespace) -> FamilyOptions:
        """Return the options that were given on the command line."""
        found: dict[str, dict[str, Any]] = {}
        for name in families.names():
            for option in describe(families.find(name)):
                value = getattr(args, _argument(name, option.name))
                if value not in (None, FROM_MODEL):
                    found.setdefault(name, {})[option.name] = value
        return cls(found)

    def check_family(self, family: Family) -> None:
        """
        Refuse options of another family than the model's.

        Raises
        ------
        ValueError
            Such an option is given.

        """
        for name, values in self.by_family.items():
            if name != family.name:
                raise ValueError(f'--{_argument(name, next(iter(values)))} is an option of the '
                                 f'family {name}, and the model is of the family {family.name}: '
                                 'leave it out')

    def applied(self, family: Family, recommended: Any) -> Any:
        """
        Return a model's options: the given values, and else the recommended ones.

        Raises
        ------
        ValueError
            An option of another family than the model's is given, or a value does not go with
            the values that the model recommends.

        """
        self.check_family(family)
        return chosen(recommended, self.by_family.get(family.name, {}))


def argument_names() -> list[str]:
    """Return the names of the arguments, without the dashes in front."""
    return [_argument(name, option.name) for name in families.names()
            for option in describe(families.find(name))]


def _argument(family: str, option: str) -> str:
    return f'{family}.{option.replace("_", "-")}'


def _help(option: Option) -> str:
    text = option.help[0].lower() + option.help[1:].removesuffix('.')
    return (f'{text} ({option.least} to {option.most}, published: '
            f'{option.default})').replace('%', '%%')
