"""What every family's ``decode`` does alike: it finds the method, and checks the size."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import cast

from ..labels import LabelSpace
from ..panoptic import Panoptic

METHODS = {'reference': 'reference', 'cpu': 'cpu', 'cuda': 'cuda_once'}
"""The methods and their modules, which every family has."""


def execution(family: str, method: str, work: str) -> Callable[..., Panoptic]:
    """
    Return the function ``decode`` that executes a method.

    Parameters
    ----------
    family
        The family's package.
    method
        One of ``METHODS``.
    work
        What the method does, for the message.

    Raises
    ------
    ValueError
        There is no such method.
    ImportError
        The method needs a library that is not installed.

    """
    if method not in METHODS:
        raise ValueError(f'no {work} method {method!r}: expected one of {tuple(METHODS)}')
    return cast(Callable[..., Panoptic], import_module(f'.{METHODS[method]}', family).decode)


def label_size(size: tuple[int, int] | None, otherwise: tuple[int, int]) -> tuple[int, int]:
    """
    Return the (height, width) of the label image in pixels.

    Raises
    ------
    ValueError
        The size is not positive.

    """
    height, width = otherwise if size is None else (int(size[0]), int(size[1]))
    if height < 1 or width < 1:
        raise ValueError(f'size is {size}: expected a positive (height, width) in pixels')
    return height, width


def warm_up_space() -> LabelSpace:
    """Return a label space of one stuff class and one thing class, to warm up with."""
    return LabelSpace.from_dict({'name': 'warm-up', 'label_divisor': 2, 'categories': [
        {'name': name, 'dataset_id': number, 'thing': name == 'thing', 'color': (0, 0, 0)}
        for number, name in enumerate(('stuff', 'thing'))]})
