"""What the kernels of the cpu method work on, and what they sum up."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...segments.patches import CodeImage
from ...segments.tallies import empty_tallies
from .cells import Cells
from .cutoff import cutoff_of
from .options import Options
from .selection import Kept
from .tiling import Tiling


class Rule(NamedTuple):
    """What decides the owner of a pixel, and whether the pixel is inside of its mask."""

    score: npt.NDArray[np.float32]
    """(K,) scores of the queries."""
    threshold: np.float32
    """The least probability inside of a mask ..."""
    cutoff: np.float32
    """... and the least logit that has it; minus infinity if all have it."""

    @classmethod
    def of(cls, kept: Kept, options: Options) -> Rule:
        """Return the rule for some queries."""
        threshold = np.float32(options.pixel_threshold)
        return cls(kept.score, threshold, cutoff_of(threshold))


class Work(NamedTuple):
    """One image, for all threads."""

    cells: Cells
    """The masks."""
    tiling: Tiling
    """The tiles."""
    rule: Rule
    """The rule."""
    image: CodeImage
    """Written: codes 0 to K - 1 for the queries, and K for what is inside of no mask."""
    confidence: npt.NDArray[np.uint8]
    """(H, W), written: score x probability of the owner, 255 for 1; empty if nobody asks."""


class Sums(NamedTuple):
    """The sums of one thread over the pixels of each query."""

    area: npt.NDArray[np.int64]
    """(K,) pixels that it owns."""
    original: npt.NDArray[np.int64]
    """(K,) pixels inside of its mask, whoever owns them."""
    probability: npt.NDArray[np.int64]
    """(K,) probability of those that are both, ``tallies.PROBABILITY_ONE`` for 1."""
    tallies: npt.NDArray[Any]
    """(K + 1,) of ``tallies.TALLY``, of the same pixels, without the probability."""

    @classmethod
    def new(cls, workers: int, queries: int) -> Sums:
        """Return the sums of several threads, along a first axis."""
        area, original, probability = np.zeros((3, workers, queries), np.int64)
        return cls(area, original, probability, empty_tallies(workers, queries + 1))
