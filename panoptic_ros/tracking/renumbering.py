"""Replacing labels in a label image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def renumber(labels: npt.NDArray[np.uint16], label_of: npt.NDArray[np.uint16]
             ) -> npt.NDArray[np.uint16]:
    """
    Return the new label of each pixel, (H, W); the work is compiled if numba is installed.

    ``label_of`` is indexed by label, (65536,) uint16.
    """
    try:
        from .look_up import look_up
    except ImportError:                 # a machine with a GPU may lack numba
        return label_of[labels]
    result = np.empty(labels.shape, np.uint16)
    look_up(np.ascontiguousarray(labels).reshape(-1), label_of, result.reshape(-1))
    return result


def warm_up() -> None:
    """Compile what ``renumber`` compiles, so that no frame waits for it."""
    renumber(np.zeros((1, 1), np.uint16), np.zeros(65536, np.uint16))
