"""The outputs of a camera; work for outputs without a subscriber is left out."""

from __future__ import annotations

import sys
from array import array
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from vision_msgs.msg import Detection2DArray, LabelInfo

from .. import messages, overlay
from ..labels import LabelSpace
from ..panoptic import Panoptic
from .settings import Settings

Pixels: TypeAlias = 'npt.NDArray[np.uint8] | npt.NDArray[np.uint16]'


class ImageOutput:
    """
    An image topic and its ``/compressed`` twin: PNG, or JPEG for an image that is no label.

    Parameters
    ----------
    node
        The node that publishes.
    topic
        Name of the raw topic.
    encoding
        Encoding of the images.
    always
        Whether to publish the raw image also while nobody subscribes to it.

    """

    def __init__(self, node: Node, topic: str, encoding: str, always: bool = False) -> None:
        self._always = always
        self._raw = _publisher(node, Image, topic)
        self._compressed = _publisher(node, CompressedImage, f'{topic}/compressed')
        self._message = Image(encoding=encoding)

    @property
    def wanted(self) -> bool:
        """Whether somebody subscribes to one of the two topics."""
        return self._always or any(p.get_subscription_count() for p in self.publishers)

    @property
    def publishers(self) -> tuple[Publisher, Publisher]:
        """The publishers of the raw and of the compressed images."""
        return self._raw, self._compressed

    @property
    def topic(self) -> str:
        """The full name of the raw topic."""
        return str(self._raw.topic_name)

    def publish(self, header: Header, pixels: Pixels) -> None:
        """Publish a raw image, if it is wanted."""
        if self._always or self._raw.get_subscription_count():
            self._message.header = header
            fill(self._message, pixels)
            self._raw.publish(self._message)

    def compress(self, header: Header, pixels: Pixels,
                 jpeg_quality: int = messages.JPEG_QUALITY) -> None:
        """
        Publish a compressed image, if somebody subscribes to it.

        Raises
        ------
        ValueError
            The format holds no image of that size.

        """
        if self._compressed.get_subscription_count():
            self._compressed.publish(messages.compressed_image(
                new, pixels, self._message.encoding, header, jpeg_quality))


class CameraOutputs:
    """
    All outputs of one camera.

    Parameters
    ----------
    node
        The node that publishes.
    prefix
        Prefix of the topics' names; ``~`` for a single camera.

    """

    def __init__(self, node: Node, prefix: str = '~') -> None:
        self._node = node
        self._label_info = _publisher(node, LabelInfo, f'{prefix}/label_info', latched=True)
        self._objects = _publisher(node, Detection2DArray, f'{prefix}/objects')
        self._panoptic = ImageOutput(node, f'{prefix}/panoptic', '16UC1', always=True)
        self._semantic = ImageOutput(node, f'{prefix}/semantic', 'mono8')
        self._instance = ImageOutput(node, f'{prefix}/instance', '16UC1')
        self._confidence = ImageOutput(node, f'{prefix}/confidence', 'mono8')
        self._overlay = ImageOutput(node, f'{prefix}/overlay', 'bgr8')

    @property
    def wants_confidence(self) -> bool:
        """Whether somebody subscribes to the confidence, which the decoder has to compute."""
        return self._confidence.wanted

    def publish_label_info(self, label_space: LabelSpace) -> None:
        """Publish the names of the classes, latched; call this before the first label image."""
        header = Header(stamp=self._node.get_clock().now().to_msg())
        self._label_info.publish(messages.label_info(new, label_space, header))

    def publish(self, header: Header, panoptic: Panoptic) -> None:
        """Publish one frame's labels and objects; all messages have the header of its image."""
        self._panoptic.publish(header, panoptic.labels)
        self._objects.publish(messages.detections(new, panoptic, header))

    def draw(self, header: Header, image: npt.NDArray[np.uint8], panoptic: Panoptic,
             settings: Settings) -> Iterator[tuple[str, Callable[[], None]]]:
        """
        Yield what else is wanted of a frame: the name of a topic, and what publishes to it.

        That may fail.  So whoever calls it can tell by which output, and go on with the others.
        """
        images: tuple[tuple[ImageOutput, Callable[[], Pixels | None]], ...] = (
            (self._panoptic, lambda: panoptic.labels),
            (self._semantic, panoptic.semantic), (self._instance, panoptic.instances),
            (self._confidence, lambda: panoptic.confidence),
            (self._overlay, lambda: overlay.draw(image, panoptic, settings.overlay_opacity)))
        for output, compute in images:
            if output.wanted:
                yield output.topic, partial(self._draw, output, header, compute,
                                            settings.jpeg_quality)

    def _draw(self, output: ImageOutput, header: Header, compute: Callable[[], Pixels | None],
              jpeg_quality: int) -> None:
        pixels = compute()
        if pixels is None:
            return
        if output is not self._panoptic:        # whose labels are published already
            output.publish(header, pixels)
        output.compress(header, pixels, jpeg_quality)

    def destroy(self) -> None:
        """Take the topics off the graph."""
        images = (self._panoptic, self._semantic, self._instance, self._confidence, self._overlay)
        for publisher in (self._label_info, self._objects, *(
                publisher for output in images for publisher in output.publishers)):
            self._node.destroy_publisher(publisher)


def _publisher(node: Node, kind: type, topic: str, latched: bool = False) -> Publisher:
    # Each publisher has a profile of its own, because qos_overrides are written into it.
    qos = QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)
    if latched:
        qos.durability = DurabilityPolicy.TRANSIENT_LOCAL
    return node.create_publisher(
        kind, topic, qos, qos_overriding_options=QoSOverridingOptions.with_default_policies())


def fill(message: Image, pixels: Pixels) -> None:
    """
    Put pixels, (H, W) or (H, W, channels), into a message that is reused from frame to frame.

    The message's memory is reused while the size stays the same.  The caller sets the encoding and
    the header.
    """
    if len(message.data) != pixels.nbytes:
        # rosidl would check any other type than an array element by element
        message.data = array('B', bytes(pixels.nbytes))
    message.height, message.width = pixels.shape[:2]
    message.step = pixels.nbytes // pixels.shape[0]
    message.is_bigendian = int(sys.byteorder == 'big')
    native = pixels.dtype.newbyteorder('=')
    np.copyto(np.frombuffer(message.data, native).reshape(pixels.shape), pixels)


def new(message_type: str, /, **values: Any) -> Any:
    """Return a message of the installed ROS; the caller gives a value for every field."""
    data = values.get('data')
    if isinstance(data, np.ndarray):        # rosidl would check its elements one by one
        values['data'] = array('B', data.tobytes())
    kind, others = _kind(message_type)
    message = object.__new__(kind)          # the constructor would first make all defaults
    for name, value in others:
        setattr(message, name, value)
    for name, value in values.items():
        setattr(message, name, value)
    return message


@cache
def _kind(message_type: str) -> tuple[type[Any], tuple[tuple[str, Any], ...]]:
    """Return a message's class, and the attributes that its constructor sets beside the fields."""
    package, _, name = message_type.split('/')
    kind: Any = getattr(import_module(f'{package}.msg'), name)
    fields, default = {f'_{field}' for field in kind.get_fields_and_field_types()}, kind()
    return kind, tuple((slot, getattr(default, slot)) for slot in kind.__slots__
                       if slot not in fields)
