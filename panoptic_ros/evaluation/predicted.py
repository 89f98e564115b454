"""Pairs of a model's predictions and the ground truth."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
import numpy.typing as npt

from ..datasets.dataset import FrameSource
from .evaluation import Pair
from .overlaps import LabelImage

Predictor = Callable[[npt.NDArray[np.uint8]], LabelImage]
"""What turns a BGR image into a label image of the same size."""


@dataclass
class Predicted:
    """
    Predicts frames by their number; a loader for ``evaluate``.

    Parameters
    ----------
    frames
        The images and their ground truth.
    open_predictor
        Opens what turns a BGR image into a label image; called once in each process.

    """

    frames: FrameSource
    open_predictor: Callable[[], Predictor]
    _predictor: Predictor | None = field(default=None, init=False, repr=False)

    def __call__(self, index: int) -> Pair:
        """Predict one frame; only the prediction is timed."""
        image, truth = self.frames[index]
        if self._predictor is None:
            self._predictor = self.open_predictor()
            self._predictor(image)      # compiles and allocates before anything is timed
        start = perf_counter()
        prediction = self._predictor(image)
        return Pair(prediction, truth, perf_counter() - start)
