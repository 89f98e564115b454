"""Streets that no training has seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
import numpy.typing as npt

from ..panoptic import Panoptic
from ..streets import Drive
from .evaluation import Pair
from .overlaps import LabelImage

FIRST_HELD_OUT_SEED = 1_000_000
"""Drives with this seed or a greater one are for evaluation only."""

_LATEST = 20.0      # seconds into a drive

Predictor = Callable[[npt.NDArray[np.uint8]], LabelImage]


def single_frame(seed: int, size: tuple[int, int]) -> tuple[npt.NDArray[np.uint8], Panoptic]:
    """Return the (BGR image, ground truth) of one moment, drawn from the seed, of one drive."""
    moment = np.random.default_rng(seed).uniform(0, _LATEST)
    return Drive(seed=seed, size=size).frame(moment)


@dataclass
class HeldOutStreets:
    """
    Renders held-out frames by index and predicts them; a loader for ``evaluate``.

    Parameters
    ----------
    open_predictor
        Opens what turns a BGR image into a label image; called once in each process.
    size
        (height, width) of the frames.
    first_seed
        Seed of the frame of index 0; each frame is of a drive of its own.

    """

    open_predictor: Callable[[], Predictor]
    size: tuple[int, int] = (512, 1024)
    first_seed: int = FIRST_HELD_OUT_SEED
    _predictor: Predictor | None = field(default=None, init=False, repr=False)

    def __call__(self, index: int) -> Pair:
        """Render and predict one frame; only the prediction is timed."""
        image, truth = single_frame(self.first_seed + index, self.size)
        if self._predictor is None:
            self._predictor = self.open_predictor()
            self._predictor(image)      # compiles and allocates before anything is timed
        start = perf_counter()
        prediction = self._predictor(image)
        return Pair(prediction, truth, perf_counter() - start)
