"""The markers of a JPEG file (ITU-T T.81): its size, its scans, and where it ends."""

from __future__ import annotations

import re
from dataclasses import replace

from .announcement import Announcement
from .errors import ImageError

MAGIC = b'\xff\xd8\xff'

_MARKER = re.compile(rb'\xff[\xc0-\xcf\xd8-\xfe]')
"""
Where something begins: in compressed pixels 0xFF is followed by 0x00, or by the number of a
restart; more of 0xFF are padding.  What lies below 0xC0 is no segment: a decoder that meets it in
pixels goes on to the next marker, whatever length seems to follow.
"""

_START, _END, _SCAN = 0xD8, 0xD9, 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers that begin a frame and so say its size."""
_PROGRESSIVE = 0xC2
_CODED_BITS = {0xC0: 2, 0xC1: 2, _PROGRESSIVE: 1}
"""
The fewest bits of a block of 8x8 samples, by the kind of frame.

No Huffman code is shorter than a bit. A sequential block has two codes, one for its mean and one
for the end of the block; a progressive one has a code for its mean, and may share the rest with
its neighbours.
"""

_MOST_SEGMENTS = 4096
"""More are no picture's; it bounds the time that the walk takes."""

_PIECE = 1 << 20
"""Bytes that are searched at once, 30 ms at most."""


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
        The frame is arithmetic, lossless or hierarchical, whose work cannot be foreseen.

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
        if marker in (_START, _END):        # another image begins: this one has no end
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
    """Search in pieces: a search holds the interpreter, for which other cameras would wait."""
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
