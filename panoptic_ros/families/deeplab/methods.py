"""Choosing how the grouping is executed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...labels import LabelSpace
from ...panoptic import Panoptic
from ..methods import execution, label_size, warm_up_space
from .heads import Heads
from .options import Options


def decode(heads: Heads, label_space: LabelSpace, size: tuple[int, int] | None = None,
          method: str = 'cpu', options: Options | None = None,
          confidence: bool = False) -> Panoptic:
    """
    Group the pixels of an image into segments, as ``deeplab.reference`` defines it.

    It may be called from several threads at once.

    Parameters
    ----------
    heads
        The network's output.
    label_space
        Its classes.
    size
        (height, width) of the label image in pixels; by default that of the part of the network's
        input that the image fills.
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
        The label space is not that of the heads, the size is not positive, or there is no such
        method.
    ImportError
        The method needs a library that is not installed.
    DeviceError
        There is no GPU, or it fails.

    """
    if len(label_space) != len(heads.semantic):
        raise ValueError(
            f'the heads have {len(heads.semantic)} classes and label space {label_space.name!r} '
            f'has {len(label_space)}: pass the label space that the network was trained for')
    pixels = label_size(size, heads.grid.part)
    return executions(method)(heads, label_space, pixels, options or Options(), confidence)


def executions(method: str) -> Callable[..., Panoptic]:
    """Return the function that executes a method; see ``families.methods.execution``."""
    return execution(__package__, method, 'grouping')


def warm_up(method: str = 'cpu') -> None:
    """
    Load and compile what a method needs, so that the first frame is as fast as the others.

    Takes up to half a minute the first time on a machine and about one from then on.

    Raises
    ------
    ValueError
        There is no such method.
    ImportError
        The method needs a library that is not installed.

    """
    heads = Heads(np.zeros((2, 2, 2), np.float32), np.eye(2, dtype=np.float32),
                  np.zeros((2, 2, 2), np.float32))
    decode(heads, warm_up_space(), method=method, confidence=True)
