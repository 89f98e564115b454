"""The options of all families of networks, as arguments on a command line."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .. import families
from ..families import Family
from ..families.options import FROM_MODEL, Option, chosen, describe, foreign


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

    values: Mapping[str, Any]
    """The given values, by names such as 'deeplab.top_k'."""

    def __post_init__(self) -> None:
        for family in map(families.find, families.names()):
            chosen(family, family.options(), self.values)

    @classmethod
    def of(cls, args: argparse.Namespace) -> FamilyOptions:
        """Return the options that were given on the command line."""
        given = {f'{name}.{option.name}': getattr(args, _argument(name, option.name))
                 for name in families.names() for option in describe(families.find(name))}
        return cls({name: value for name, value in given.items() if value is not None})

    def check_family(self, family: Family) -> None:
        """
        Refuse options of another family than the model's.

        Raises
        ------
        ValueError
            Such an option is given.

        """
        if name := foreign(family, self.values):
            other, _, option = name.partition('.')
            raise ValueError(f'--{_argument(other, option)} is an option of the family {other}, '
                             f'and the model is of the family {family.name}: leave it out')

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
        return chosen(family, recommended, self.values)


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
