"""Extending images and labels to a larger size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def extend(image: npt.NDArray[Any], size: Sequence[int], value: Any) -> npt.NDArray[Any]:
    """Extend an image to (height, width) at its right and lower borders."""
    if image.shape[:2] == tuple(size):
        return image
    extended = np.full((*size, *image.shape[2:]), value, image.dtype)
    extended[:image.shape[0], :image.shape[1]] = image
    return extended
