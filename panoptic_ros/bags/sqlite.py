"""One sqlite3 file of a bag."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from urllib.parse import quote

from rosbags.interfaces import ConnectionExtRosbag2, QosDurability
from rosbags.rosbag2.storage_sqlite3 import Sqlite3Reader

from .mcap_records import DamageError
from .stored import StoredMessage, StoredTopic

MAGIC = b'SQLite format 3\0'


class SqliteFile:
    """
    An open .db3 file; its topics are counted by their rows.

    Raises
    ------
    DamageError
        The file is cut off or damaged, or a part of it is in another file beside it.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.warnings: list[str] = []
        for ending in ('wal', 'journal'):
            beside = path.with_name(f'{path.name}-{ending}')
            if beside.is_file() and beside.stat().st_size:
                raise DamageError('its recording was not closed, and messages wait in '
                                  f"{beside.name}: `sqlite3 {path.name} 'PRAGMA "
                                  "wal_checkpoint(TRUNCATE)'`")
        self._reader = Sqlite3Reader(Path(quote(str(path))))        # it becomes a part of a URI
        try:
            self._reader.open()
        except Exception as error:      # rosbags passes on errors of any kind
            raise DamageError(str(error)) from error
        self.topics = tuple(
            StoredTopic(c.topic, c.msgtype, c.msgcount, any(
                qos.durability == QosDurability.TRANSIENT_LOCAL
                for qos in c.ext.offered_qos_profiles), c.ext.serialization_format)
            for c in self._reader.connections if isinstance(c.ext, ConnectionExtRosbag2))
        metadata = self._reader.metadata
        self.start = metadata.start_time if metadata.message_count else 0

    def messages(self, topics: Collection[tuple[str, str]],
                 part: tuple[int, int] | None = None) -> Iterator[StoredMessage]:
        """Yield the messages of topics, in order of time; see ``StoredFile``."""
        chosen = [c for c in self._reader.connections if (c.topic, c.msgtype) in topics]
        if not chosen:
            return
        start, stop = part or (None, None)
        stored = self._reader.messages(chosen, start, stop)
        while True:
            try:
                connection, time, data = next(stored)
            except StopIteration:
                return
            except Exception as error:
                raise DamageError(str(error)) from error
            yield StoredMessage(time, connection.topic, data)

    def end(self) -> int:
        """Return the time of the last message; see ``StoredFile``."""
        metadata = self._reader.metadata
        return metadata.end_time - 1 if metadata.message_count else 0      # it is exclusive

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
