"""
Image messages, read in place from the bytes that DDS carries.

rclpy would copy an image into a message in C, and from there into one in Python.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from ..images import ImageError

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

    header: Header
    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: memoryview


@dataclass
class WireCompressedImage:
    """A ``sensor_msgs/CompressedImage`` whose file is still in the received bytes."""

    header: Header
    format: str
    data: memoryview


Kind = TypeVar('Kind', Image, CompressedImage)

AnyImage: TypeAlias = 'WireImage | Image'
AnyCompressedImage: TypeAlias = 'WireCompressedImage | CompressedImage'


def read_image(message: bytes) -> AnyImage:
    """
    Return a serialised ``sensor_msgs/Image`` without a copy of its pixels.

    Bytes that are not plain CDR are read by the middleware itself.

    Raises
    ------
    ImageError
        The message is cut off, or a text in it is longer than any name.

    """
    if message[:2] not in _ORDERS:
        return _convert(message, Image)
    reader = _Reader(message)
    header = reader.header()
    height, width = reader.number(), reader.number()
    encoding, is_bigendian = reader.text(), reader.byte()
    return WireImage(header, height, width, encoding, is_bigendian, reader.number(),
                     reader.block())


def read_compressed_image(message: bytes) -> AnyCompressedImage:
    """
    Return a serialised ``sensor_msgs/CompressedImage`` without a copy of its file.

    Raises
    ------
    ImageError
        The message is cut off, or a text in it is longer than any name.

    """
    if message[:2] not in _ORDERS:
        return _convert(message, CompressedImage)
    reader = _Reader(message)
    return WireCompressedImage(reader.header(), reader.text(), reader.block())


def _convert(message: bytes, kind: type[Kind]) -> Kind:
    """Let the middleware deserialise a message."""
    try:
        converted: Kind = deserialize_message(message, kind)
    except Exception as error:      # each middleware raises errors of its own
        raise ImageError('wire', f'a message of {len(message)} bytes that begins with '
                                 f'{message[:4].hex()} is no {kind.__name__}: {error}') from error
    return converted


class _Reader:
    """Reads one field after the other of a message in plain CDR."""

    def __init__(self, message: bytes) -> None:
        self._view = memoryview(message)
        self._order = _ORDERS[message[:2]]
        self._position = _START

    def header(self) -> Header:
        header = Header()
        header.stamp.sec = self.number(signed=True)
        header.stamp.nanosec = self.number()
        header.frame_id = self.text()
        return header

    def number(self, signed: bool = False) -> int:
        self._position += -self._position % 4
        value: int = struct.unpack(f'{self._order}{"i" if signed else "I"}', self._take(4))[0]
        return value

    def byte(self) -> int:
        return self._take(1)[0]

    def text(self) -> str:
        block = self.block()
        if len(block) > _LONGEST_TEXT:
            raise ImageError('wire', f'a text of {len(block)} bytes in a message: expected '
                                     f'{_LONGEST_TEXT} at most')
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
