"""The code image: each pixel's code, kept once for a whole patch wherever one holds for all."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .upsampling import Axes

OPEN = 65535
"""In the place of a patch's code: its pixels have codes of their own."""


class CodeImage(NamedTuple):
    """
    The code of each pixel.

    A patch is the pixels whose ``lower`` cells are the same in both axes: they lie between the
    same four cells.  A decoder writes a code for each patch that it decides as a whole, and OPEN
    for the others; only in those it writes the codes of the pixels.
    """

    axes: Axes
    """Where the pixels lie between the cells."""
    patches: npt.NDArray[np.uint16]
    """(h, w) code of each patch, or OPEN; one without pixels has any."""
    pixels: npt.NDArray[np.uint16]
    """(H, W) code of each pixel of an open patch; the others become labels when all is painted."""

    @classmethod
    def empty(cls, axes: Axes) -> CodeImage:
        """Return a code image that is still to be written."""
        y, x = axes
        return cls(axes, np.empty((y.places.shape[1], x.places.shape[1]), np.uint16),
                   np.empty((len(y.lower), len(x.lower)), np.uint16))
