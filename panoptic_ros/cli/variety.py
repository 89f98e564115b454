"""The option that tells how varied streets are."""

from __future__ import annotations

import argparse

from ..streets import VARIETIES, Variety


def variety(text: str) -> Variety:
    """
    Read how varied drives are from the name of a variety.

    Raises
    ------
    argparse.ArgumentTypeError
        There is none of that name.

    """
    if text not in VARIETIES:
        raise argparse.ArgumentTypeError(f'{text!r}: expected {" or ".join(VARIETIES)}')
    return VARIETIES[text]
