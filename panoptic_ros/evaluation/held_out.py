"""Streets that no training has seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..datasets.dataset import Image, Labels
from ..labels import LabelSpace
from ..panoptic import Panoptic
from ..streets import FIRST_HELD_OUT_SEED, PLAIN, Drive, Variety
from ..streets.variety import name_of

_LATEST = 20.0      # seconds into a drive


def single_frame(seed: int, size: tuple[int, int],
                 variety: Variety = PLAIN) -> tuple[Image, Panoptic]:
    """Return (BGR image, ground truth) of a drive at one moment, which the seed determines."""
    return Drive(seed, size, variety).frame(moment(seed))


def moment(seed: int) -> float:
    """Return the time in seconds of the one frame that is taken of a drive."""
    return np.random.default_rng(seed).uniform(0, _LATEST)


@dataclass(frozen=True)
class HeldOutStreets:
    """
    A data set of held-out frames, each of a drive of its own, rendered on request.

    Parameters
    ----------
    count
        The number of frames.
    size
        (height, width) of the frames.
    first_seed
        Seed of the frame of index 0.
    variety
        What the drives have besides the plain scene.

    """

    count: int
    size: tuple[int, int] = (512, 1024)
    first_seed: int = FIRST_HELD_OUT_SEED
    variety: Variety = PLAIN

    @property
    def label_space(self) -> LabelSpace:
        """Cityscapes'."""
        return LabelSpace.load('cityscapes')

    @property
    def description(self) -> str:
        """What the frames are."""
        height, width = self.size
        return (f'streets: {self.count} {name_of(self.variety)} frames of {height}x{width} '
                f'from drive {self.first_seed} on, one of each')

    @property
    def names(self) -> tuple[str, ...]:
        """The seeds of the frames."""
        return tuple(f'{self.first_seed + index:07d}' for index in range(self.count))

    def __len__(self) -> int:
        return self.count

    def image(self, index: int) -> Image:
        """Render an image, (H, W, 3) BGR."""
        return self[index][0]

    def truth(self, index: int) -> Labels:
        """Render the panoptic label image (H, W) of an image."""
        return self[index][1]

    def __getitem__(self, index: int) -> tuple[Image, Labels]:
        """Render an image and its labels."""
        image, truth = single_frame(self.first_seed + range(self.count)[index], self.size,
                                    self.variety)
        return image, truth.labels
