"""Images and labels in pairs of files, as all the data sets have them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from pathlib import Path

import cv2
import numpy as np

from ..images import files as image_files
from ..labels import LabelSpace
from .dataset import Image, Labels
from .relabeling import Codes


class PairedFiles(ABC):
    """
    A data set of one image file and one label file for each name; hidden files do not count.

    Raises
    ------
    FileNotFoundError
        There is no image, an image has no labels, or labels have no image.

    """

    title: str
    """The name of the data set."""
    image_source: str
    """The download that holds the images; errors name it."""
    label_source: str
    """The download that holds the labels; errors name it."""
    any_name: str
    """A pattern that every name matches, for error messages and searches."""

    def __init__(self, root: str | Path, split: str, label_space: LabelSpace) -> None:
        self.root = Path(root)
        self.split = split
        self.label_space = label_space
        self.names: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        """What the data set is, for a model's metadata."""
        return f'{self.title} {self.split}: {len(self)} images'

    def __len__(self) -> int:
        return len(self.names)

    def image(self, index: int) -> Image:
        """
        Read an image, (H, W, 3) BGR, as its pixels are stored: rotation tags are ignored.

        Raises
        ------
        FileNotFoundError
            The file has gone.
        ValueError
            The file is truncated, no image, or a pointer of git LFS.

        """
        return image_files.read(self.root / self.image_file(self.names[index]))

    def truth(self, index: int) -> Labels:
        """
        Read the panoptic label image (H, W) of an image.

        Raises
        ------
        FileNotFoundError
            The file has gone.
        ValueError
            The file is truncated, no image, a pointer of git LFS, or holds another kind of labels
            than the data set's.

        """
        index = range(len(self))[index]     # not negative: some data sets look it up elsewhere
        path = self.root / self.label_file(self.names[index])
        pixels = image_files.read(path, cv2.IMREAD_UNCHANGED)
        try:
            return self.labels(index, pixels)
        except ValueError as error:
            raise ValueError(f'{path}: {error}') from error

    def __getitem__(self, index: int) -> tuple[Image, Labels]:
        """
        Return an image and its labels.

        Raises
        ------
        ValueError
            Their sizes differ, or one cannot be read.

        """
        image, truth = self.image(index), self.truth(index)
        if image.shape[:2] != truth.shape:
            name = self.names[index]
            raise ValueError(
                f'{self.root / self.label_file(name)} is {truth.shape[1]}x{truth.shape[0]} and '
                f'{self.root / self.image_file(name)} is {image.shape[1]}x{image.shape[0]}: '
                'expected one size; was one of the two resized?')
        return image, truth

    @abstractmethod
    def image_file(self, name: str) -> str:
        """Return the path of an image, relative to the root."""

    @abstractmethod
    def label_file(self, name: str) -> str:
        """Return the path of an image's labels, relative to the root."""

    @abstractmethod
    def labels(self, index: int, pixels: Codes) -> Labels:
        """Return the labels that the pixels of a label file mean, or raise ``ValueError``."""

    def _found(self, pattern: str) -> Iterable[Path]:
        """Return the files under the root that match a pattern; hidden files are no data."""
        return image_files.visible(self.root, pattern)

    def _pair(self, names: Iterable[str], images: Collection[str],
              labels: Collection[str]) -> None:
        """Take the names, sorted; each must have an image and labels."""
        self.names = tuple(sorted(names))
        if not self.names:
            raise FileNotFoundError(
                f'{self.root} has no image of {self.title} {self.split}: expected '
                f'{self.image_file(self.any_name)}; unpack {self.image_source} there')
        for what, have, file, source in (
                ('image', images, self.image_file, self.image_source),
                ('labels', labels, self.label_file, self.label_source)):
            missing = [name for name in self.names if name not in have]
            if missing:
                raise FileNotFoundError(
                    f'{self.title} {self.split} is incomplete: {len(missing)} of '
                    f'{len(self.names)} frames have no {what}, the first of them '
                    f'{self.root / file(missing[0])}; unpack {source} into {self.root}')


def grey_codes(pixels: Codes) -> Codes:
    """Return the pixels of a 16-bit grey image; raise ``ValueError`` for any other image."""
    if pixels.dtype != np.uint16 or pixels.ndim != 2:
        raise ValueError(f'it is {pixels.dtype} {pixels.shape}: expected a 16-bit grey PNG of '
                         'instance ids')
    return pixels


def color_codes(pixels: Codes) -> Codes:
    """Return R + G * 256 + B * 65536; raise ``ValueError`` if the pixels are not BGR."""
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        raise ValueError(f'it is {pixels.dtype} {pixels.shape}: expected a colour PNG of three '
                         'channels')
    four = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGBA).view('<u4')[..., 0]
    four &= np.uint32(0xFFFFFF)
    return np.asarray(four)
