"""Writing rosbag2 as MCAP."""

from __future__ import annotations

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

from .reader import BagError
from .typestore import define, typestore

_FOREVER = QosTime(9223372036, 854775807)


class BagWriter:
    """
    A new bag: a folder with one zstd-compressed MCAP file that holds the message definitions.

    It is complete when closed; leaving it by an exception leaves a folder without
    ``metadata.yaml``, as an interrupted recording does.

    Parameters
    ----------
    path
        The folder to make.
    overwrite
        Replace a bag that is there already.

    Raises
    ------
    BagError
        The path exists and is not to be overwritten, or is no bag.

    """

    def __init__(self, path: str | Path, overwrite: bool = False) -> None:
        self.path = Path(path)
        if self.path.exists():
            _clear(self.path, overwrite)
        self._writer = Writer(self.path, version=9, storage_plugin=StoragePlugin.MCAP)
        self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        self._writer.open()
        self._connections: dict[str, Connection] = {}

    def __enter__(self) -> BagWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
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

        It is given as an object of ``messages`` or serialised, with its encapsulation.
        """
        connection = self._connections[topic]
        if not isinstance(message, (bytes, memoryview)):
            message = typestore().serialize_cdr(message, connection.msgtype)
        self._writer.write(connection, time, message)

    def close(self) -> None:
        """Finish the bag."""
        self._writer.close()


def _clear(path: Path, overwrite: bool) -> None:
    """Remove an old bag, and nothing that is not a bag."""
    strangers = [path] if not path.is_dir() else [
        p for p in path.iterdir()
        if p.name != 'metadata.yaml' and p.suffix not in ('.mcap', '.db3')]
    if strangers:
        raise BagError(f'{path} exists and is no bag (it is or holds {strangers[0].name}): '
                       'choose another folder')
    if not overwrite:
        raise BagError(f'{path} exists: choose another folder, or allow overwriting it')
    shutil.rmtree(path)


def _qos(latched: bool) -> Qos:
    return Qos(
        QosHistory.KEEP_LAST, 1 if latched else 10, QosReliability.RELIABLE,
        QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE,
        _FOREVER, _FOREVER, QosLiveliness.AUTOMATIC, _FOREVER, False)
