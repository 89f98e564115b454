"""Which queries become segments: the overlap rule."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .options import Options

Counts = npt.NDArray[np.int64]


def survive(area: Counts, original: Counts, final: Counts, options: Options
            ) -> npt.NDArray[np.bool_]:
    """
    Return which queries become segments, (K,).

    Parameters
    ----------
    area
        (K,) pixels that a query owns.
    original
        (K,) pixels inside of its mask, whoever owns them.
    final
        (K,) pixels that are both.
    options
        The thresholds.

    """
    share = area / np.maximum(original, 1)
    return (final > 0) & (share >= options.overlap_threshold)
