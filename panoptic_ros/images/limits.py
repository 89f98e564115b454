"""How much work one image may ask for, known before it is decoded."""

from __future__ import annotations

from dataclasses import dataclass

from .announcement import Announcement
from .errors import ImageError

MAX_PIXELS = 8192 * 4320
"""Pixels of the largest image that is taken by default: DCI 8K, 35 megapixels."""

_EXTRA = 1 << 16
"""Bytes that a file may have besides its pixels: tables, check sums."""


@dataclass(frozen=True)
class Limits:
    """
    The largest image, and the most work for it, that are accepted.

    A scan of 8192x4320 pixels costs 0.04 s of a desktop's core, however empty it is, and the
    usual encoders write 10 scans at most. An uncompressed pixel of four channels of 16 bits has
    8 bytes.
    """

    pixels: int = MAX_PIXELS
    """The most pixels."""
    scans: int = 32
    """The most scans of a JPEG."""
    bytes_per_pixel: int = 16
    """The most compressed bytes per pixel, on average."""

    def check_size(self, width: int, height: int) -> None:
        """
        Refuse an image of no pixels and one of too many.

        Raises
        ------
        ImageError
            The size is out of range; the text names the limit.

        """
        if width < 1 or height < 1:
            raise ImageError('empty', f'the image is {width}x{height}: expected at least one '
                                      'pixel')
        if width * height > self.pixels:
            raise ImageError('size', f'the image is {width}x{height}: expected at most '
                                     f'{self.pixels} pixels (max_pixels)')

    def check(self, file: Announcement) -> None:
        """
        Refuse a file that asks for too much work, or is too short for its size.

        Raises
        ------
        ImageError
            What the file announces is out of range.

        """
        self.check_size(file.width, file.height)
        size = f'{file.width}x{file.height} pixels'
        if file.scans > self.scans:
            raise ImageError('work', f'the JPEG has {file.scans} scans or more: expected at most '
                                     f'{self.scans}; write it baseline')
        most = self.bytes_per_pixel * file.width * file.height + _EXTRA
        if file.coded is None or not file.complete:
            return
        if file.coded > most:
            raise ImageError('work', f'{file.coded} bytes hold {size}: expected at most {most}')
        if file.coded < file.least:
            raise ImageError('short', f'{file.coded} bytes hold {size}: expected at least '
                                      f'{file.least}, so the image is truncated')
