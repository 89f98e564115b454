"""Clips of held-out streets: how well things keep their numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ..datasets.dataset import Image
from ..labels import LabelSpace
from ..panoptic import Panoptic
from ..streets import FIRST_HELD_OUT_SEED, Drive
from ..tracking import Tracker
from .tables import Row
from .video_quality import WINDOWS, VideoPanopticQuality

RATE = 10.0
"""Frames per second."""

CLIP_HEADER = ('', 'VPQ', 'things', 'stuff', *map(str, WINDOWS))
"""What ``clip_rows`` returns."""


@dataclass(frozen=True)
class Clips:
    """
    The beginnings of held-out drives.

    Parameters
    ----------
    count
        How many there are.
    frames
        Of each, ``RATE`` a second.
    size
        (height, width) of the frames.
    first_seed
        Seed of the first drive.

    Raises
    ------
    ValueError
        The clips are shorter than the longest window.

    """

    count: int
    frames: int
    size: tuple[int, int] = (512, 1024)
    first_seed: int = FIRST_HELD_OUT_SEED

    def __post_init__(self) -> None:
        if self.frames < max(WINDOWS):
            raise ValueError(f'clips have {self.frames} frames: expected at least {max(WINDOWS)}, '
                             'the longest window of VPQ')

    @property
    def label_space(self) -> LabelSpace:
        """Cityscapes'."""
        return LabelSpace.load('cityscapes')

    def measure(self, predict: Callable[[Image], Panoptic],
                progress: Callable[[], object] = lambda: None) -> dict[str, VideoPanopticQuality]:
        """
        Return the video quality of results as they are, and as ``Tracker`` renumbers them.

        ``progress`` is called after each frame.
        """
        label_space = self.label_space
        qualities = {name: VideoPanopticQuality(label_space)
                     for name in ('each frame anew', 'tracked')}
        for seed in range(self.first_seed, self.first_seed + self.count):
            drive, tracker = Drive(seed, self.size), Tracker(label_space)
            for quality in qualities.values():
                quality.begin_clip()
            for number in range(self.frames):
                image, truth = drive.image_and_labels(number / RATE)
                found = predict(image)
                qualities['each frame anew'].update(found, truth)
                qualities['tracked'].update(tracker(found, number / RATE), truth)
                progress()
        return qualities


def clip_rows(qualities: Mapping[str, VideoPanopticQuality]) -> Iterator[Row]:
    """Yield a row of VPQ per kind of result: the mean, things, stuff, and each window."""
    for name, quality in qualities.items():
        result = quality.compute()
        yield (name, result.mean(), result.mean('things'), result.mean('stuff'),
               *(of_window.all.pq for of_window in result.per_window.values()))
