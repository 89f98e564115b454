"""The markers of a JPEG file (ITU-T T.81): its size, its scans, and where it ends."""

from __future__ import annotations

import re
from dataclasses import replace

from .announcement import Announcement
from .errors import ImageError

MAGIC = b'\xff\xd8\xff'

_MARKER = re.compile(rb'\xff[\xc0-\xcf\xd8-\xfe]')
"""
Where a segment begins.  Within compressed pixels, 0xFF is followed by 0x00, by the number of a
restart, or by further 0xFF as padding.  A marker below 0xC0 begins no segment: a decoder that
meets one within pixels goes on to the next marker, whatever length seems to follow.
"""

_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers that begin a frame, which tells its size."""
_PROGRESSIVE = 0xC2
_CODED_BITS = {0xC0: 2, 0xC1: 2, _PROGRESSIVE: 1}
"""
The fewest bits of a block of 8x8 samples, by the kind of frame.

No Huffman code is shorter than a bit. A sequential block has two codes, one for its mean and one
for the end of the block. A progressive block has a code for its mean, and may share the rest with
its neighbours.
"""

_MOST_SEGMENTS = 4096
"""No usual file has more; the limit bounds the time of the walk."""

_PIECE = 1 << 20
"""Bytes that are searched at once, which takes 30 ms at most."""


def announce(data: memoryview) -> Announcement | None:
    """
    Walk from marker to marker, over thumbnails and compressed pixels.

    Returns
    -------
    Announcement | None
        None when no frame announces a size.

    Raises
    ------
    ImageError
        The frame is arithmetic, lossless or hierarchical: the work of decoding it is unknown.

    """
    frame: Announcement | None = None
    scans, coded, scan_start = 0, 0, None
    position = len(MAGIC) - 1
    for _ in range(_MOST_SEGMENTS):
        found = _next_marker(data, position)
        if found is None:
            break
        if scan_start is not None:
            coded, scan_start = coded + found.start() - scan_start, None
        position = found.end()
        marker = data[position - 1]
        if marker in (_START, _END):        # another image begins, so this one has no end
            if frame is None:
                return None
            return replace(frame, scans=scans, coded=coded, end=position,
                           complete=marker == _END and scans > 0)
        segment = data[position:position + int.from_bytes(data[position:position + 2], 'big')]
        if len(segment) < 2:
            break
        if marker in _FRAMES and frame is None:
            frame = _read_frame(marker, segment)
        position += len(segment)
        if marker == _SCAN:
            scans, scan_start = scans + 1, position
    return replace(frame, scans=scans, complete=False) if frame else None


def _next_marker(data: memoryview, position: int) -> re.Match[bytes] | None:
    """Search in pieces: a search holds the interpreter's lock, and other cameras would wait."""
    for start in range(position, len(data), _PIECE):
        # a marker may begin in one piece and end in the next
        if found := _MARKER.search(data, start, start + _PIECE + 1):
            return found
    return None


def _read_frame(marker: int, segment: memoryview) -> Announcement | None:
    if len(segment) < 8 or len(segment) < 8 + 3 * segment[7]:
        return None
    if marker not in _CODED_BITS:
        raise ImageError('decode', f'a JPEG of the rare kind SOF{marker - 0xC0}: publish baseline '
                                   'or progressive JPEG')
    height, width = (int.from_bytes(segment[at:at + 2], 'big') for at in (3, 5))
    # how finely each component is sampled, across and down
    factors = [(max(1, segment[at] >> 4), max(1, segment[at] & 15))
               for at in range(9, 8 + 3 * segment[7], 3)]
    widest, highest = (max((factor[axis] for factor in factors), default=1) for axis in (0, 1))
    blocks = sum(_ceil(_ceil(width * across, widest), 8) * _ceil(_ceil(height * down, highest), 8)
                 for across, down in factors)
    return Announcement(width, height, segment[2], least=_ceil(_CODED_BITS[marker] * blocks, 8))


def _ceil(number: int, divisor: int) -> int:
    return -(-number // divisor)
