"""What every data set owes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from ..labels import LabelSpace

Image = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.uint16]


class FrameSource(Protocol):
    """Numbered frames with their ground truth: a training needs no more."""

    @property
    def label_space(self) -> LabelSpace:
        """The classes of the ground truth."""
        ...

    @property
    def description(self) -> str:
        """What the frames are, for a model's metadata; their kind stands before a colon."""
        ...

    def __len__(self) -> int:
        """Return the number of frames."""
        ...

    def __getitem__(self, index: int) -> tuple[Image, Labels]:
        """Return an image (H, W, 3) BGR and panoptic labels (H, W); both may be read-only."""
        ...


class Dataset(FrameSource, Protocol):
    """Images of a data set with their ground truth; it is picklable and holds no file open."""

    @property
    def names(self) -> Sequence[str]:
        """The data set's names of the images, sorted, without suffix; they may have a slash."""
        ...

    def image(self, index: int) -> Image:
        """Return an image, (H, W, 3) BGR."""
        ...

    def truth(self, index: int) -> Labels:
        """
        Return the panoptic label image (H, W) of an image.

        A thing without an instance number is crowd: a group whose things nobody told apart.
        """
        ...


@runtime_checkable
class Video(Dataset, Protocol):
    """A data set of videos, whose instances keep their numbers from frame to frame."""

    @property
    def rate(self) -> float:
        """Frames per second."""
        ...

    def clips(self) -> Sequence[range]:
        """Return the indices of the frames that follow each other without a gap."""
        ...
