"""Values on a command line."""

from __future__ import annotations

import argparse


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
