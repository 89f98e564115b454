"""One camera: its subscription, what became of its frames, and how it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from rcl_interfaces.msg import SetParametersResult
from rclpy.event_handler import (
    QoSMessageLostInfo,
    QoSRequestedIncompatibleQoSInfo,
    SubscriptionEventCallbacks,
    UnsupportedEventTypeError,
)
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image

from ..images import ImageError
from . import wire
from .freshness import Freshness
from .image_topic import ImageTopic

ImageMessage: TypeAlias = 'wire.AnyImage | wire.AnyCompressedImage'


@dataclass(frozen=True)
class Frame:
    """One camera message and when it came."""

    message: ImageMessage | ImageError
    """Or why it could not be read."""
    arrival: float
    """Of the clock ``time.perf_counter``."""
    receive: float
    """Seconds from the camera's publish to the callback, by the middleware's wall clock stamps."""
    stamp: Stamp | None = None
    """How old its header said it was when it came."""

    def age(self, now: float) -> float:
        """Return the seconds since its stamp, at a time of ``perf_counter``; 0 if not known."""
        if self.stamp is None or self.stamp.is_zero or not self.stamp.clock_runs:
            return 0.0
        return self.stamp.age + now - self.arrival


@dataclass
class Counts:
    """What became of the frames; each one that is received is later one of the others."""

    received: int = 0
    segmented: int = 0
    dropped: int = 0
    """A newer one came before the worker was free."""
    rejected: int = 0
    """The message held no usable image."""
    failed: int = 0
    """The engine or a publisher raised."""
    stale: int = 0
    """Its stamp was older than ``max_age`` when its turn came."""
    lost: int = 0
    """It never came, says the middleware; the only one that is not among those received."""

    @property
    def waiting(self) -> int:
        """How many are on their way."""
        return self.received - (self.segmented + self.dropped + self.rejected + self.failed
                                + self.stale)


@dataclass(frozen=True)
class Stamp:
    """The newest header's stamp against the node's clock, both in seconds."""

    age: float
    """Positive behind the clock, negative in the future."""
    is_zero: bool
    clock_runs: bool
    """False under use_sim_time while nothing publishes /clock."""


class Camera:
    """
    A subscription to a camera's images.

    ``received``, ``dropped`` and ``lost`` are the executor's, the rest the worker's, so no lock is
    needed: every attribute has one writer.

    Parameters
    ----------
    node
        The node that subscribes.
    transport
        'raw' or 'compressed'.
    name
        Of the camera; empty where there is one only.

    """

    def __init__(self, node: Node, transport: str, name: str = '') -> None:
        self._node = node
        self.on_frame: Callable[[Frame], None] = lambda _: None
        """Called with each frame in the executor's thread."""
        self._subscription: Subscription | None = None
        self._kind: type[Image | CompressedImage] = Image
        self._read: Callable[[bytes], ImageMessage] = wire.read_image
        if transport == 'compressed':
            self._kind, self._read = CompressedImage, wire.read_compressed_image
        self._topic = ImageTopic(node, name, transport)
        self._automatic = True
        self.reliability = ReliabilityPolicy.RELIABLE
        self.transport = transport
        self.counts = Counts()
        self.started = time.perf_counter()
        self.last_arrival: float | None = None
        self.freshness = Freshness()
        self._largest = 0
        self.stamp: Stamp | None = None
        self.format = ''
        """Size and encoding of the newest image that was usable."""
        self.rejection: str | None = None
        """Why the newest frame was not usable; None when it was."""

    @property
    def topic(self) -> str:
        """The topic's full name after remapping."""
        return self._topic.name

    @property
    def own_topic(self) -> str:
        """The topic's name that a remapping has on its left."""
        return self._topic.own

    @property
    def publisher_count(self) -> int:
        """How many publish the camera's topic."""
        return int(self._node.count_publishers(self.topic))

    @property
    def active(self) -> bool:
        """Whether images are taken."""
        return self._subscription is not None

    @property
    def silence(self) -> float:
        """Seconds since the last image, or since the subscription while there was none."""
        since = self.started if self.last_arrival is None else self.last_arrival
        return time.perf_counter() - since

    def take_largest(self) -> int:
        """Return the bytes of the largest message since the last call; 0 without any."""
        largest, self._largest = self._largest, 0
        return largest

    def check(self) -> None:
        """
        Subscribe and unsubscribe: a QoS override is read when a subscription is made.

        Raises
        ------
        RuntimeError
            A QoS override is not valid.

        """
        self._subscribe()
        self.stop()

    def start(self) -> None:
        """
        Subscribe.

        Raises
        ------
        RuntimeError
            A QoS override is not valid.

        """
        self.started = time.perf_counter()
        self.last_arrival = self.rejection = None
        self.freshness.restart()
        self._subscribe()

    def stop(self) -> None:
        """Unsubscribe."""
        if self._subscription is not None:
            self._node.destroy_subscription(self._subscription)
            self._subscription = None

    def adapt(self) -> None:
        """Subscribe again when the camera's publishers now offer another reliability."""
        former, reliability = self._subscription, self.reliability
        if former and self._automatic and self._offered() not in (None, reliability):
            try:
                self._subscribe()
            except Exception:       # or it would count as one at rest, and not be tried again
                self._subscription, self.reliability = former, reliability
                raise
            self._node.destroy_subscription(former)

    def _subscribe(self) -> None:
        try:
            self._subscription = self._make_subscription(self._miss)
        except UnsupportedEventTypeError:       # not every middleware tells of losses
            self._subscription = self._make_subscription(None)

    def _make_subscription(
            self, miss: Callable[[QoSMessageLostInfo], None] | None) -> Subscription:
        # two: an image that is complete before the last one was taken must not replace it
        qos = QoSProfile(depth=2, reliability=ReliabilityPolicy.BEST_AVAILABLE)
        receive: Callable[..., None] = self._receive     # rclpy sees that it takes two arguments
        return self._node.create_subscription(
            self._kind, self._topic.subscribed, receive, qos, raw=True,
            event_callbacks=SubscriptionEventCallbacks(
                incompatible_qos=self._disagree, message_lost=miss),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(
                callback=self._choose_reliability))

    def _choose_reliability(self, qos: QoSProfile) -> SetParametersResult:
        """
        Take images as reliably as all publishers offer them, unless overridden.

        With the default transport most large images that are best effort are lost; asking for
        more than is offered would bring nothing at all.
        """
        self._automatic = qos.reliability == ReliabilityPolicy.BEST_AVAILABLE
        if self._automatic:
            qos.reliability = self._offered() or ReliabilityPolicy.RELIABLE
        self.reliability = qos.reliability
        return SetParametersResult(successful=True)

    def _disagree(self, event: QoSRequestedIncompatibleQoSInfo) -> None:
        if self._automatic:
            self.adapt()
        else:
            self._node.get_logger().warning(
                f'a publisher of {self.topic} does not offer the QoS that qos_overrides ask for: '
                'its images cannot be taken')

    def _offered(self) -> ReliabilityPolicy | None:
        offered = {publisher.qos_profile.reliability
                   for publisher in self._node.get_publishers_info_by_topic(self.topic)}
        if len(offered) == 1:
            return offered.pop()
        return ReliabilityPolicy.BEST_EFFORT if offered else None

    def _miss(self, event: QoSMessageLostInfo) -> None:
        if not self.counts.lost:
            self._node.get_logger().warning(
                f'images on {self.topic} are lost on their way to the node: see the status of its '
                'frames on /diagnostics')
        self.counts.lost += event.total_count_change

    def _receive(self, data: bytes, info: dict[str, int]) -> None:
        self.last_arrival = time.perf_counter()
        self._largest = max(self._largest, len(data))
        sent = info.get('source_timestamp', 0)
        seconds = max(0.0, (time.time_ns() - sent) * 1e-9) if sent else 0.0
        self.counts.received += 1
        self.freshness.receive(self.last_arrival)
        try:
            message = self._read(data)
        except ImageError as error:
            # without its frames, which hold the message
            self.on_frame(Frame(error.with_traceback(None), self.last_arrival, seconds))
            return
        self.stamp = self._compare(message)
        self.on_frame(Frame(message, self.last_arrival, seconds, self.stamp))

    def _compare(self, message: ImageMessage) -> Stamp:
        now = self._node.get_clock().now().nanoseconds
        # not rclpy's Time, which refuses the negative stamps that a broken driver may send
        stamp = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
        return Stamp((now - stamp) * 1e-9, stamp == 0, now != 0)
