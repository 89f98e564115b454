"""Recording topics to a bag."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription

from .replay import message_class
from .writer import BagWriter

_BACKLOG = 512
"""The most messages that wait for the disk."""


@dataclass(frozen=True)
class Recorded:
    """A topic to record."""

    name: str
    type: str
    latched: bool = False
    """Whether its publisher is transient local; then earlier messages are recorded, too."""


@dataclass
class Counts:
    """What became of a topic's messages."""

    received: int = 0
    lost: int = 0
    """Messages that were received, and dropped because the disk did not keep up."""


class Recorder:
    """
    Subscriptions whose messages are written to a bag as the bytes that came in.

    A callback only queues the bytes, and a separate thread writes them. The caller must spin the
    node.

    Parameters
    ----------
    node
        The node that subscribes.
    writer
        The bag. The topics are added to it here. The caller closes it, after ``close``.
    topics
        The topics to record.
    now
        The time that messages are recorded under, in nanoseconds since the epoch.
    on_message
        Called with the topic's name and the bytes, in the thread that spins the node.

    Raises
    ------
    BagError
        A message type is not installed.
    LookupError
        The definition of a message type is not installed.

    """

    def __init__(self, node: Node, writer: BagWriter, topics: Iterable[Recorded],
                 now: Callable[[], int],
                 on_message: Callable[[str, bytes], None] | None = None) -> None:
        self._node = node
        self._writer = writer
        self._now = now
        self._on_message = on_message
        self._queue: queue.Queue[tuple[str, int, bytes] | None] = queue.Queue(_BACKLOG)
        self._fault: Exception | None = None
        self.counts: dict[str, Counts] = {}
        self._subscriptions = [self._subscribe(topic) for topic in topics]
        self._thread = threading.Thread(target=self._write, name='recorder', daemon=True)
        self._thread.start()

    def publishers(self, topic: str) -> int:
        """Return how many publishers a recorded topic has."""
        return int(self._node.count_publishers(topic))

    def close(self) -> None:
        """
        End the subscriptions and write what is queued.

        Raises
        ------
        OSError
            A message could not be written.

        """
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions.clear()
        self._queue.put(None)
        self._thread.join()
        if self._fault is not None:
            raise OSError(f'{self._writer.path} was not written to its end: '
                          f'{self._fault}') from self._fault

    def _subscribe(self, topic: Recorded) -> Subscription:
        kind = message_class(topic.type)
        self._writer.add_topic(topic.name, topic.type, topic.latched)
        counts = self.counts[topic.name] = Counts()
        qos = QoSProfile(depth=50, reliability=ReliabilityPolicy.RELIABLE)
        if topic.latched:
            qos.durability = DurabilityPolicy.TRANSIENT_LOCAL

        def take(data: bytes) -> None:
            counts.received += 1
            try:
                self._queue.put_nowait((topic.name, self._now(), data))
            except queue.Full:
                counts.lost += 1
            if self._on_message is not None:
                self._on_message(topic.name, data)

        return self._node.create_subscription(kind, topic.name, take, qos, raw=True)

    def _write(self) -> None:
        while (item := self._queue.get()) is not None:
            if self._fault is None:
                try:
                    self._writer.write(*item)
                except Exception as error:      # close reports it
                    self._fault = error
