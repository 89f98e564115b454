"""The subscription to a camera's images: its topic, remapped as usual, and its QoS."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

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
from rclpy.serialization import deserialize_message
from rclpy.subscription import Subscription
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from ..images import ImageError, wire
from .mishaps import RCLError, publishable

KINDS = {'raw': Image, 'compressed': CompressedImage}
"""The types of the camera's messages, by transport."""

LONGEST_OUTPUT = 'confidence/compressed'
"""The longest name of an output, which follows the camera's name."""


class ImageTopic:
    """
    The topic of a camera's images.

    The name of a transport is appended to the name of the raw images after remapping.  So it is
    enough to remap ``image``.  A remapping of ``image/compressed`` itself takes precedence.

    Parameters
    ----------
    node
        The node that subscribes.
    camera
        Name of the camera; empty if there is only one.
    transport
        'raw' or 'compressed'.

    """

    def __init__(self, node: Node, camera: str, transport: str) -> None:
        base = f'{camera}/image' if camera else 'image'
        self.own = base if transport == 'raw' else f'{base}/{transport}'
        """The name to remap, for messages."""
        self.subscribed = self.own
        """The name to subscribe to; ROS then remaps it."""
        if transport != 'raw' and not _is_remapped(node, self.own):
            self.subscribed = f'{node.resolve_topic_name(base)}/{transport}'
        self.name = str(node.resolve_topic_name(self.subscribed))
        """The full name after remapping."""


def _is_remapped(node: Node, name: str) -> bool:
    return bool(node.resolve_topic_name(name) != node.resolve_topic_name(name, only_expand=True))


def check_topics(node: Node, cameras: Iterable[tuple[str, str]]) -> None:
    """
    Refuse a camera whose topics would have too long a name.

    A name has 247 bytes at most, with the names of namespace and node.

    Parameters
    ----------
    node
        The node that will subscribe and publish.
    cameras
        Name and transport of each camera.

    Raises
    ------
    ValueError
        A topic's name would be too long.

    """
    for camera, transport in cameras:
        outputs = f'~/{camera}'.rstrip('/')
        try:
            ImageTopic(node, camera, transport)
            node.resolve_topic_name(f'{outputs}/{LONGEST_OUTPUT}')
        except RCLError as error:
            culprit = f'camera {publishable(camera, 40)!r}' if camera else 'namespace and node'
            raise ValueError(f'{culprit}: the names of topics would be longer than the 247 bytes '
                             'that ROS allows, with namespace, node and output: take a shorter '
                             'name') from error


class ImageSubscription:
    """
    Subscribes to a camera's images, and passes them on as serialised bytes.

    Parameters
    ----------
    node
        The node that subscribes.
    transport
        'raw' or 'compressed'.
    name
        Name of the camera; empty if there is only one.

    """

    def __init__(self, node: Node, transport: str, name: str = '') -> None:
        self._node, self.transport = node, transport
        self.topic = ImageTopic(node, name, transport)
        self.on_image: Callable[[bytes, dict[str, int]], None] = lambda data, info: None
        """Called with each serialised message and the middleware's facts about it."""
        self.on_loss: Callable[[int], None] = lambda count: None
        """Called with the number of messages that were lost on their way."""
        self.reliability = ReliabilityPolicy.RELIABLE
        self._automatic, self._lossy = True, False
        self._subscription: Subscription | None = None

    @property
    def publisher_count(self) -> int:
        """The number of publishers of the camera's topic."""
        return int(self._node.count_publishers(self.topic.name))

    @property
    def active(self) -> bool:
        """Whether the node is subscribed to the camera."""
        return self._subscription is not None

    def check(self) -> None:
        """
        Subscribe and unsubscribe, because rclpy reads a QoS override only then.

        Raises
        ------
        RuntimeError
            A QoS override is not valid.

        """
        self.start()
        self.stop()

    def start(self) -> None:
        """
        Subscribe.

        Raises
        ------
        RuntimeError
            A QoS override is not valid.

        """
        try:
            self._subscription = self._make(self._lose)
        except UnsupportedEventTypeError:       # not every middleware reports losses
            self._subscription = self._make(None)

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
                self.start()
            except Exception:       # keep the former one, so that a later call tries again
                self._subscription, self.reliability = former, reliability
                raise
            self._node.destroy_subscription(former)

    def _make(self, lose: Callable[[QoSMessageLostInfo], None] | None) -> Subscription:
        # The depth is two: a complete image must not replace one that has not been taken yet.
        qos = QoSProfile(depth=2, reliability=ReliabilityPolicy.BEST_AVAILABLE)
        receive: Callable[..., None] = self.on_image     # rclpy inspects its two arguments
        return self._node.create_subscription(
            KINDS[self.transport], self.topic.subscribed, receive, qos, raw=True,
            event_callbacks=SubscriptionEventCallbacks(
                incompatible_qos=self._disagree, message_lost=lose),
            qos_overriding_options=QoSOverridingOptions.with_default_policies(
                callback=self._choose_reliability))

    def _choose_reliability(self, qos: QoSProfile) -> SetParametersResult:
        """
        Choose the reliability that all publishers offer, unless an override chooses one.

        With the default transport, most large images are lost if they are best effort.  But a
        subscription that asks for more than a publisher offers would get nothing at all.
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
                f'a publisher of {self.topic.name} does not offer the QoS that qos_overrides ask '
                'for: its images cannot be taken')

    def _offered(self) -> ReliabilityPolicy | None:
        offered = {publisher.qos_profile.reliability
                   for publisher in self._node.get_publishers_info_by_topic(self.topic.name)}
        if len(offered) == 1:
            return offered.pop()
        return ReliabilityPolicy.BEST_EFFORT if offered else None

    def _lose(self, event: QoSMessageLostInfo) -> None:
        if not self._lossy:
            self._lossy = True
            self._node.get_logger().warning(
                f'images on {self.topic.name} are lost on their way to the node: see the status '
                'of its frames on /diagnostics')
        self.on_loss(event.total_count_change)


def read_image(data: bytes, transport: str) -> Any:
    """
    Return a serialised message of a camera, without a copy of its pixels if it is plain CDR.

    rclpy would copy an image into a message in C, and from there into one in Python.  It reads
    only what another middleware may send.

    Raises
    ------
    ImageError
        The message is cut off, it is no image at all, or a text in it is longer than any name.

    """
    if wire.is_plain(data):
        read = wire.read_image if transport == 'raw' else wire.read_compressed_image
        return read(data, _header)
    kind = KINDS[transport]
    try:
        message = deserialize_message(data, kind)
    except Exception as error:      # each middleware raises errors of its own
        raise ImageError('wire', f'a message of {len(data)} bytes that begins with '
                                 f'{data[:4].hex()} is no {kind.__name__}: {error}') from error
    wire.check_texts(message.header.frame_id,
                     message.encoding if transport == 'raw' else message.format)
    return message


def _header(sec: int, nanosec: int, frame_id: str) -> Header:
    header = Header(frame_id=frame_id)
    header.stamp.sec, header.stamp.nanosec = sec, nanosec
    return header
