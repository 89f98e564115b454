"""
One MCAP file: its topics, and its messages in order of time.

The library reads only messages that an index names, and nothing of a file that was cut off. Here
the index only tells where chunks lie, and only if it agrees with the summary's statistics.
Otherwise the file is read through from its beginning.
"""

from __future__ import annotations

import heapq
import os
from collections import Counter
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from . import mcap_records as mcap
from .mcap_records import DamageError
from .stored import ForeignError, StoredMessage, StoredTopic

_PLAIN = 1 << 20
"""Bytes of messages outside chunks that are read at once."""

_FOOTER = 9 + 20 + len(mcap.MAGIC)


class _Stretch(NamedTuple):
    """Records that are read together: a chunk, or messages outside of chunks."""

    start: int
    """Time of the earliest message."""
    offset: int
    length: int


class McapFile:
    """
    An open MCAP file.

    Parameters
    ----------
    path
        The file.
    salvage
        Whether to read a file that was cut off, as far as it is whole.

    Raises
    ------
    DamageError
        The file is cut off or damaged.
    ForeignError
        It holds no messages of ROS 2.

    """

    def __init__(self, path: Path, salvage: bool = False) -> None:
        self.path = path
        self.warnings: list[str] = []
        self._file = path.open('rb')
        try:
            self._size = os.fstat(self._file.fileno()).st_size
            self._schemas: dict[int, str] = {}
            self._channels: dict[int, mcap.Channel] = {}
            self._stretches: list[_Stretch] = []
            self._counts: Counter[int] = Counter()
            self._begin()
            self._open(salvage)
        except BaseException:
            self.close()
            raise
        self.topics = tuple(
            StoredTopic(channel.topic, self._schemas.get(channel.schema, ''), self._counts[number],
                        channel.latched, channel.encoding)
            for number, channel in self._channels.items())
        self.start = min((stretch.start for stretch in self._stretches), default=0)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def messages(self, topics: Collection[tuple[str, str]],
                 part: tuple[int, int] | None = None) -> Iterator[StoredMessage]:
        """Yield the messages of topics, in order of time; see ``StoredFile``."""
        chosen = {number: channel.topic for number, channel in self._channels.items()
                  if (channel.topic, self._schemas.get(channel.schema, '')) in topics}
        waiting: list[tuple[int, int, str, bytes]] = []
        order = 0       # keeps the order of messages of the same time
        for stretch in sorted(self._stretches):
            if part and (stretch.start >= part[1]
                         or part[0] > (self._end_of(stretch) or part[0])):
                continue
            while waiting and waiting[0][0] < stretch.start:
                time, _, topic, data = heapq.heappop(waiting)
                yield StoredMessage(time, topic, data)
            for kind, content in self._read(stretch):
                if kind != mcap.MESSAGE:
                    continue
                number, _, time, _ = mcap.MESSAGE_HEAD.unpack_from(content)
                if time < stretch.start:
                    raise DamageError('its index tells wrong times')
                if number in chosen:
                    order += 1
                    heapq.heappush(waiting, (time, order, chosen[number],
                                             bytes(content[mcap.MESSAGE_HEAD.size:])))
        while waiting:
            time, _, topic, data = heapq.heappop(waiting)
            yield StoredMessage(time, topic, data)

    def _begin(self) -> None:
        """Read the header."""
        if not self._size:
            raise DamageError('it is empty')
        head = self._at(0, min(self._size, len(mcap.MAGIC) + mcap.HEAD.size))
        if not head.startswith(mcap.MAGIC):
            raise DamageError(f'it begins with {head[:8]!r}')
        for kind, offset, length in self._walk():
            if kind != mcap.HEADER:
                raise DamageError('it has no header')
            profile = mcap.Fields(self._at(offset, length)).text()
            if profile == 'ros1':
                raise ForeignError('it holds messages of ROS 1 (profile ros1): convert the .bag '
                                   'that it was made of, `rosbags-convert --src X.bag --dst X`')
            return

    def _open(self, salvage: bool) -> None:
        announced, chunks, whole = self._summary()
        if announced and self._agree(announced, chunks):
            self._counts.update(announced.counts)
            self._stretches = [_Stretch(*index[:3]) for index in chunks if index.messages]
            return
        fault = self._scan()
        found = sum(self._counts.values())
        if not whole and fault is None:
            fault = 'it has no end'
        if fault is not None:
            words = f'{fault}; {found} whole messages are in it'
            if not salvage:
                raise DamageError(words)
            self.warnings.append(f'{self.path} is cut off or damaged: {words}')
        elif announced and announced.counts != {k: v for k, v in self._counts.items() if v}:
            self.warnings.append(
                f'{self.path}: its summary announces {announced.messages} messages and {found} '
                'are in it; all of these are read')

    def _agree(self, announced: mcap.Statistics, chunks: list[mcap.ChunkIndex]) -> bool:
        """Tell whether statistics, index and file agree on the messages."""
        declared = {number for number, channel in self._channels.items()
                    if channel.schema in {0, *self._schemas}}
        # a summary may leave out channels that the chunks declare
        if not chunks or len(chunks) != announced.chunks \
                or not announced.counts.keys() <= declared:
            return False
        if not (sum(index.messages for index in chunks) == announced.messages
                == sum(announced.counts.values())):
            return False
        at = len(mcap.MAGIC)
        try:
            for index in sorted(chunks, key=lambda index: index.offset):
                if self._holds_messages(at, index.offset):
                    return False
                at = index.end
            return not self._holds_messages(at, self._size)
        except DamageError:
            return False

    def _holds_messages(self, begin: int, end: int) -> bool:
        return any(kind in (mcap.CHUNK, mcap.MESSAGE) for kind, _, _ in self._walk(begin, end))

    def _summary(self) -> tuple[mcap.Statistics | None, list[mcap.ChunkIndex], bool]:
        """Return the statistics, the chunk index, and whether the file has its end."""
        chunks: list[mcap.ChunkIndex] = []
        announced = None
        tail = self._at(max(0, self._size - _FOOTER), min(self._size, _FOOTER))
        if not tail.endswith(mcap.MAGIC) or tail[0] != mcap.FOOTER:
            return None, [], False
        start, _ = mcap.Fields(tail[mcap.HEAD.size:]).numbers('QQ')
        end = self._size - _FOOTER
        if 0 < start <= end:
            try:
                for kind, content in mcap.records(memoryview(self._at(start, end - start))):
                    if kind == mcap.CHUNK_INDEX:
                        chunks.append(mcap.chunk_index(content))
                    elif kind == mcap.STATISTICS:
                        announced = mcap.statistics(content)
                    else:
                        self._learn(kind, content)
            except DamageError as error:
                self.warnings.append(f'{self.path}: its summary is damaged ({error}); the file is '
                                     'looked through')
                return None, [], True
        return announced, chunks, True

    def _scan(self) -> str | None:
        """Read through the whole file; return what cut it off, if anything did."""
        plain: _Stretch | None = None
        try:
            for kind, offset, length in self._walk():
                begin = offset - mcap.HEAD.size
                if kind == mcap.CHUNK:
                    self._scan_chunk(begin, length + mcap.HEAD.size)
                elif kind == mcap.MESSAGE:
                    number, _, time, _ = mcap.MESSAGE_HEAD.unpack(
                        self._at(offset, mcap.MESSAGE_HEAD.size))
                    self._counts[number] += 1
                    if plain and begin == plain.offset + plain.length < plain.offset + _PLAIN:
                        plain = plain._replace(start=min(plain.start, time),
                                               length=plain.length + mcap.HEAD.size + length)
                        self._stretches[-1] = plain
                    else:
                        plain = _Stretch(time, begin, mcap.HEAD.size + length)
                        self._stretches.append(plain)
                elif kind in (mcap.SCHEMA, mcap.CHANNEL):
                    self._learn(kind, memoryview(self._at(offset, length)))
                elif kind == mcap.FOOTER:
                    return None
        except DamageError as error:
            return str(error)
        return None

    def _scan_chunk(self, offset: int, length: int) -> None:
        counts: Counter[int] = Counter()
        start = None
        for kind, content in self._read(_Stretch(0, offset, length)):
            if kind == mcap.MESSAGE:
                number, _, time, _ = mcap.MESSAGE_HEAD.unpack_from(content)
                counts[number] += 1
                start = time if start is None else min(start, time)
            else:
                self._learn(kind, content)
        if start is not None:
            self._stretches.append(_Stretch(start, offset, length))
            self._counts.update(counts)

    def _learn(self, kind: int, content: memoryview) -> None:
        if kind == mcap.SCHEMA:
            number, name = mcap.schema(content)
            self._schemas[number] = name
        elif kind == mcap.CHANNEL:
            number, channel = mcap.channel(content)
            self._channels[number] = channel

    def _read(self, stretch: _Stretch) -> Iterator[tuple[int, memoryview]]:
        data = memoryview(self._at(stretch.offset, stretch.length))
        for kind, content in mcap.records(data):
            found = mcap.records(mcap.chunk(content)) if kind == mcap.CHUNK else (
                (kind, content),)
            for inner, part in found:
                if inner == mcap.MESSAGE and len(part) < mcap.MESSAGE_HEAD.size:
                    raise DamageError('a message is shorter than what stands before it')
                yield inner, part

    def end(self) -> int:
        """Return the time of the last message; see ``StoredFile``."""
        return max((self._end_of(stretch) or max(
            mcap.MESSAGE_HEAD.unpack_from(content)[2] for kind, content in self._read(stretch)
            if kind == mcap.MESSAGE) for stretch in self._stretches), default=0)

    def _end_of(self, stretch: _Stretch) -> int | None:
        """Return the time of a chunk's last message as the chunk tells it; None of others."""
        head = self._at(stretch.offset, min(stretch.length, mcap.HEAD.size + 16))
        if head[0] != mcap.CHUNK:
            return None
        return mcap.Fields(head[mcap.HEAD.size:]).numbers('QQ')[1]

    def _walk(self, at: int = len(mcap.MAGIC), end: int | None = None
              ) -> Iterator[tuple[int, int, int]]:
        """Yield kind, offset and length of each record outside of chunks."""
        while at < (self._size if end is None else end):
            if self._size - at == len(mcap.MAGIC) and self._at(at, 8) == mcap.MAGIC:
                return
            kind, length = mcap.HEAD.unpack(self._at(at, mcap.HEAD.size))
            at += mcap.HEAD.size
            if at + length > self._size or not kind:
                raise DamageError(f'it breaks off at byte {at} of {self._size}')
            yield kind, at, length
            at += length

    def _at(self, offset: int, size: int) -> bytes:
        """Return so many bytes; several threads may read at once."""
        data = os.pread(self._file.fileno(), size, offset)
        if len(data) != size:
            raise DamageError(f'it ends at byte {self._size}: {size} bytes from {offset} on are '
                              'missing')
        return data
