"""Writing rosbag2 as MCAP."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from types import TracebackType
from typing import Any

from rosbags.interfaces import (
    Connection,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from .paths import check_replaceable, partial_of, put
from .typestore import define, typestore

_FOREVER = QosTime(9223372036, 854775807)


class BagWriter:
    """
    A new bag: a folder with one zstd-compressed MCAP file that holds the message definitions.

    It is written as ``PATH.partial`` and gets its name when it is closed. After an exception it
    keeps the partial name, and what was written until then can be read.

    Parameters
    ----------
    path
        The folder to make.
    overwrite
        Whether to replace a bag that is there already, once this one is whole, and one that stayed
        partial.

    Raises
    ------
    BagError
        The path exists and is not to be overwritten, or is no bag.

    """

    def __init__(self, path: str | Path, overwrite: bool = False) -> None:
        self.path = Path(os.path.abspath(path))     # a path '.' cannot be renamed
        self.partial = partial_of(self.path)
        """Where the bag is until it is closed."""
        for there in (self.path, self.partial):
            check_replaceable(there, overwrite)
        if self.partial.exists():
            shutil.rmtree(self.partial)
        self._writer = Writer(self.partial, version=9, storage_plugin=StoragePlugin.MCAP)
        self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        self._writer.open()
        storage = self._writer.storage
        assert storage is not None
        storage.path = storage.path.rename(         # the name that the metadata give it
            self.partial / f'{self.path.name}.mcap')
        self._connections: dict[str, Connection] = {}

    def __enter__(self) -> BagWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
            return
        try:
            self._writer.close()
        except Exception:       # the disk is full: the first error counts, the bytes stay
            self._writer.abort()

    def add_topic(self, name: str, message_type: str, latched: bool = False) -> None:
        """
        Declare a topic, before its first message.

        Raises
        ------
        LookupError
            The type is not defined on this machine.

        """
        define(message_type)
        self._connections[name] = self._writer.add_connection(
            name, message_type, typestore=typestore(), offered_qos_profiles=[_qos(latched)])

    def write(self, topic: str, time: int, message: Any) -> None:
        """
        Write a message that was received at a time, in nanoseconds since the epoch.

        The message is an object of ``messages``, or serialised with its encapsulation.
        """
        connection = self._connections[topic]
        if not isinstance(message, (bytes, memoryview)):
            message = typestore().serialize_cdr(message, connection.msgtype)
        self._writer.write(connection, time, message)

    def close(self) -> None:
        """Finish the bag and let it take its place."""
        self._writer.close()
        put(self.partial, self.path)


def _qos(latched: bool) -> Qos:
    return Qos(
        QosHistory.KEEP_LAST, 1 if latched else 10, QosReliability.RELIABLE,
        QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
        _FOREVER, _FOREVER, QosLiveliness.AUTOMATIC, _FOREVER, False)
