"""Looking up each pixel in a table."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..segments.workers import compiled


@compiled
def look_up(labels: npt.NDArray[np.uint16], label_of: npt.NDArray[np.uint16],
            result: npt.NDArray[np.uint16]) -> None:
    """
    Write the new label of each pixel.

    Parameters
    ----------
    labels
        (N,) labels, contiguous.
    label_of
        (65536,) the new label of each.
    result
        (N,); the new labels are written into it.

    """
    if not labels.size:
        return
    last = labels[0]
    label = label_of[last]
    for pixel in range(labels.size):        # most neighbours are equal
        if labels[pixel] != last:
            last = labels[pixel]
            label = label_of[last]
        result[pixel] = label
