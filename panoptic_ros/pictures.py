"""Labelling pictures: image files in, files of labels and overlays out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt

from . import overlay
from .images import Limits
from .images import files as image_files
from .images.files import PICTURE_SUFFIXES
from .panoptic import Panoptic
from .segmenter import Segmenter
from .steps import Behind, ahead
from .tensors import OutputError

ENDINGS = ('_panoptic.png', '_overlay.jpg')
"""What the names of a picture's labels and of their overlay have in place of its own ending."""

Progress = Callable[[], None]
"""Called after every picture."""


@dataclass
class Labelled:
    """The number of labelled images and of their things, and the time that they took."""

    frames: int = 0
    things: int = 0
    seconds: dict[str, list[float]] = field(default_factory=dict)
    """The seconds of each stage of the segmenter, one value for each frame."""

    def segment(self, segmenter: Segmenter, image: npt.NDArray[np.uint8]) -> Panoptic:
        """Segment one image, and note the time."""
        (panoptic,), times = segmenter.segment([image])
        self.spend(times)
        return panoptic

    def spend(self, times: Mapping[str, float], images: int = 1) -> None:
        """Note the seconds of each stage, which so many images took together."""
        for stage, seconds in times.items():
            self.seconds.setdefault(stage, []).extend([seconds / images] * images)

    def count(self, panoptic: Panoptic) -> None:
        """Count an image whose result is written."""
        self.frames += 1
        self.things += len(panoptic.things)


def label_pictures(segmenter: Segmenter, pictures: Sequence[Path], folder: Path,
                   progress: Progress | None = None, overwrite: bool = False,
                   limits: Limits | None = None) -> Labelled:
    """
    Segment pictures as their pixels are stored; rotation tags are ignored.

    For ``NAME.jpg`` the folder gets ``NAME_panoptic.png`` (uint16 labels) and
    ``NAME_overlay.jpg``. A file appears in the folder only when it is whole. A link of such a name
    is never followed.

    Parameters
    ----------
    segmenter, pictures, folder
        The model, the files to label, and the folder of the labels.
    progress
        Called after every picture, by a thread of its own.
    overwrite
        Whether to replace files of these names in the folder.
    limits
        Limits of a picture; a larger picture is refused before it is decoded.

    Raises
    ------
    ValueError
        A file is truncated, too large or no image that OpenCV reads, two files have the same
        name, or the network's outputs for a picture mean nothing.
    FileExistsError
        A file has the name of an output; this is found before the first picture is labelled.
    OSError
        The folder or a file in it cannot be written.

    """
    names = [picture.stem for picture in pictures]
    if doubled := sorted(name for name, count in Counter(names).items() if count > 1):
        raise ValueError(f'several pictures are called {", ".join(doubled)}: their labels would '
                         'overwrite each other; label them into folders of their own')
    outputs = [outputs_of(picture, folder) for picture in pictures]
    read = {picture.resolve() for picture in pictures}
    for path in chain.from_iterable(outputs):
        if path.resolve() in read:
            raise ValueError(f'{path} is a picture that is read, and labels would be written over '
                             'it: write into a folder beside the pictures')
    if not overwrite:
        for path in chain.from_iterable(outputs):
            image_files.refuse_existing(path)
    done = Labelled()

    def finish(written: tuple[tuple[Path, Path], npt.NDArray[np.uint8], Panoptic]) -> None:
        (labels, drawing), image, panoptic = written
        image_files.write(labels, panoptic.labels, overwrite)
        image_files.write(drawing, overlay.draw(image, panoptic), overwrite)
        done.count(panoptic)
        if progress is not None:
            progress()

    def decode(named: tuple[Path, tuple[Path, Path]]) -> npt.NDArray[np.uint8]:
        return image_files.read(named[0], limits=limits)

    named = list(zip(pictures, outputs, strict=True))
    with Behind(finish) as behind, closing(ahead(named, decode)) as images:
        for (picture, files), image in zip(named, images, strict=True):
            try:
                panoptic = done.segment(segmenter, image)
            except OutputError as error:
                raise OutputError(f'{picture}: {error}') from error
            behind.give((files, image, panoptic))
    return done


def outputs_of(picture: Path, folder: Path) -> tuple[Path, Path]:
    """Return the files of a picture's labels and of their overlay."""
    labels, drawing = ENDINGS
    return folder / f'{picture.stem}{labels}', folder / f'{picture.stem}{drawing}'


def find_pictures(paths: Sequence[Path]) -> Iterator[Path]:
    """
    Yield the pictures among these paths and under these folders, each folder's sorted.

    Raises
    ------
    ValueError
        A path does not exist or is no regular file, or a folder holds no picture.

    """
    for path in paths:
        if path.is_dir():
            found = image_files.find(path)
            if not found:
                raise ValueError(f'no picture under {path}: expected '
                                 f'{", ".join(PICTURE_SUFFIXES)}')
            yield from found
        elif path.exists():
            image_files.check_regular(path)
            yield path
        else:
            raise ValueError(f'there is no {path}: expected a bag, a picture or a folder of them')
