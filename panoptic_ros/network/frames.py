"""Rendered frames on disk, from each of which many samples are cut."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..datasets.dataset import Image, Labels
from ..images.files import unfinished
from ..labels import LabelSpace
from ..streets import FIRST_HELD_OUT_SEED, PLAIN, Drive, Variety
from ..streets.rendering import rendering_pool
from ..streets.variety import name_of

FRAMES_PER_DRIVE = 4
"""Frames of each drive, seconds apart; the first frame of a drive costs more than others."""


@dataclass(frozen=True)
class StreetFrames:
    """
    Frames of procedural drives in a folder, one uncompressed file each.

    The frames of drive ``n`` depend only on ``seed + n`` and the size.  So a folder can be
    extended, and another machine renders the same frames.

    Raises
    ------
    ValueError
        Some seeds are among those that are held out for measuring, or there is no variety.

    """

    folder: Path
    count: int
    size: tuple[int, int] = (512, 1024)
    """(height, width)."""
    seed: int = 0
    """Seed of the first drive."""
    varieties: tuple[Variety, ...] = (PLAIN,)
    """What drives have besides the plain scene: that of drive n is number n, from the start again
    after the last."""

    def __post_init__(self) -> None:
        if self.count < 1:
            raise ValueError(f'count is {self.count}: expected at least one frame')
        if not self.varieties:
            raise ValueError('varieties is (): expected at least one')
        if self.seed < 0 or self.seed + self.drives > FIRST_HELD_OUT_SEED:
            raise ValueError(
                f'drives {self.seed} to {self.seed + self.drives - 1} are not all training '
                f'drives: seeds from {FIRST_HELD_OUT_SEED} on are held out for measuring')

    @property
    def drives(self) -> int:
        """Number of drives that the frames come from."""
        return -(-self.count // FRAMES_PER_DRIVE)

    @property
    def label_space(self) -> LabelSpace:
        """Cityscapes'."""
        return LabelSpace.load('cityscapes')

    @property
    def description(self) -> str:
        """What the frames are, for the model's metadata."""
        height, width = self.size
        names = ' and '.join(map(name_of, self.varieties))
        return (f'streets: {self.count} {names} frames of {height}x{width} '
                f'from drives {self.seed} to {self.seed + self.drives - 1}')

    def path(self, index: int) -> Path:
        """Return the file of a frame."""
        drive, number = divmod(index, FRAMES_PER_DRIVE)
        height, width = self.size
        variety = name_of(self.variety(self.seed + drive))
        return (self.folder / f'{height}x{width}-{variety}'
                / f'drive_{self.seed + drive:06d}_{number}.npy')

    def variety(self, seed: int) -> Variety:
        """Return the variety of the drive of a seed."""
        return self.varieties[seed % len(self.varieties)]

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Image, Labels]:
        """Read a frame; only the pixels that are used are read from the disk."""
        pixels = np.load(self.path(index), mmap_mode='r', allow_pickle=False)
        return pixels[..., :3], pixels[..., 3:].view(np.uint16)[..., 0]

    def render(self, workers: int) -> Iterator[int]:
        """Render the missing frames in several processes; yield how many are there so far."""
        missing: dict[int, list[int]] = {}
        for index in range(self.count):
            if not self.path(index).is_file():
                missing.setdefault(index // FRAMES_PER_DRIVE, []).append(index)
        ready = self.count - sum(map(len, missing.values()))
        yield ready
        if not missing:
            return
        for index in missing:
            self.path(index * FRAMES_PER_DRIVE).parent.mkdir(parents=True, exist_ok=True)
        with rendering_pool(workers) as pool:
            drives = {pool.submit(_render_drive, self, drive, frames): len(frames)
                      for drive, frames in missing.items()}
            for drive_done in as_completed(drives):
                drive_done.result()
                ready += drives[drive_done]
                yield ready


def _render_drive(frames: StreetFrames, drive: int, indices: list[int]) -> None:
    seed = frames.seed + drive
    street = Drive(seed, frames.size, frames.variety(seed))
    times = np.random.default_rng((seed, 1)).uniform(0, 30, FRAMES_PER_DRIVE)
    for index in indices:
        image, truth = street.frame(float(np.sort(times)[index % FRAMES_PER_DRIVE]))
        labels = np.ascontiguousarray(truth.labels)[..., None].view(np.uint8)
        path = frames.path(index)
        # Another training may render the same frame into the same folder, on another machine too.
        with unfinished(path) as beside, beside.open('wb') as file:
            np.save(file, np.concatenate((image, labels), 2))
