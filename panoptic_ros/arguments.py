"""Reading values from the command line of an executable or a launch file."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence


def image_size(text: str) -> tuple[int, int]:
    """
    Read (height, width) in pixels from a text such as 512x1024.

    Raises
    ------
    argparse.ArgumentTypeError
        The text is something else.

    """
    height, _, width = text.partition('x')
    if not (height.isdecimal() and width.isdecimal() and int(height) and int(width)):
        raise argparse.ArgumentTypeError(f'{text!r}: expected HEIGHTxWIDTH, such as 512x1024')
    return int(height), int(width)


def whole(least: int) -> Callable[[str], int]:
    """Return a function that reads a whole number from ``least`` on."""
    def read(text: str) -> int:
        if not text.isdecimal() or int(text) < least:
            raise argparse.ArgumentTypeError(f'{text!r}: expected a whole number from {least} on')
        return int(text)
    return read


def flag(name: str, text: str) -> bool:
    """
    Read the boolean launch argument ``name``: true, false, 1 or 0, in upper or lower case.

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
    Read the launch argument ``name``, one of a few words, in upper or lower case.

    Raises
    ------
    ValueError
        The text is something else.

    """
    value = text.strip().lower()
    if value not in choices:
        raise ValueError(f'{name} is {text!r}: expected one of {", ".join(choices)}')
    return value
