"""Publishing a bag over DDS as it was recorded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import numpy as np
from rclpy.exceptions import NameValidationException
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock

from .reader import Bag, BagError, Record, Topic
from .timeline import MAX_GAP, Timeline
from .typestore import is_defined

CLOCK_RATE = 40.0
"""How often ``/clock`` is published, in Hz."""

_LAST_SECOND = 2**31 - 1
"""The latest second that ``/clock`` can tell; a damaged recording may have a later one."""

_SETTLE = 0.2
"""Seconds to wait after subscribers were seen, so that they see the publisher in turn."""


@dataclass(frozen=True)
class Lateness:
    """How exactly a replay kept to the bag's times; milliseconds."""

    messages: int
    p50: float
    p99: float
    max: float


@dataclass(frozen=True)
class Selection:
    """What of a bag is published, and under which names."""

    topics: Sequence[str] | None = None
    """The topics to publish, by the bag's names; by default all."""
    remap: Mapping[str, str] = field(default_factory=dict)
    """The names to publish under, by the bag's names."""
    clock: bool = False
    """Whether to publish ``/clock``, so that nodes with ``use_sim_time`` live in the bag's time.
    A ``/clock`` of the bag is left out then."""


class Replay:
    """
    A bag that is published at the intervals at which it was received.

    Messages are published as the bytes that the bag holds. Publishers are reliable, and transient
    local if the recorded ones were.

    Parameters
    ----------
    bag
        The open bag.
    node
        The node that publishes; it need not be spun.
    selection
        The topics to publish, and their names.
    rate
        How many times faster than it was recorded.
    max_gap
        Seconds; when the bag has no message for longer, the time leaps.
    on_publish
        Called just before each message goes out, with the record and the bag's time.
    on_skip
        Called with the number of seconds that are skipped.

    Raises
    ------
    BagError
        The bag lacks a topic, a topic that was asked for cannot be published, or none can.
    ValueError
        The rate or the gap is not positive.

    """

    def __init__(self, bag: Bag, node: Node, selection: Selection, rate: float = 1.0,
                 max_gap: float = MAX_GAP,
                 on_publish: Callable[[Record, int], None] | None = None,
                 on_skip: Callable[[float], None] | None = None) -> None:
        self._timeline = Timeline(bag.start, rate, max_gap)
        topics, clock = selection.topics, selection.clock
        for name in selection.remap:
            bag.topic(name)
        self._bag = bag
        self._on_publish = on_publish
        self._on_skip = on_skip
        self.left_out: dict[str, str] = {}
        """Why topics are not published, by their names in the bag."""
        self._publishers: dict[str, Publisher] = {}
        for name in [t.name for t in bag.topics] if topics is None else topics:
            target = selection.remap.get(name, name)
            if clock and target.lstrip('/') == 'clock':
                self.left_out[name] = 'the replay publishes /clock itself'
                continue
            try:
                self._publishers[name] = _publisher(node, bag.topic(name), target)
            except BagError as error:
                if topics is not None:
                    raise
                self.left_out[name] = str(error)
        if not self._publishers:
            reasons = '; '.join(f'{name}: {why}' for name, why in self.left_out.items())
            raise BagError(f'{bag.path} has no topic that can be published: '
                           f'{reasons or "it is empty"}')
        self._clock = node.create_publisher(Clock, '/clock', 1) if clock else None

    @property
    def messages(self) -> int:
        """How many messages are to be published."""
        return sum(self._bag.topic(name).count for name in self._publishers)

    def subscribers(self, topic: str) -> int:
        """Return the number of subscribers that a topic of the bag has found."""
        return int(self._publishers[topic].get_subscription_count())

    def wait_for_subscribers(self, topics: Collection[str] = (), timeout: float = 30.0,
                             stop: threading.Event | None = None) -> None:
        """
        Wait until each of these topics of the bag has a subscriber; without names, any topic.

        Raises
        ------
        BagError
            One of them is not among those that are published.
        TimeoutError
            Nobody subscribed in time.

        """
        for name in topics:
            if name not in self._publishers:
                self._bag.topic(name)
                raise BagError(f'{name} is not published, and so nobody can subscribe to it: '
                               f'{self.left_out.get(name, "it is not among the chosen topics")}')
        deadline = time.monotonic() + timeout
        missing = set(topics or self._publishers)
        goal = 0 if topics else len(missing) - 1
        while not (stop and stop.is_set()):
            missing = {name for name in missing if not self.subscribers(name)}
            if len(missing) <= goal:
                time.sleep(_SETTLE)
                return
            if time.monotonic() > deadline:
                names = ', '.join(sorted(self._publishers[name].topic_name for name in missing))
                raise TimeoutError(
                    f'nobody subscribed to {names} within {timeout:g} s: start the subscriber, '
                    'and compare its topic, ROS_DOMAIN_ID and type with these')
            time.sleep(0.02)

    def now(self) -> int:
        """Return the bag's time at this moment, in nanoseconds since the epoch."""
        return self._timeline.now()

    def run(self, stop: threading.Event | None = None) -> Lateness:
        """
        Publish the bag once, from its first message to its last.

        Parameters
        ----------
        stop
            An event that ends the replay early.

        Raises
        ------
        BagError
            The bag is damaged.

        """
        halt = stop or threading.Event()
        done = threading.Event()
        late: list[float] = []
        self._timeline.begin()
        ticker = threading.Thread(target=self._tick, args=(done,), daemon=True)
        if self._clock is not None:
            ticker.start()
        try:
            for record in self._bag.messages(self._publishers):
                if skipped := self._timeline.approach(record.time):
                    self._tell(skipped)
                due = self._timeline.due(record.time)
                if halt.wait(max(0.0, due - time.monotonic())):
                    break
                late.append(time.monotonic() - due)
                if self._on_publish is not None:
                    self._on_publish(record, self.now())
                self._publishers[record.topic.name].publish(record.data)
        finally:
            done.set()
            if ticker.is_alive():
                ticker.join()
        if not late:
            return Lateness(0, 0.0, 0.0, 0.0)
        p50, p99, largest = 1000 * np.quantile(late, (0.5, 0.99, 1.0), method='higher')
        return Lateness(len(late), float(p50), float(p99), float(largest))

    def _tell(self, skipped: float) -> None:
        """Let nodes with simulated time see the clock leap before the message comes."""
        if self._clock is not None:
            self._publish_clock()
        if self._on_skip is not None:
            self._on_skip(skipped)

    def _tick(self, done: threading.Event) -> None:
        while not done.is_set():
            self._publish_clock()
            done.wait(1 / CLOCK_RATE)

    def _publish_clock(self) -> None:
        assert self._clock is not None
        message = Clock()
        seconds, nanoseconds = divmod(self.now(), 1_000_000_000)
        message.clock.sec, message.clock.nanosec = min(seconds, _LAST_SECOND), nanoseconds
        self._clock.publish(message)


def message_class(message_type: str) -> Any:
    """
    Return the class of a message type such as ``sensor_msgs/msg/Image``.

    Only what ROS defines is imported, because a bag may name any module.

    Raises
    ------
    BagError
        The type is no name of a message, or its package is not installed.

    """
    package, name = message_type.partition('/')[0], message_type.rpartition('/')[2]
    missing = (f'{message_type!r} is not installed: expected a type as in sensor_msgs/msg/Image; '
               f'install or source the ROS package {package!r}, or leave its topics out')
    if not is_defined(message_type):
        raise BagError(missing)
    try:
        return getattr(import_module(f'{package}.msg'), name)
    except (ImportError, AttributeError) as error:
        raise BagError(missing) from error


def _publisher(node: Node, topic: Topic, target: str) -> Publisher:
    kind = message_class(topic.type)
    qos = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
    if topic.latched:
        qos.durability = DurabilityPolicy.TRANSIENT_LOCAL
    try:
        return node.create_publisher(kind, target, qos)
    except (NameValidationException, RuntimeError, ValueError) as error:    # of rclpy, of rcl
        raise BagError(f'{target!r} cannot be published: {" ".join(str(error).split())}; give it '
                       'another name with --remap, or leave it out') from error
