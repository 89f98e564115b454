"""Values on a command line, of an executable or of a launch file."""

from __future__ import annotations

import argparse
from collections.abc import Sequence


def image_size(text: str) -> tuple[int, int]:
    """
    Read (height, width) in pixels as a person writes it, say 512x1024.

    Raises
    ------
    argparse.ArgumentTypeError
        The text is something else.

    """
    height, _, width = text.partition('x')
    if not (height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise argparse.ArgumentTypeError(f'{text!r}: expected HEIGHTxWIDTH, such as 512x1024')
    return int(height), int(width)


def flag(name: str, text: str) -> bool:
    """
    Read the launch argument ``name``, a yes or no: true, false, 1 or 0, in any case.

    Raises
    ------
    ValueError
        The text is something else.

    """
    value = text.strip().lower()
    if value not in ('true', 'false', '1', '0'):
        raise ValueError(f'{name} is {text!r}: expected true or false')
    return value in ('true', '1')


def choice(name: str, text: str, choices: Sequence[str]) -> str:
    """
    Read the launch argument ``name``, a word of a few, in any case.

    Raises
    ------
    ValueError
        The text is something else.

    """
    value = text.strip().lower()
    if value not in choices:
        raise ValueError(f'{name} is {text!r}: expected one of {", ".join(choices)}')
    return value
