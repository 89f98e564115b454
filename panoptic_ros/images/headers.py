"""The sizes that BMP, TIFF and WebP files announce."""

from __future__ import annotations

import struct

from .announcement import Announcement

_TIFF_ORDERS = {b'II*\0': '<', b'MM\0*': '>'}
_TIFF_SIZE = (256, 257)
"""The tags of width and length."""
_TIFF_NUMBERS = {3: 'H2x', 4: 'I'}
"""How a value is kept in its entry, by its type: SHORT, LONG."""


def announce_bmp(data: memoryview) -> Announcement | None:
    """Return what a Windows or OS/2 bitmap announces; None for another file or a cut-off one."""
    if len(data) < 26 or bytes(data[:2]) != b'BM':
        return None
    os2 = int.from_bytes(data[14:18], 'little') == 12
    width, height = struct.unpack_from('<HH' if os2 else '<ii', data, 18)
    return Announcement(width, abs(height))     # a negative height: the first row is the upper one


def announce_tiff(data: memoryview) -> Announcement | None:
    """Return what the first image of a TIFF file announces; None for another file."""
    order = _TIFF_ORDERS.get(bytes(data[:4]))
    if order is None or len(data) < 8:
        return None
    start, = struct.unpack_from(f'{order}I', data, 4)
    size = {}
    try:
        count, = struct.unpack_from(f'{order}H', data, start)
        for number in range(count):
            entry = start + 2 + 12 * number
            tag, kind = struct.unpack_from(f'{order}HH', data, entry)
            if tag in _TIFF_SIZE and kind in _TIFF_NUMBERS:
                size[tag], = struct.unpack_from(order + _TIFF_NUMBERS[kind], data, entry + 8)
    except struct.error:        # an entry outside of the file
        return None
    return Announcement(*(size.get(tag, 0) for tag in _TIFF_SIZE))


def announce_webp(data: memoryview) -> Announcement | None:
    """Return what a WebP file announces; None for another file or a cut-off one."""
    if len(data) < 30 or bytes(data[:4]) != b'RIFF' or bytes(data[8:12]) != b'WEBP':
        return None
    kind = bytes(data[12:16])
    if kind == b'VP8X':         # the canvas
        width, height = (int.from_bytes(data[at:at + 3], 'little') + 1 for at in (24, 27))
    elif kind == b'VP8L':
        both = int.from_bytes(data[21:25], 'little')
        width, height = (both & 0x3FFF) + 1, (both >> 14 & 0x3FFF) + 1
    elif kind == b'VP8 ':
        width, height = (number & 0x3FFF for number in struct.unpack_from('<HH', data, 26))
    else:
        return None
    return Announcement(width, height)
