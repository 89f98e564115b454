"""Segments that others have found without classes, as 16-bit PNG files of their ids."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from ..datasets.dataset import Labels
from ..images import files as image_files
from ..labels import UNLABELED, LabelSpace
from .class_agnostic import erase_classes
from .evaluation import Pair
from .label_files import count_others, read_labels


class TruthSource(Protocol):
    """Named ground truth, as every data set has it."""

    @property
    def label_space(self) -> LabelSpace:
        """The classes of the ground truth."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """The names of the images, without suffix; they may have a slash."""
        ...

    def truth(self, index: int) -> Labels:
        """Return the panoptic label image (H, W) of an image."""
        ...


@dataclass(frozen=True)
class TruthFolder:
    """
    The ground truth of a folder of 16-bit PNG files, sorted; hidden files do not count.

    Raises
    ------
    FileNotFoundError
        The folder has no PNG.

    """

    folder: Path
    label_space: LabelSpace

    def __post_init__(self) -> None:
        if not self.names:
            raise FileNotFoundError(f'no PNG file under {self.folder}: expected label images')

    @property
    def names(self) -> list[str]:
        """The files, relative to the folder, without suffix."""
        return sorted(path.relative_to(self.folder).with_suffix('').as_posix()
                      for path in image_files.visible(self.folder, '**/*.png'))

    def truth(self, index: int) -> Labels:
        """Read a label image."""
        return read_labels(self.folder / f'{self.names[index]}.png')


class SegmentFiles:
    """
    Loads pairs of ``CLASS_AGNOSTIC`` for ``accumulate``: ids of segments, and a data set's truth.

    The ids of an image are in the file ``NAME.png`` of the folder, where NAME is the data set's
    name of the image, such as ``frankfurt_000000_000294`` or ``0002/000000``.  They are segments
    as they are: pixels of one id are one segment, in however many pieces.

    Parameters
    ----------
    folder
        The folder of the ids.
    frames
        What has the names and the ground truth.

    Raises
    ------
    FileNotFoundError
        The folder lacks an image's file.

    """

    def __init__(self, folder: Path, frames: TruthSource) -> None:
        self._folder = folder
        self._frames = frames
        self._files = [folder / f'{name}.png' for name in frames.names]
        missing = [file for file in self._files if not file.is_file()]
        if missing:
            raise FileNotFoundError(
                f'{folder} lacks {len(missing)} of the {len(self._files)} images of segment ids, '
                f'the first of them {missing[0].relative_to(folder)}: write one for each image '
                'that is measured on, under its name in the data set')

    def __len__(self) -> int:
        return len(self._files)

    @property
    def unused(self) -> int:
        """How many PNG files of the folder have no truth."""
        return count_others(self._folder, [f'{name}.png' for name in self._frames.names])

    def __call__(self, index: int) -> Pair:
        """
        Read one pair.

        Raises
        ------
        ValueError
            The file is no image of segment ids, or has another size than the truth.

        """
        file, truth = self._files[index], self._frames.truth(index)
        segments = read_segments(file)
        if segments.shape != truth.shape:
            raise ValueError(
                f'{file} is {segments.shape[1]}x{segments.shape[0]} and its truth '
                f'{truth.shape[1]}x{truth.shape[0]}: expected one size; segment images of that '
                'size, or resize the ids with nearest neighbour')
        return Pair(segments, erase_classes(truth, self._frames.label_space, f'truth of {file}'))


def read_segments(path: Path) -> npt.NDArray[np.uint16]:
    """
    Read the ids of segments, (H, W) of ``CLASS_AGNOSTIC``; the ids 0 and 65535 are unlabelled.

    Raises
    ------
    ValueError
        The file is truncated, a pointer of git LFS, or no 16-bit grey image.

    """
    ids = image_files.read(path, cv2.IMREAD_UNCHANGED)
    if ids.dtype != np.uint16 or ids.ndim != 2:
        colors = 'grey' if ids.ndim == 2 else 'colour'
        raise ValueError(
            f'{path} is {8 * ids.dtype.itemsize}-bit {colors}: expected a 16-bit grey PNG with '
            "the id of each pixel's segment, and 0 where there is none; write it with "
            'cv2.imwrite(path, ids.astype(numpy.uint16))')
    return np.where(ids == 0, np.uint16(UNLABELED), ids)
