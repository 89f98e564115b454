"""Reading rosbag2: folders, single .mcap and single .db3 files."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple

from rosbags.interfaces import Connection, ConnectionExtRosbag2, Qos, QosDurability
from rosbags.rosbag2 import Reader

from .typestore import typestore


class BagError(ValueError):
    """A bag that cannot be read or written, or lacks what was asked of it."""


@dataclass(frozen=True)
class Topic:
    """One topic of a bag."""

    name: str
    type: str
    count: int
    """Its messages."""
    qos: tuple[Qos, ...] = ()
    """What its publishers offered when it was recorded."""

    @property
    def latched(self) -> bool:
        """Whether its publishers were transient local."""
        return any(qos.durability == QosDurability.TRANSIENT_LOCAL for qos in self.qos)


class Record(NamedTuple):
    """One message of a bag."""

    topic: Topic
    time: int
    """When it was received, in nanoseconds since the epoch."""
    data: bytes
    """As it went over the wire: CDR with its encapsulation."""


class Bag:
    """
    An open bag, for reading.

    Parameters
    ----------
    path
        A rosbag2 folder, or one of its files.

    Raises
    ------
    BagError
        There is no bag at the path, or it is damaged.

    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        _check(self.path)
        self._stack = ExitStack()
        try:
            self._reader = self._stack.enter_context(Reader(self.path))
        except Exception as error:      # rosbags raises whatever its parts raise
            raise BagError(_damaged(self.path, error)) from error
        self.topics = tuple(
            _topic(name, [c for c in self._reader.connections if c.topic == name])
            for name in sorted({connection.topic for connection in self._reader.connections}))

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
        """Time of the first message, in nanoseconds since the epoch."""
        return self._reader.start_time

    def topic(self, name: str, types: Collection[str] = ()) -> Topic:
        """
        Return a topic by its name.

        Raises
        ------
        BagError
            The bag has no such topic, or not of one of these types.

        """
        for topic in self.topics:
            if topic.name == name:
                if types and topic.type not in types:
                    raise BagError(f'{name} in {self.path} is {topic.type}: expected '
                                   f'{" or ".join(types)}')
                return topic
        raise BagError(f'no topic {name} in {self.path}: {describe(self.topics)}')

    def messages(self, topics: Iterable[str] | None = None) -> Iterator[Record]:
        """
        Yield the messages in order of time, of all topics or of these.

        Raises
        ------
        BagError
            The bag lacks a topic, or is damaged; what came before was whole.

        """
        chosen = {name: self.topic(name) for name in (
            (topic.name for topic in self.topics) if topics is None else topics)}
        connections = [c for c in self._reader.connections if c.topic in chosen]
        if not connections:
            return
        stored = self._reader.messages(connections)
        while True:
            try:
                connection, time, data = next(stored)
            except StopIteration:
                return
            except Exception as error:
                raise BagError(_damaged(self.path, error)) from error
            yield Record(chosen[connection.topic], time, data)

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


def describe(topics: Iterable[Topic]) -> str:
    """Return in words which topics there are."""
    named = [f'{topic.name} ({topic.type}, {topic.count})' for topic in topics]
    return f'there are {", ".join(named)}' if named else 'there is none'


def _topic(name: str, connections: list[Connection]) -> Topic:
    qos = [profile for connection in connections
           if isinstance(connection.ext, ConnectionExtRosbag2)
           for profile in connection.ext.offered_qos_profiles]
    return Topic(name, connections[0].msgtype, sum(c.msgcount for c in connections), tuple(qos))


def _check(path: Path) -> None:
    if not path.exists():
        raise BagError(f'no bag at {path}: expected a rosbag2 folder, .mcap or .db3 file')
    if path.is_dir() and not (path / 'metadata.yaml').is_file():
        files = sorted(p.name for p in path.iterdir() if p.suffix in ('.mcap', '.db3'))
        cure = (f'its recording was cut off: `ros2 bag reindex` it, or open {files[0]} itself'
                if files else 'expected a rosbag2 folder, .mcap or .db3 file')
        raise BagError(f'{path} has no metadata.yaml: {cure}')
    if path.is_file() and path.suffix not in ('.mcap', '.db3'):
        raise BagError(f'{path} is not a bag: expected a rosbag2 folder, .mcap or .db3 file')


def _damaged(path: Path, error: Exception) -> str:
    return (f'{path} is cut off or damaged ({error}): `ros2 bag reindex` or `mcap recover` may '
            'save what is left of it')
