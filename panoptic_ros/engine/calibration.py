"""The images that decide the scales of int8 activations."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..images import files as image_files
from .fitting import check_image, fit

LIMIT = 64
"""The number of images that are used unless a caller asks for fewer."""


@dataclass(frozen=True, eq=False)
class CalibrationImages:
    """A few images, evenly spaced over a recording, at the network's resolution."""

    images: tuple[npt.NDArray[np.uint8], ...]
    """The images, each (H, W, 3) uint8, BGR."""

    def __iter__(self) -> Iterator[npt.NDArray[np.uint8]]:
        return iter(self.images)

    def __len__(self) -> int:
        return len(self.images)

    @property
    def sha256(self) -> str:
        """Hash over all pixels."""
        digest = hashlib.sha256()
        for image in self.images:
            digest.update(image.tobytes())
        return digest.hexdigest()

    @classmethod
    def from_images(cls, images: Iterable[npt.NDArray[np.uint8]], size: tuple[int, int],
                    limit: int = LIMIT, total: int | None = None,
                    padding: tuple[int, ...] = ()) -> CalibrationImages:
        """
        Choose images from a recording.

        Parameters
        ----------
        images
            (H, W, 3) uint8, BGR, of any size.
        size
            (height, width) of the network's input.
        limit
            Largest number of images to keep.
        total
            Number of images, if it is known.  If it is None, between half of ``limit`` and
            ``limit`` images are kept.
        padding
            ``ModelMetadata.padding`` of the network.

        Raises
        ------
        ValueError
            There is no image, an image is of another kind, or ``limit`` is not positive.

        """
        _check_limit(limit)
        wanted = None if total is None else _spread(total, limit)
        kept: list[npt.NDArray[np.uint8]] = []
        step = 1
        for index, image in enumerate(images):
            if wanted is not None:
                if index in wanted:
                    kept.append(_fitted(image, size, padding))
            elif index % step == 0:
                if len(kept) == limit:
                    kept = kept[::2]
                    step *= 2
                    if index % step:
                        continue
                kept.append(_fitted(image, size, padding))
        if not kept:
            raise ValueError('no image to calibrate with: give a recording or a folder that has '
                             'some')
        return cls(tuple(kept))

    @classmethod
    def from_folder(cls, folder: Path, size: tuple[int, int], limit: int = LIMIT,
                    padding: tuple[int, ...] = ()) -> CalibrationImages:
        """
        Choose from the pictures in a folder and its subfolders, in order of their paths.

        Raises
        ------
        FileNotFoundError
            There is no such folder.
        ValueError
            The folder holds no picture, a picture cannot be decoded, or ``limit`` is not
            positive.

        """
        _check_limit(limit)
        if not folder.is_dir():
            raise FileNotFoundError(f'no folder {folder}: give one with pictures such as the '
                                    'camera takes')
        paths = image_files.find(folder)
        if not paths:
            raise ValueError(f'{folder} holds no pictures: expected files that end in '
                             f'{", ".join(image_files.PICTURE_SUFFIXES)}')
        chosen = _spread(len(paths), limit)
        return cls.from_images((image_files.read(paths[n]) for n in sorted(chosen)), size, limit,
                               len(chosen), padding)


def _check_limit(limit: int) -> None:
    if limit < 1:
        raise ValueError(f'{limit} calibration images: expected at least 1')


def _spread(total: int, limit: int) -> set[int]:
    """Return at most ``limit`` indices, evenly spaced from the first to the last of ``total``."""
    return set(np.linspace(0, total - 1, min(total, limit)).round().astype(int).tolist())


def _fitted(image: npt.NDArray[np.uint8], size: tuple[int, int],
            padding: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """Return an image at the network's size; it may share the memory of the given one."""
    check_image(image, 'a calibration image')
    return np.ascontiguousarray(fit(image, size, padding))
