"""Choosing how the decoder is executed."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import cast

import numpy as np

from ...labels import LabelSpace
from ...panoptic import Panoptic
from .options import Options
from .queries import Queries

METHODS = {'reference': 'reference', 'cpu': 'cpu', 'cuda': 'cuda_once'}
"""The methods and their modules."""


def decode(queries: Queries, label_space: LabelSpace, size: tuple[int, int] | None = None,
           method: str = 'cpu', options: Options | None = None,
           confidence: bool = False) -> Panoptic:
    """
    Turn the queries of an image into segments, as ``masks.reference`` defines it.

    It may be called from several threads at once.

    Parameters
    ----------
    queries
        The network's output.
    label_space
        Its classes.
    size
        (height, width) of the label image in pixels; by default that of the part of the
        network's input that the image fills.
    method
        ``'cpu'``: compiled by numba.  ``'reference'``: the definition in NumPy, slow.  ``'cuda'``:
        on a GPU that is opened for this one call; for many frames take a ``Segmenter``.
    options
        The thresholds; the published ones by default.
    confidence
        Whether to compute ``Panoptic.confidence`` as well.

    Returns
    -------
    The label image, in memory that belongs to the caller, and its segments.

    Raises
    ------
    ValueError
        The label space is not that of the queries, the size is not positive, or there is no such
        method.
    ImportError
        The method needs a library that is not installed.
    DeviceError
        There is no GPU, or it fails.

    """
    classes = queries.classes.shape[1] - 1
    if len(label_space) != classes:
        raise ValueError(
            f'the queries have {classes} classes beside no object and label space '
            f'{label_space.name!r} has {len(label_space)}: pass the label space that the network '
            'was trained for')
    height, width = queries.part if size is None else (int(size[0]), int(size[1]))
    if height < 1 or width < 1:
        raise ValueError(f'size is {size}: expected a positive (height, width) in pixels')
    return executions(method)(queries, label_space, (height, width), options or Options(),
                              confidence)


def executions(method: str) -> Callable[..., Panoptic]:
    """
    Return the function that executes a method; its parameters are those of ``decode``.

    Raises
    ------
    ValueError
        There is no such method.
    ImportError
        The method needs a library that is not installed.

    """
    if method not in METHODS:
        raise ValueError(f'no decoding method {method!r}: expected one of {tuple(METHODS)}')
    return cast(Callable[..., Panoptic],
                import_module(f'.{METHODS[method]}', __package__).decode)


def warm_up(method: str = 'cpu') -> None:
    """
    Load and compile what a method needs, so that the first frame is as fast as the others.

    Takes some ten seconds the first time on a machine and about one from then on.

    Raises
    ------
    ValueError
        There is no such method.
    ImportError
        The method needs a library that is not installed.

    """
    label_space = LabelSpace.from_dict({'name': 'warm-up', 'label_divisor': 2, 'categories': [
        {'name': name, 'dataset_id': number, 'thing': name == 'thing', 'color': (0, 0, 0)}
        for number, name in enumerate(('stuff', 'thing'))]})
    queries = Queries(np.array([[9, 0, 0], [0, 9, 0]], np.float32),
                      np.stack([np.eye(2, dtype=np.float32)] * 2), (8, 8))
    for size in (None, (7, 7)):
        decode(queries, label_space, size, method, confidence=True)
