"""Panoptic label images as 16-bit PNG files."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from ..images import files as image_files
from .evaluation import Pair


def read_labels(path: str | Path) -> npt.NDArray[np.uint16]:
    """
    Read a panoptic label image from a 16-bit grey PNG.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is truncated, a pointer of git LFS, or no 16-bit grey image.

    """
    if not Path(path).is_file():
        raise FileNotFoundError(f'{path}: no such label image')
    image = image_files.read(path, cv2.IMREAD_UNCHANGED)
    if image.dtype != np.uint16 or image.ndim != 2:
        raise ValueError(f'{path} is {image.dtype} {image.shape}: expected a 16-bit grey PNG of '
                         'class_id * label_divisor + instance')
    return image


def count_others(folder: Path, names: Collection[str]) -> int:
    """Return how many PNG files of a folder are none of these, which are relative to it."""
    files = {path.relative_to(folder).as_posix()
             for path in image_files.visible(folder, '**/*.png')}
    return len(files.difference(names))


@dataclass(frozen=True)
class LabelFolders:
    """
    Pairs of PNG files with the same relative path in two folders; hidden files do not count.

    Raises
    ------
    FileNotFoundError
        The truth has no PNG, or the prediction lacks one that the truth has.

    """

    prediction: Path
    truth: Path

    def __post_init__(self) -> None:
        names = self.names
        if not names:
            raise FileNotFoundError(f'no PNG file under {self.truth}: expected label images')
        missing = [name for name in names if not (self.prediction / name).is_file()]
        if missing:
            raise FileNotFoundError(
                f'{self.prediction} lacks {len(missing)} of the {len(names)} label images of '
                f'{self.truth}, the first of them {missing[0]}: predict them, or remove them '
                'from the truth')

    @property
    def names(self) -> list[str]:
        """The truth's files, relative to the folder, sorted."""
        return sorted(str(path.relative_to(self.truth))
                      for path in image_files.visible(self.truth, '**/*.png'))

    @property
    def unused(self) -> int:
        """How many PNG files of the prediction have no truth."""
        return count_others(self.prediction, self.names)

    def __call__(self, name: str) -> Pair:
        """
        Read one pair.

        Raises
        ------
        ValueError
            A file is no label image, or the sizes differ.

        """
        prediction, truth = read_labels(self.prediction / name), read_labels(self.truth / name)
        if prediction.shape != truth.shape:
            raise ValueError(
                f'{self.prediction / name} is {prediction.shape[1]}x{prediction.shape[0]} and '
                f'{self.truth / name} is {truth.shape[1]}x{truth.shape[0]}: expected one size; '
                'predict at the size of the truth')
        return Pair(prediction, truth)
