"""Publishing a bag over DDS as it was recorded."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rosgraph_msgs.msg import Clock

from .reader import Bag, BagError, Record

CLOCK_RATE = 40.0
"""How often ``/clock`` is published, in Hz."""

_SETTLE = 0.2
"""Seconds that subscribers are given after they were seen, to see the publisher in turn."""


@dataclass(frozen=True)
class Lateness:
    """How exactly a replay kept to the bag's times; milliseconds."""

    messages: int
    p50: float
    p99: float
    max: float


class Replay:
    """
    A bag that is published with the spacing of its receive times.

    Messages go out as the bytes that the bag holds. Publishers are reliable, and transient local
    where the recorded ones were.

    Parameters
    ----------
    bag
        The open bag.
    node
        The node that publishes; it need not be spun.
    topics
        What to publish; everything by default.
    remap
        Names to publish under, by the bag's names.
    rate
        How many times faster than it was recorded.
    clock
        Also publish ``/clock``, so that nodes with ``use_sim_time`` live in the bag's time.
    on_publish
        Called just before each message goes out, with the record and the bag's time.

    Raises
    ------
    BagError
        The bag lacks a topic, or a type is not installed.
    ValueError
        The rate is not positive.

    """

    def __init__(self, bag: Bag, node: Node, topics: Iterable[str] | None = None,
                 remap: Mapping[str, str] | None = None, rate: float = 1.0, clock: bool = False,
                 on_publish: Callable[[Record, int], None] | None = None) -> None:
        if not rate > 0:
            raise ValueError(f'rate is {rate}: expected more than 0')
        names = remap or {}
        chosen = [t.name for t in bag.topics] if topics is None else list(topics)
        for name in names:
            bag.topic(name)
        self._bag = bag
        self._rate = rate
        self._on_publish = on_publish
        self._publishers = {
            name: _publisher(node, bag, name, names.get(name, name)) for name in chosen}
        self._clock = node.create_publisher(Clock, '/clock', 1) if clock else None
        self._started: float | None = None

    def subscribers(self, topic: str) -> int:
        """Return how many subscribers a topic of the bag has found."""
        return int(self._publishers[topic].get_subscription_count())

    def wait_for_subscribers(self, topics: Collection[str] = (), timeout: float = 30.0,
                             stop: threading.Event | None = None) -> None:
        """
        Wait until each of these topics of the bag has a subscriber; without names, any of them.

        Raises
        ------
        TimeoutError
            Nobody subscribed in time.

        """
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
        if self._started is None:
            return self._bag.start
        return self._bag.start + int((time.monotonic() - self._started) * self._rate * 1e9)

    def run(self, stop: threading.Event | None = None) -> Lateness:
        """
        Publish the bag once, from its first message to its last.

        Parameters
        ----------
        stop
            Ends it early when set.

        Raises
        ------
        BagError
            The bag is damaged.

        """
        halt = stop or threading.Event()
        done = threading.Event()
        late: list[float] = []
        self._started = time.monotonic()
        ticker = threading.Thread(target=self._tick, args=(done,), daemon=True)
        if self._clock is not None:
            ticker.start()
        try:
            for record in self._bag.messages(self._publishers):
                due = self._started + (record.time - self._bag.start) / 1e9 / self._rate
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

    def _tick(self, done: threading.Event) -> None:
        assert self._clock is not None
        message = Clock()
        while not done.is_set():
            message.clock.sec, message.clock.nanosec = divmod(self.now(), 1_000_000_000)
            self._clock.publish(message)
            done.wait(1 / CLOCK_RATE)


def message_class(message_type: str) -> Any:
    """
    Return the class of a message type such as ``sensor_msgs/msg/Image``.

    Raises
    ------
    BagError
        Its package is not installed.

    """
    package, _, name = message_type.split('/')
    try:
        return getattr(import_module(f'{package}.msg'), name)
    except (ImportError, AttributeError) as error:
        raise BagError(f'{message_type} is not installed: install or source the ROS package '
                       f'{package}, or leave its topics out') from error


def _publisher(node: Node, bag: Bag, name: str, target: str) -> Publisher:
    topic = bag.topic(name)
    qos = QoSProfile(depth=10, reliability=ReliabilityPolicy.RELIABLE)
    if topic.latched:
        qos.durability = DurabilityPolicy.TRANSIENT_LOCAL
    return node.create_publisher(message_class(topic.type), target, qos)
