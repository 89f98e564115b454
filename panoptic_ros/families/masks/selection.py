"""The class of each query, and which queries take part."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.softmax import finite, probability
from .options import Options

Floats = npt.NDArray[np.float32]


class Kept(NamedTuple):
    """The K queries that take part, in their order."""

    query: npt.NDArray[np.int64]
    """(K,) their places among all queries."""
    class_id: npt.NDArray[np.int64]
    """(K,) the likeliest class of each ..."""
    score: Floats
    """(K,) ... and its soft-max probability, in which no object counts as a class."""


def keep(classes: npt.NDArray[np.floating], options: Options) -> Kept:
    """
    Return the queries whose likeliest class is one, and whose score exceeds the threshold.

    Parameters
    ----------
    classes
        (Q, C + 1) logits.
    options
        The thresholds.

    """
    logits = finite(classes)
    class_id = logits.argmax(1)
    score = probability(logits.T)
    query = np.flatnonzero((class_id < logits.shape[1] - 1)
                           & (score > np.float32(options.object_threshold)))
    return Kept(query, class_id[query], score[query])
