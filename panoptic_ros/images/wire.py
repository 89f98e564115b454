"""
Image messages, read in place from the bytes that DDS carries: plain CDR.

A library of messages would copy an image at least once on the way into a message of its own.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from .errors import ImageError

NewHeader: TypeAlias = Callable[[int, int, str], Any]

_ORDERS = {b'\0\0': '>', b'\0\1': '<'}
"""
Byte orders of plain CDR, by the first two bytes of the encapsulation.

The next two bytes are options without a meaning.
"""

_LONGEST_TEXT = 1024
"""Most bytes of a text, because errors quote it in the log and in diagnostics."""

_START = 4
"""Bytes of the encapsulation; the alignment of fields is counted from its end."""


@dataclass
class WireImage:
    """A ``sensor_msgs/Image`` whose pixels are still in the received bytes."""

    header: Any
    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: memoryview


@dataclass
class WireCompressedImage:
    """A ``sensor_msgs/CompressedImage`` whose file is still in the received bytes."""

    header: Any
    format: str
    data: memoryview


def is_plain(data: bytes) -> bool:
    """Return whether a serialised message is plain CDR, which alone can be read in place."""
    return data[:2] in _ORDERS


def read_image(data: bytes, new_header: NewHeader) -> WireImage:
    """
    Return a serialised ``sensor_msgs/Image`` without a copy of its pixels.

    Parameters
    ----------
    data
        The message in plain CDR.
    new_header
        Makes the ``std_msgs/Header`` of seconds, nanoseconds and frame id.

    Raises
    ------
    ImageError
        The message is cut off, or a text in it is longer than any name.

    """
    reader = _Reader(data)
    header = reader.header(new_header)
    height, width = reader.number(), reader.number()
    encoding, is_bigendian = reader.text(), reader.byte()
    return WireImage(header, height, width, encoding, is_bigendian, reader.number(),
                     reader.block())


def read_compressed_image(data: bytes, new_header: NewHeader) -> WireCompressedImage:
    """
    Return a serialised ``sensor_msgs/CompressedImage`` without a copy of its file.

    Parameters and errors are those of ``read_image``.
    """
    reader = _Reader(data)
    return WireCompressedImage(reader.header(new_header), reader.text(), reader.block())


def check_texts(*texts: str) -> None:
    """
    Refuse texts of a message that another library read.

    Raises
    ------
    ImageError
        One is longer than any name.

    """
    for text in texts:
        _check_length(len(text.encode(errors='replace')))


def _check_length(size: int) -> None:
    if size > _LONGEST_TEXT:
        raise ImageError('wire', f'a text of {size} bytes in a message: expected {_LONGEST_TEXT} '
                                 'at most')


class _Reader:
    """Reads one field after the other of a message in plain CDR."""

    def __init__(self, data: bytes) -> None:
        self._view = memoryview(data)
        self._order = _ORDERS[data[:2]]
        self._position = _START

    def header(self, new_header: NewHeader) -> Any:
        return new_header(self.number(signed=True), self.number(), self.text())

    def number(self, signed: bool = False) -> int:
        self._position += -self._position % 4
        value: int = struct.unpack(f'{self._order}{"i" if signed else "I"}', self._take(4))[0]
        return value

    def byte(self) -> int:
        return self._take(1)[0]

    def text(self) -> str:
        block = self.block()
        _check_length(len(block))
        return block.tobytes().removesuffix(b'\0').decode(errors='replace')

    def block(self) -> memoryview:
        return self._take(self.number())

    def _take(self, size: int) -> memoryview:
        end = self._position + size
        if end > len(self._view):
            raise ImageError('wire', f'a message of {len(self._view)} bytes has a field that ends '
                                     f'at byte {end}: the message is cut off')
        taken, self._position = self._view[self._position:end], end
        return taken
