"""Streets that no training has seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..panoptic import Panoptic
from ..streets import Drive

FIRST_HELD_OUT_SEED = 1_000_000
"""Drives with this seed or a greater one are for evaluation only."""

_LATEST = 20.0      # seconds into a drive


def single_frame(seed: int, size: tuple[int, int]) -> tuple[npt.NDArray[np.uint8], Panoptic]:
    """Return the (BGR image, ground truth) of one moment, drawn from the seed, of one drive."""
    moment = np.random.default_rng(seed).uniform(0, _LATEST)
    return Drive(seed=seed, size=size).frame(moment)


@dataclass(frozen=True)
class HeldOutStreets:
    """
    Held-out frames by their number, each of a drive of its own, rendered when they are asked for.

    Parameters
    ----------
    size
        (height, width) of the frames.
    first_seed
        Seed of the frame of index 0.

    """

    size: tuple[int, int] = (512, 1024)
    first_seed: int = FIRST_HELD_OUT_SEED

    def __getitem__(self, index: int) -> tuple[npt.NDArray[np.uint8], Panoptic]:
        """Return the BGR image and the ground truth."""
        return single_frame(self.first_seed + index, self.size)

    def truth(self, index: int) -> Panoptic:
        """Return the ground truth alone."""
        return self[index][1]
