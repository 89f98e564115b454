"""
The chunks of a PNG file: its size, where it ends, and its pixels alone.

libpng inflates all that a file has, also texts, colour profiles, and data behind the last pixel.
400 kB of texts and profiles take a second, and a megabyte behind the last pixel inflates to a
gigabyte.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace

from .announcement import Announcement
from .errors import ImageError

MAGIC = b'\x89PNG\r\n\x1a\n'

_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
"""Samples of a pixel, by the file's colour type ..."""
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
"""... and the bits that a sample may have; with others, pixels would seem to take gigabytes."""
_DEFLATE_RATIO = 1032
"""The most bytes that one compressed byte can become: two bits can mean a run of 258 bytes."""
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
          (0, 1, 1, 2))
"""The passes of an interlaced image: first column and row, steps between columns and rows."""
_MOST_CHUNKS = 1 << 16
"""No usual file has more; the limit bounds the time of the walk."""


def announce(data: memoryview) -> Announcement | None:
    """
    Walk from chunk to chunk.

    Returns
    -------
    Announcement | None
        None when the file does not begin with a header of the format.

    """
    header = _header(data)
    if header is None:
        return None
    coded = 0
    for kind, content, end in _chunks(data):
        if kind == b'IDAT':
            coded += len(content)
        elif kind == b'IEND':
            return replace(header, coded=coded, end=end)
    # The end is not where the chunks lead: the file is damaged, and the decoder will say so.
    return replace(header, complete=bytes(data[-12:-4]) == b'\0\0\0\0IEND')


def pixels_only(data: memoryview) -> bytes:
    """
    Return a file of the same pixels and nothing else, in which they are stored uncompressed.

    Raises
    ------
    ImageError
        The pixels are damaged, or there are fewer or more than the header announces.

    """
    kept: list[tuple[bytes, bytes]] = []
    parts = []
    for kind, content, end in _chunks(data):
        if kind == b'IDAT':         # the pixels have a check sum of their own
            parts.append(content)
        elif kind in (b'IHDR', b'PLTE', b'tRNS') and not parts:
            if data[end - 4:end] != zlib.crc32(content, zlib.crc32(kind)).to_bytes(4, 'big'):
                raise ImageError('decode', f'the chunk {kind.decode()} of the PNG is damaged')
            kept.append((kind, bytes(content)))
    size = _inflated_size(data)
    inflate = zlib.decompressobj()
    try:
        raw = inflate.decompress(b''.join(parts), size + 1)
    except zlib.error as error:
        raise ImageError('decode', f'the pixels of the PNG are damaged ({error})') from error
    if len(raw) > size:
        raise ImageError('inflate', f'the PNG inflates to more than the {size} bytes that its '
                                    'pixels take')
    if len(raw) < size or not inflate.eof:
        raise ImageError('decode', f'the pixels of the PNG are damaged: {len(raw)} bytes of '
                                   f'{size}, or no check sum')
    return MAGIC + b''.join(_chunk(kind, content) for kind, content in (
        *kept, (b'IDAT', zlib.compress(raw, 0)), (b'IEND', b'')))


def _header(data: memoryview) -> Announcement | None:
    if (len(data) < 33 or bytes(data[12:16]) != b'IHDR'
            or data[24] not in _DEPTHS.get(data[25], ())):
        return None
    width, height = (int.from_bytes(data[at:at + 4], 'big') for at in (16, 20))
    return Announcement(width, height, data[24], least=_inflated_size(data) // _DEFLATE_RATIO)


def _inflated_size(data: memoryview) -> int:
    """Return the bytes of all rows, each with the byte that names its filter."""
    width, height = (int.from_bytes(data[at:at + 4], 'big') for at in (16, 20))
    pixel = data[24] * _CHANNELS[data[25]]
    passes = _ADAM7 if data[28] else ((0, 0, 1, 1),)
    columns_rows = (((width - x + dx - 1) // dx, (height - y + dy - 1) // dy)
                    for x, y, dx, dy in passes)
    return sum(rows * (1 + (columns * pixel + 7) // 8)
               for columns, rows in columns_rows if columns > 0 and rows > 0)


def _chunks(data: memoryview) -> Iterator[tuple[bytes, memoryview, int]]:
    """Yield kind, content and end of every whole chunk."""
    position = len(MAGIC)
    for _ in range(_MOST_CHUNKS):
        start = position + 8
        end = start + int.from_bytes(data[position:position + 4], 'big') + 4
        if start > len(data) or end > len(data):
            return
        yield bytes(data[position + 4:start]), data[start:end - 4], end
        position = end


def _chunk(kind: bytes, content: bytes) -> bytes:
    return b''.join((len(content).to_bytes(4, 'big'), kind, content,
                     zlib.crc32(content, zlib.crc32(kind)).to_bytes(4, 'big')))
