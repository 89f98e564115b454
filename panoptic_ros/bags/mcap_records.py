"""The records of an MCAP file, in the layout of the specification."""

from __future__ import annotations

import struct
from binascii import crc32
from collections.abc import Iterator
from typing import NamedTuple

import yaml
from rosbags.rosbag2.storage_mcap import DECOMPRESSORS

MAGIC = b'\x89MCAP0\r\n'

HEADER, FOOTER, SCHEMA, CHANNEL, MESSAGE, CHUNK = range(1, 7)
CHUNK_INDEX, STATISTICS = 8, 11

HEAD = struct.Struct('<BQ')
"""The head of each record: its kind and its length."""

MESSAGE_HEAD = struct.Struct('<HIQQ')
"""Channel, sequence number, time of receipt, time of publication."""

_LARGEST_CHUNK = 1 << 30
"""The most bytes that a chunk may claim to hold."""


class DamageError(ValueError):
    """The bytes are not those of whole records."""


class Channel(NamedTuple):
    """A topic of one type, as one publisher or recorder declared it."""

    topic: str
    schema: int
    encoding: str
    """Encoding of its messages: ``cdr`` in ROS 2."""
    latched: bool


class ChunkIndex(NamedTuple):
    """A chunk's place and content, as the summary tells them."""

    start: int
    """Time of its first message."""
    offset: int
    length: int
    """Bytes of its record with the head."""
    end: int
    """Where its message index ends."""
    messages: int
    """Number of entries of its message index."""


class Statistics(NamedTuple):
    """What the summary announces."""

    messages: int
    chunks: int
    counts: dict[int, int]
    """Number of messages by channel."""


class Fields:
    """The fields of a record, one after the other."""

    def __init__(self, data: bytes | memoryview) -> None:
        self._data = memoryview(data)
        self._at = 0

    def numbers(self, layout: str) -> tuple[int, ...]:
        """Return the next integers, in a layout of ``struct``."""
        try:
            found = struct.unpack_from(f'<{layout}', self._data, self._at)
        except struct.error as error:
            raise DamageError('a record is shorter than its fields') from error
        self._at += struct.calcsize(f'<{layout}')
        return found

    def blob(self, layout: str = 'I') -> memoryview:
        """Return the next bytes; their number stands before them."""
        size, = self.numbers(layout)
        if self._at + size > len(self._data):
            raise DamageError('a record is shorter than its fields')
        self._at += size
        return self._data[self._at - size:self._at]

    def text(self) -> str:
        """Return the next text."""
        return str(self.blob(), 'utf-8', 'replace')

    def __bool__(self) -> bool:
        return self._at < len(self._data)


def records(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """
    Yield the kind and the content of each record.

    Raises
    ------
    DamageError
        A record is longer than the data.

    """
    at = 0
    while at < len(data):
        if at + HEAD.size > len(data):
            raise DamageError('a record is cut off')
        kind, size = HEAD.unpack_from(data, at)
        at += HEAD.size
        if at + size > len(data):
            raise DamageError('a record is cut off')
        yield kind, data[at:at + size]
        at += size


def channel(data: memoryview) -> tuple[int, Channel]:
    """Return a channel and its number."""
    fields = Fields(data)
    number, schema = fields.numbers('HH')
    topic, encoding = fields.text(), fields.text()
    described = Fields(fields.blob())
    texts = {}
    while described:
        key = described.text()
        texts[key] = described.text()
    return number, Channel(topic, schema, encoding,
                           is_latched(texts.get('offered_qos_profiles', '')))


def is_latched(profiles: object) -> bool:
    """Tell whether a publisher was transient local, by what rosbag2 wrote of its QoS."""
    if isinstance(profiles, str):
        if 'durability' not in profiles:
            return False
        try:
            profiles = yaml.safe_load(profiles)
        except (yaml.YAMLError, RecursionError, ValueError):
            return False        # the messages are good all the same
    return isinstance(profiles, list) and any(
        isinstance(profile, dict) and profile.get('durability') in (1, 'transient_local')
        for profile in profiles)


def schema(data: memoryview) -> tuple[int, str]:
    """Return the name of a message type and its number."""
    fields = Fields(data)
    number, = fields.numbers('H')
    return number, fields.text()


def chunk(data: memoryview) -> memoryview:
    """
    Return the records of a chunk, unpacked.

    Raises
    ------
    DamageError
        The chunk cannot be unpacked, or is larger than any recorder makes it.

    """
    fields = Fields(data)
    _, _, size, checksum = fields.numbers('QQQI')
    compression, packed = fields.text(), fields.blob('Q')
    if compression not in DECOMPRESSORS:
        raise DamageError(f'chunks are compressed with {compression!r}: expected lz4 or zstd')
    if size > _LARGEST_CHUNK:
        raise DamageError(f'a chunk claims to hold {size} bytes: expected {_LARGEST_CHUNK} at '
                          'most')
    try:
        unpacked = DECOMPRESSORS[compression](bytes(packed), size)
    except Exception as error:      # errors of the compression libraries
        raise DamageError(f'a chunk cannot be unpacked: {error}') from error
    if len(unpacked) != size:
        raise DamageError(f'a chunk holds {len(unpacked)} bytes in place of {size}')
    if checksum and crc32(unpacked) != checksum:
        raise DamageError('a chunk is not what its check sum says')
    return memoryview(unpacked)


def chunk_index(data: memoryview) -> ChunkIndex:
    """Return where a chunk lies."""
    fields = Fields(data)
    start, _, offset, length = fields.numbers('QQQQ')
    channels = len(fields.blob()) // struct.calcsize('<HQ')
    size, = fields.numbers('Q')
    # the index of a channel is a record: its number, a length, and 16 bytes per message
    return ChunkIndex(start, offset, length, offset + length + size,
                      (size - 15 * channels) // 16 if channels else 0)


def statistics(data: memoryview) -> Statistics:
    """Return what the summary announces."""
    fields = Fields(data)
    messages, _, _, _, _, chunks, _, _ = fields.numbers('QHIIIIQQ')
    counts = fields.blob()
    if len(counts) % 10:
        raise DamageError('the statistics are cut off')
    return Statistics(messages, chunks, dict(struct.iter_unpack('<HQ', counts)))
