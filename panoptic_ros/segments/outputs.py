"""What all families ask of a network's outputs before they decode them."""

from __future__ import annotations

from operator import index
from typing import Any

import numpy as np


def check_arrays(outputs: Any, names: tuple[str, ...]) -> None:
    """
    Refuse outputs that are no arrays.

    Parameters
    ----------
    outputs
        What has them as attributes.
    names
        The attributes.

    Raises
    ------
    ValueError
        One of them is no NumPy array.

    """
    for name in names:
        value = getattr(outputs, name)
        if not isinstance(value, np.ndarray):
            raise ValueError(f'{name} is of type {type(value).__name__}: expected a NumPy array')


def whole_size(value: Any, name: str) -> tuple[int, int]:
    """
    Return a size as (height, width).

    Parameters
    ----------
    value
        Two whole numbers: a tuple, a list or an array.
    name
        What the error calls it.

    Raises
    ------
    ValueError
        It is anything else.

    """
    try:
        height, width = value
        return index(height), index(width)
    except (TypeError, ValueError):
        raise ValueError(f'{name} is {value!r}: expected (height, width), two whole numbers'
                         ) from None
