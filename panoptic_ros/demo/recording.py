"""The recorded drive that the demo replays; it is made once and kept."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from functools import cache, partial
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from .. import messages, streets
from ..bags.messages import header, image, new
from ..bags.writer import BagWriter
from ..labels import LabelSpace
from ..messages import IMAGE, LABEL_INFO
from ..processes import cores
from ..resources import share_directory
from ..streets import FIRST_HELD_OUT_SEED, Drive
from ..streets.rendering import rendering_pool

CAMERA = '/camera/image_raw'
TRUTH = '/camera/panoptic_truth'
TRUTH_INFO = '/camera/label_info'
FRAME = 'camera_optical_frame'

EPOCH = 1_767_225_600_000_000_000
"""Stamp of the first frame: the drive takes place on 1 January 2026, 00:00 UTC."""

_AHEAD = 32
"""The most frames that are drawn and not yet written."""

Rendered: TypeAlias = 'tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint16]]'


@dataclass(frozen=True)
class Recipe:
    """
    What a drive is made from.

    Raises
    ------
    ValueError
        A number is out of range.

    """

    seed: int = FIRST_HELD_OUT_SEED + 13
    """Seed of the street, which is held out from training; this street has all classes."""
    frames: int = 150
    fps: float = 10.0
    height: int = 512
    width: int = 1024

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise ValueError(f'frames is {self.frames}: expected at least 1')
        if not 0 < self.fps <= 1000:
            raise ValueError(f'fps is {self.fps}: expected more than 0 and at most 1000')
        if self.seed < 0:
            raise ValueError(f'seed is {self.seed}: expected 0 or more')
        if min(self.height, self.width) < 32:
            raise ValueError(f'size is {self.height}x{self.width}: expected at least 32x32')

    @property
    def seconds(self) -> float:
        """How long the drive takes."""
        return self.frames / self.fps

    def stamp(self, frame: int) -> int:
        """Return a frame's stamp in nanoseconds since the epoch."""
        return EPOCH + round(frame * 1e9 / self.fps)

    def name(self) -> str:
        """Return a name that changes with the recipe and with the code that draws."""
        digest = hashlib.sha256(repr(astuple(self)).encode())
        package = Path(streets.__file__).parent
        sources = [*sorted(package.rglob('*.py')), Path(__file__),
                   share_directory() / 'config' / 'labels' / 'cityscapes.yaml']
        for source in sources:
            digest.update(source.read_bytes())
        return f'drive_{digest.hexdigest()[:12]}'


def recorded_drive(recipe: Recipe, folder: Path,
                   progress: Callable[[int], None] | None = None) -> Path:
    """
    Return the bag of a recipe; make it if it is not there yet.

    The bag holds the camera's images, the true label image of each under the same header, and the
    names of the classes. Drives of other recipes are removed, because they are large.

    Parameters
    ----------
    recipe
        What to draw.
    folder
        Where drives are kept.
    progress
        Called with the number of frames that are drawn.

    """
    path = folder / recipe.name()
    if (path / 'metadata.yaml').is_file():
        return path
    for old in folder.glob('drive_*'):
        shutil.rmtree(old)
    unfinished = folder / f'drive_{os.getpid()}' / path.name
    try:
        with BagWriter(unfinished) as writer:
            _write(writer, recipe, progress)
        unfinished.rename(path)
    finally:
        shutil.rmtree(unfinished.parent, ignore_errors=True)
    return path


def _write(writer: BagWriter, recipe: Recipe, progress: Callable[[int], None] | None) -> None:
    writer.add_topic(CAMERA, IMAGE)
    writer.add_topic(TRUTH, IMAGE)
    writer.add_topic(TRUTH_INFO, LABEL_INFO, latched=True)
    space = LabelSpace.load('cityscapes')
    writer.write(TRUTH_INFO, EPOCH,
                 messages.label_info(new, space, header(EPOCH, FRAME)))
    for frame, (pixels, labels) in enumerate(_draw(recipe)):
        stamp = recipe.stamp(frame)
        of_frame = header(stamp, FRAME)
        writer.write(CAMERA, stamp, image(pixels, 'bgr8', of_frame))
        writer.write(TRUTH, stamp, image(labels, '16UC1', of_frame))
        if progress is not None:
            progress(frame + 1)


def _draw(recipe: Recipe) -> Iterator[Rendered]:
    """Yield the frames in order; all cores draw them."""
    workers = min(cores(), recipe.frames, 8)
    with rendering_pool(workers) as pool:
        for first in range(0, recipe.frames, _AHEAD):
            frames = range(first, min(first + _AHEAD, recipe.frames))
            yield from pool.map(partial(_draw_frame, recipe), frames)


def _draw_frame(recipe: Recipe, frame: int) -> Rendered:
    image, truth = _drive(recipe).frame(frame / recipe.fps)
    return image, truth.labels


@cache
def _drive(recipe: Recipe) -> Drive:
    return Drive(recipe.seed, (recipe.height, recipe.width))
