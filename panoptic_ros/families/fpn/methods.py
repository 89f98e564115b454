"""Choosing how the decoder is executed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ...labels import LabelSpace
from ...panoptic import Panoptic
from ..methods import execution, label_size, warm_up_space
from .detections import Detections
from .options import Options


def decode(detections: Detections, label_space: LabelSpace, size: tuple[int, int] | None = None,
           method: str = 'cpu', options: Options | None = None,
           confidence: bool = False) -> Panoptic:
    """
    Turn the detections and the stuff of an image into segments, as ``fpn.reference`` defines it.

    It may be called from several threads at once.

    Parameters
    ----------
    detections
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
        The label space is not that of the detections, the size is not positive, or there is no
        such method.
    ImportError
        The method needs a library that is not installed.
    DeviceError
        There is no GPU, or it fails.

    """
    stuff = len(detections.semantic) - 1
    if len(label_space.stuff_ids) != stuff:
        raise ValueError(
            f'semantic has {stuff} classes of stuff beside the channel of things and label space '
            f'{label_space.name!r} has {len(label_space.stuff_ids)}: pass the label space that '
            'the network was trained for')
    pixels = label_size(size, detections.part)
    return executions(method)(detections, label_space, pixels, options or Options(), confidence)


def executions(method: str) -> Callable[..., Panoptic]:
    """Return the function that executes a method; see ``families.methods.execution``."""
    return execution(__package__, method, 'decoding')


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
    semantic = np.array([[[9, 0], [0, 0]], [[0, 9], [9, 0]]], np.float32)
    mask = np.array([[[0.9, 0.1], [0.9, 0.9]]], np.float32)
    detections = Detections(semantic, np.array([[1, 1, 6, 6]], np.float32),
                            np.ones(1, np.float32), np.zeros(1, np.int64), mask, (8, 8))
    decode(detections, warm_up_space(), method=method, confidence=True)
