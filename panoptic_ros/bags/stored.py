"""The content of one file of a bag, of whichever kind the file is."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol


class ForeignError(ValueError):
    """A recording holds something else than ROS 2."""


@dataclass(frozen=True)
class StoredTopic:
    """A topic of one type in one file."""

    name: str
    type: str
    count: int
    latched: bool
    encoding: str
    """Encoding of its messages: ``cdr`` in ROS 2."""


class StoredMessage(NamedTuple):
    """A message in a file."""

    time: int
    """When it was received, in nanoseconds since the epoch."""
    topic: str
    data: bytes


class StoredFile(Protocol):
    """An open file of a bag."""

    path: Path
    topics: tuple[StoredTopic, ...]
    """The topics; a topic that was recorded more than once is listed more than once."""
    warnings: list[str]
    start: int
    """Time of the first message, in nanoseconds since the epoch; 0 if there is none."""

    def messages(self, topics: Collection[tuple[str, str]],
                 part: tuple[int, int] | None = None) -> Iterator[StoredMessage]:
        """
        Yield the messages of topics, by name and type, in order of time.

        Messages outside of a part of the time may be left out.

        Raises
        ------
        DamageError
            The file is damaged; what came before was whole.

        """

    def end(self) -> int:
        """Return the time of the last message, in nanoseconds; 0 if there is none."""

    def close(self) -> None:
        """Close the file."""
