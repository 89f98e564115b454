"""Pictures and label images in files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from .images import is_cut_off

PICTURE_SUFFIXES = ('.bmp', '.jpeg', '.jpg', '.png', '.tif', '.tiff', '.webp')
"""What the names of pictures end in, in small letters."""


_POINTER = b'version https://git-lfs.github.com/'


def visible(folder: Path, pattern: str) -> Iterator[Path]:
    """
    Yield the paths under a folder that fit a pattern, but for hidden ones.

    What begins with a dot, or lies in a folder that does, is a file system's or a tool's
    (``._x.png``, ``.ipynb_checkpoints``); the folder itself and its parents may be hidden.
    """
    for path in folder.glob(pattern):
        if not any(part.startswith('.') for part in path.relative_to(folder).parts):
            yield path


def find(folder: Path) -> list[Path]:
    """Return the pictures in a folder and the folders in it, but for hidden ones, sorted."""
    return sorted(path for path in visible(folder, '**/*')
                  if path.suffix.lower() in PICTURE_SUFFIXES)


def refuse_pointer(path: str | Path, data: bytes) -> None:
    """Raise ``ValueError`` where a file's bytes are git LFS's pointer to it."""
    if data.startswith(_POINTER):
        raise ValueError(f'{path} is a pointer of git LFS, not the file itself: fetch it with '
                         '`git lfs pull`, or download it')


def read(path: str | Path, flags: int = cv2.IMREAD_COLOR) -> npt.NDArray[Any]:
    """
    Read an image file as its pixels are stored: rotation tags are ignored.

    Labels, calibration and what a camera sends belong to the stored pixels.

    Parameters
    ----------
    path
        The file.
    flags
        OpenCV's: ``IMREAD_COLOR`` for (H, W, 3) uint8 in BGR, ``IMREAD_UNCHANGED`` for what the
        file has.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        It is truncated, no image, or a pointer of git LFS.

    """
    data = Path(path).read_bytes()
    refuse_pointer(path, data)
    if not data or is_cut_off(data):
        raise ValueError(f'{path} is truncated ({len(data)} bytes without an end marker): copy or '
                         'download it again')
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:       # of a size that OpenCV refuses
        pixels = None
    if pixels is None:
        raise ValueError(f'{path} is no image that OpenCV reads: expected one of '
                         f'{", ".join(PICTURE_SUFFIXES)}; remove it, or copy or download it again')
    return np.asarray(pixels)


def write(path: Path, pixels: npt.NDArray[Any]) -> None:
    """
    Write an image file, and make the folder that it is in.

    Raises
    ------
    OSError
        The file cannot be written, or its name ends in nothing that OpenCV writes.

    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        done = cv2.imwrite(str(path), pixels)
    except cv2.error:       # of a name that no encoder knows
        done = False
    if not done:
        raise OSError(f'cannot write {path}: expected the name of a picture, such as sheet.png, a '
                      'folder that may be written, and room on the disk')
