"""Image files in memory to arrays and back, with bounded work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from . import headers, jpeg, png
from .announcement import Announcement
from .errors import ImageError
from .limits import Limits

Announcer = Callable[[memoryview], 'Announcement | None']

CAMERA_FILES: tuple[tuple[bytes, Announcer], ...] = (
    (jpeg.MAGIC, jpeg.announce), (png.MAGIC, png.announce))
"""The formats that cameras send: the first bytes of a file, and what reads its header."""

PICTURE_FILES: tuple[tuple[bytes, Announcer], ...] = (
    *CAMERA_FILES, (b'BM', headers.announce_bmp), (b'RIFF', headers.announce_webp),
    (b'II*\0', headers.announce_tiff), (b'MM\0*', headers.announce_tiff))
"""The formats that are read from disk, in the same form."""

_JPEG_SIDE = 65500
"""The longest side that libjpeg writes."""


def decode(data: memoryview, flags: int | None = None, limits: Limits | None = None,
           files: Sequence[tuple[bytes, Announcer]] = CAMERA_FILES,
           name: str = '') -> npt.NDArray[Any]:
    """
    Decode an image file. Only the image is read, nothing behind it or beside it in the file.

    Rotation tags are ignored: labels and calibration belong to the stored pixels.

    Parameters
    ----------
    data
        The file.
    flags
        OpenCV's flags: ``IMREAD_COLOR`` for (H, W, 3) uint8 in BGR, ``IMREAD_UNCHANGED`` for the
        array that the file holds. None reads a file of more than 8 bits as it is, and any other as
        BGR.
    limits
        A file beyond them is refused before it is decoded.
    files
        The formats that are taken.
    name
        How an error calls the data.

    Returns
    -------
    (H, W), (H, W, 3) or (H, W, 4) uint8 or uint16 in BGR.

    Raises
    ------
    ImageError
        The data have none of the formats, break a limit, are cut off, or are damaged.

    """
    name = name or f'{len(data)} bytes'
    start = bytes(data[:8])
    file = next((announce(data) for magic, announce in files if start.startswith(magic)), None)
    if file is None:
        raise _undecodable(name)
    (limits or Limits()).check(file)
    if not file.complete:
        raise ImageError('data', f'{name} without the end marker: the image is truncated')
    data = data[:file.end]
    if start == png.MAGIC:
        try:
            data = memoryview(png.pixels_only(data))
        except ImageError as error:
            if error.kind != 'decode':
                raise
            raise _undecodable(name) from error
    if flags is None:
        flags = cv2.IMREAD_UNCHANGED if file.bits > 8 else cv2.IMREAD_COLOR
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8),
                              flags | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise _undecodable(name) from error
    if pixels is None:
        raise _undecodable(name)
    return np.asarray(pixels)


def encode(pixels: npt.NDArray[Any], extension: str,
           flags: Sequence[int] = ()) -> npt.NDArray[np.uint8]:
    """
    Return the bytes of an image file that holds the pixels, as an array (N,) uint8.

    Raises
    ------
    ValueError
        OpenCV has no such encoder, or the format holds no image of that size.

    """
    if extension == '.jpg' and max(pixels.shape[:2]) > _JPEG_SIDE:
        raise ValueError(f'an image of {pixels.shape[1]}x{pixels.shape[0]} cannot become a JPEG: '
                         f'expected sides of {_JPEG_SIDE} pixels at most; take a PNG or the raw '
                         'image')
    try:
        done, data = cv2.imencode(extension, pixels, flags)
    except cv2.error:       # of a name that no encoder knows
        done = False
    if not done:
        raise ValueError(f'OpenCV cannot encode {pixels.dtype} {pixels.shape} as {extension}: '
                         'install an OpenCV with that codec')
    return np.asarray(data, np.uint8).ravel()


def _undecodable(name: str) -> ImageError:
    return ImageError('decode', f'{name} are no image: publish JPEG or PNG')
