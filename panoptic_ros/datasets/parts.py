"""Parts of a data set: some of its frames, such as those that are held out for measuring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np

from ..labels import LabelSpace
from .dataset import Dataset, Image, Labels


@dataclass(frozen=True)
class Part:
    """Some frames of a data set, by their numbers there."""

    whole: Dataset
    indices: tuple[int, ...]

    @property
    def label_space(self) -> LabelSpace:
        """That of the whole."""
        return self.whole.label_space

    @property
    def description(self) -> str:
        """What the frames are."""
        return f'{self.whole.description}, of which {len(self)}'

    @property
    def names(self) -> Sequence[str]:
        """The names of the frames."""
        return tuple(self.whole.names[index] for index in self.indices)

    def __len__(self) -> int:
        return len(self.indices)

    def image(self, index: int) -> Image:
        """Return an image, (H, W, 3) BGR."""
        return self.whole.image(self.indices[index])

    def truth(self, index: int) -> Labels:
        """Return the panoptic label image (H, W) of an image."""
        return self.whole.truth(self.indices[index])

    def __getitem__(self, index: int) -> tuple[Image, Labels]:
        """Return an image and its labels."""
        return self.whole[self.indices[index]]


def held_out(frames: Dataset, share: float) -> tuple[Part, Part]:
    """
    Return the frames to train on, and a share of them that is held out for measuring.

    A frame's name decides where it is.  So frames that are added later move no other frame.

    Raises
    ------
    ValueError
        The share is not between 0 and 1, or there are fewer than two frames.

    """
    if not 0 < share < 1:
        raise ValueError(f'the share to hold out is {share}: expected a number between 0 and 1, '
                         'such as 0.1')
    if len(frames) < 2:
        raise ValueError(f'{frames.description}: expected at least two frames, one to train on '
                         'and one to measure on')
    places = [_place(name) for name in frames.names]
    chosen = [place < share for place in places]
    if not any(chosen):
        chosen[int(np.argmin(places))] = True
    if all(chosen):
        chosen[int(np.argmax(places))] = False
    kept, out = (tuple(index for index, is_out in enumerate(chosen) if is_out is wanted)
                 for wanted in (False, True))
    return Part(frames, kept), Part(frames, out)


def spread(frames: Dataset, count: int) -> Part:
    """Return at most so many frames, evenly spread over all."""
    if count >= len(frames):
        return Part(frames, tuple(range(len(frames))))
    return Part(frames, tuple((2 * k + 1) * len(frames) // (2 * count) for k in range(count)))


def _place(name: str) -> float:
    """Return a number from 0 to 1 that a name determines, evenly distributed over names."""
    digest = sha256(name.encode(errors='surrogateescape')).digest()
    return int.from_bytes(digest[:8], 'big') / 2**64
