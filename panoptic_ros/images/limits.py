"""How much work one image may ask for, known before it is decoded."""

from __future__ import annotations

from dataclasses import dataclass

from .announcement import Announcement
from .errors import ImageError

MAX_PIXELS = 8192 * 4320
"""The largest image that is taken unless somebody says otherwise: DCI 8K, 35 megapixels."""

_EXTRA = 1 << 16
"""Bytes that even one pixel may take: tables, check sums."""


@dataclass(frozen=True)
class Limits:
    """
    What an image may be.

    A scan of 8192x4320 pixels costs 0.04 s of a desktop's core, however empty it is, and the
    usual encoders write 10 at most. Uncompressed, 16 bits for each of four channels are 8 bytes.
    """

    pixels: int = MAX_PIXELS
    """The largest area."""
    scans: int = 32
    """The most scans of a JPEG."""
    bytes_per_pixel: int = 16
    """The most compressed bytes for a pixel, on the average."""

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
            What it announces is out of range.

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
