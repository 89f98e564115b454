"""Clips of video: how well things keep their numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ..datasets.dataset import Image, Video
from ..labels import LabelSpace
from ..panoptic import Panoptic
from ..streets import FIRST_HELD_OUT_SEED, PLAIN, Drive, Variety
from ..tracking import Tracker
from .overlaps import LabelImage
from .tables import Row
from .video_quality import WINDOWS, VideoPanopticQuality

RATE = 10.0
"""Frames per second of streets."""

CLIP_HEADER = ('', 'VPQ', 'things', 'stuff', *map(str, WINDOWS))
"""What ``clip_rows`` returns."""


class Clips(ABC):
    """Videos with their ground truth, one after the other and frame by frame."""

    rate: float
    """Frames per second."""

    @property
    @abstractmethod
    def label_space(self) -> LabelSpace:
        """The classes of the ground truth."""

    @abstractmethod
    def lengths(self) -> list[int]:
        """Return the number of frames of each clip."""

    @abstractmethod
    def frames(self, clip: int) -> Iterator[tuple[Image, LabelImage]]:
        """Yield the images of a clip, (H, W, 3) BGR, each with its truth."""

    def measure(self, predict: Callable[[Image], Panoptic],
                progress: Callable[[], object] = lambda: None) -> dict[str, VideoPanopticQuality]:
        """
        Return the video quality of the results as they are, and renumbered by ``Tracker``.

        ``progress`` is called after each frame.

        Raises
        ------
        ValueError
            A frame cannot be read, or predictions do not fit the truth.

        """
        qualities = {name: VideoPanopticQuality(self.label_space)
                     for name in ('each frame anew', 'tracked')}
        for clip in range(len(self.lengths())):
            tracker = None
            for quality in qualities.values():
                quality.begin_clip()
            for number, (image, truth) in enumerate(self.frames(clip)):
                found = predict(image)
                tracker = tracker or Tracker(found.label_space)
                qualities['each frame anew'].update(found, truth)
                qualities['tracked'].update(tracker(found, number / self.rate), truth)
                progress()
        return qualities


@dataclass(frozen=True)
class DriveClips(Clips):
    """
    The beginnings of held-out drives.

    Parameters
    ----------
    count
        How many there are.
    length
        Frames of each drive, ``RATE`` a second.
    size
        (height, width) of the frames.
    first_seed
        Seed of the first drive.
    variety
        What the drives have besides the plain scene.

    Raises
    ------
    ValueError
        The clips are shorter than the longest window.

    """

    count: int
    length: int
    size: tuple[int, int] = (512, 1024)
    first_seed: int = FIRST_HELD_OUT_SEED
    variety: Variety = PLAIN
    rate = RATE

    def __post_init__(self) -> None:
        if self.length < max(WINDOWS):
            raise ValueError(f'clips have {self.length} frames: expected at least {max(WINDOWS)}, '
                             'the longest window of VPQ')

    @property
    def label_space(self) -> LabelSpace:
        """Cityscapes'."""
        return LabelSpace.load('cityscapes')

    def lengths(self) -> list[int]:
        """Return the number of frames of each drive."""
        return [self.length] * self.count

    def frames(self, clip: int) -> Iterator[tuple[Image, LabelImage]]:
        """Render the frames of a drive."""
        drive = Drive(self.first_seed + clip, self.size, self.variety)
        for number in range(self.length):
            yield drive.image_and_labels(number / self.rate)


class VideoClips(Clips):
    """
    The clips of a data set of videos.

    Raises
    ------
    ValueError
        All clips are shorter than the longest window.

    """

    def __init__(self, video: Video) -> None:
        self._video, self._clips = video, video.clips()
        self.rate = video.rate
        longest = max(map(len, self._clips))
        if longest < max(WINDOWS):
            raise ValueError(
                f'{video.description}: at most {longest} of them follow each other; expected '
                f'{max(WINDOWS)}, the longest window of VPQ')

    @property
    def label_space(self) -> LabelSpace:
        """The data set's label space."""
        return self._video.label_space

    def lengths(self) -> list[int]:
        """Return the number of frames of each clip."""
        return [len(clip) for clip in self._clips]

    def frames(self, clip: int) -> Iterator[tuple[Image, LabelImage]]:
        """Read the frames of a clip."""
        for index in self._clips[clip]:
            yield self._video[index]


def clip_rows(qualities: Mapping[str, VideoPanopticQuality]) -> Iterator[Row]:
    """Yield a row of VPQ per kind of result: the mean, things, stuff, and each window."""
    for name, quality in qualities.items():
        result = quality.compute()
        yield (name, result.mean(), result.mean('things'), result.mean('stuff'),
               *(of_window.all.pq for of_window in result.per_window.values()))
