"""Reading rosbag2: folders, single .mcap and single .db3 files."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from rosbags.rosbag2.storage_mcap import DECOMPRESSORS

from .folder import BagError, contents, sort_of, unpacked
from .mcap import McapFile
from .mcap_records import DamageError
from .sqlite import SqliteFile
from .stored import ForeignError, StoredFile, StoredMessage, StoredTopic
from .typestore import typestore

__all__ = ['Bag', 'BagError', 'Record', 'Topic', 'describe']

_ZSTD = b'\x28\xb5\x2f\xfd'     # CDR begins with a zero
_LARGEST_MESSAGE = 1 << 30


@dataclass(frozen=True)
class Topic:
    """One topic of a bag."""

    name: str
    type: str
    count: int
    """Number of messages."""
    latched: bool = False
    """Whether its publishers were transient local."""


class Record(NamedTuple):
    """One message of a bag."""

    topic: Topic
    time: int
    """When it was received, in nanoseconds since the epoch."""
    data: bytes
    """The bytes as they went over the wire: CDR with its encapsulation."""


class Bag:
    """
    An open bag, for reading.

    The content of its files counts. What the metadata announce is compared with it, and
    differences are listed in ``warnings``.

    Parameters
    ----------
    path
        A rosbag2 folder, or one of its files.
    salvage
        Whether to read an MCAP file that was cut off, as far as it is whole, with a warning.

    Raises
    ------
    BagError
        There is no bag at the path, it is damaged, or it holds nothing of ROS 2.

    """

    def __init__(self, path: str | Path, salvage: bool = False) -> None:
        self.path = Path(path)
        self.warnings: list[str] = []
        """What is odd about the bag, in one sentence each, for people."""
        self._stack = ExitStack()
        found = contents(self.path)
        self.files = tuple(found.files)
        """The files that it is read from."""
        try:
            paths = self._stack.enter_context(unpacked(found, self.path))
            self._files = [self._open(path, salvage) for path in paths]
            stored = [topic for file in self._files for topic in file.topics]
            self._foreign = {topic.name: topic for topic in stored if topic.encoding != 'cdr'}
            self.topics = self._topics(stored, found.announced, found.latched)
        except BaseException:
            self.close()
            raise
        self.warnings += found.warnings + [w for file in self._files for w in file.warnings]
        self._compare({name: count for name, (_, count) in found.announced.items()})

    def __enter__(self) -> Bag:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        self._stack.close()

    @property
    def start(self) -> int:
        """Time of the first message, in nanoseconds since the epoch; 0 where there is none."""
        return min((file.start for file in self._files if any(t.count for t in file.topics)),
                   default=0)

    @property
    def end(self) -> int:
        """Time of the last message, in nanoseconds since the epoch; 0 where there is none."""
        return max((file.end() for file in self._files), default=0)

    def topic(self, name: str, types: Collection[str] = ()) -> Topic:
        """
        Return a topic by its name.

        Raises
        ------
        BagError
            The bag has no such topic, or the topic has none of these types.

        """
        for topic in self.topics:
            if topic.name == name:
                if types and topic.type not in types:
                    raise BagError(f'{name} in {self.path} is {topic.type}: expected '
                                   f'{" or ".join(types)}')
                return topic
        if name in self._foreign:
            raise BagError(f'{name} in {self.path} {_foreign(self._foreign[name])}')
        raise BagError(f'no topic {name} in {self.path}: {describe(self.topics)}')

    def messages(self, topics: Iterable[str] | None = None,
                 part: tuple[int, int] | None = None) -> Iterator[Record]:
        """
        Yield the messages of all topics, or of these, in order of time.

        Of a part of the time, from its first to before its last nanosecond, there may be any
        number of messages. What lies outside of it is skipped as far as the files tell.

        Raises
        ------
        BagError
            The bag lacks a topic, is damaged, or holds another number of messages than it
            announces; what came before was whole.

        """
        chosen = {name: self.topic(name) for name in (
            (topic.name for topic in self.topics) if topics is None else topics)}
        keys = {(topic.name, topic.type) for topic in chosen.values() if topic.count}
        counts: Counter[str] = Counter()
        try:
            for time, name, data in heapq.merge(
                    *(_from_start(file, keys, part) for file in self._files),
                    key=itemgetter(0)):
                if not name or (part and not part[0] <= time < part[1]):
                    continue
                if data.startswith(_ZSTD):
                    data = DECOMPRESSORS['zstd'](data, _LARGEST_MESSAGE)
                counts[name] += 1
                yield Record(chosen[name], time, data)
        except Exception as error:      # errors of a file, or of unpacking its messages
            read, of = sum(counts.values()), sum(topic.count for topic in chosen.values())
            raise BagError(_damaged(
                self.path, f'{error}; {read} of {of} messages were read')) from error
        for name, topic in chosen.items():
            if part is None and counts[name] != topic.count:
                raise BagError(_damaged(self.path, f'{counts[name]} of {topic.count} messages of '
                                                   f'{name} are in it'))

    def decode(self, record: Record) -> Any:
        """
        Return a message as an object with the fields of its definition.

        Raises
        ------
        BagError
            Its type is neither a common one of ROS 2 nor of vision_msgs, or its bytes are not
            of that type.

        """
        try:
            return typestore().deserialize_cdr(record.data, record.topic.type)
        except KeyError as error:
            raise BagError(f'{record.topic.name} is {record.topic.type}, which is not known '
                           'here: expected a common ROS 2 or vision_msgs type') from error
        except Exception as error:
            raise BagError(f'a message of {record.topic.name} in {self.path} is not '
                           f'{record.topic.type} ({error}): record the bag again') from error

    def _open(self, path: Path, salvage: bool) -> StoredFile:
        try:
            file: StoredFile = (McapFile(path, salvage) if sort_of(path) == 'mcap'
                                else SqliteFile(path))
        except ForeignError as error:
            raise BagError(f'{path} is no bag of ROS 2: {error}') from error
        except DamageError as error:
            raise BagError(_damaged(path, str(error))) from error
        except OSError as error:
            raise BagError(f'{path} cannot be read: {error.strerror}') from error
        self._stack.callback(file.close)
        return file

    def _topics(self, stored: list[StoredTopic], announced: dict[str, tuple[str, int]],
                latched: set[str]) -> tuple[Topic, ...]:
        """Return the topics of ROS 2, each with the type that most of its messages have."""
        counts: dict[str, Counter[str]] = {
            name: Counter({kind: 0}) for name, (kind, _) in announced.items()
            if name not in self._foreign}
        for topic in stored:
            if topic.encoding == 'cdr':
                counts.setdefault(topic.name, Counter())[topic.type] += topic.count
        if self._foreign:
            if not any(kinds.total() for kinds in counts.values()):
                first = next(iter(self._foreign.values()))
                raise BagError(f'{self.path} is no bag of ROS 2: {first.name} {_foreign(first)}')
            self.warnings += [f'{self.path}: {topic.name} {_foreign(topic)}; it is left out'
                              for topic in self._foreign.values()]
        topics = []
        for name, kinds in sorted(counts.items()):
            (kind, count), *others = kinds.most_common()
            self.warnings += [f'{self.path}: {name} is {kind}; {more} messages of it that are '
                              f'{other} are left out' for other, more in others if more]
            topics.append(Topic(name, kind, count, name in latched or any(
                topic.latched for topic in stored if topic.name == name)))
        return tuple(topics)

    def _compare(self, announced: dict[str, int]) -> None:
        for topic in self.topics:
            if topic.count != announced.get(topic.name, topic.count):
                self.warnings.append(
                    f'{self.path}: metadata.yaml announces {announced[topic.name]} messages of '
                    f'{topic.name} and its files hold {topic.count}, which are read; `ros2 bag '
                    'reindex` corrects it')


def describe(topics: Iterable[Topic]) -> str:
    """Return in words which topics there are."""
    named = [f'{topic.name} ({topic.type}, {topic.count})' for topic in topics]
    return f'there are {", ".join(named)}' if named else 'there is none'


def _from_start(file: StoredFile, keys: Collection[tuple[str, str]],
                part: tuple[int, int] | None) -> Iterator[StoredMessage]:
    """Yield a file's messages after a mark, so that it is not read before its time has come."""
    yield StoredMessage(file.start, '', b'')
    yield from file.messages(keys, part)


def _foreign(topic: StoredTopic) -> str:
    return (f'is {topic.type or "of no type"} in {topic.encoding or "no encoding"}: expected '
            'messages of ROS 2 (cdr)')


def _damaged(path: Path, words: str) -> str:
    return (f'{path} is cut off or damaged ({words}): `ros2 bag reindex` or `mcap recover` may '
            'save what is left of it')
