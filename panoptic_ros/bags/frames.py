"""The camera frames of a bag."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..images import ENCODINGS, ImageError, decompress, to_bgr
from .reader import Bag, BagError, Record, Topic, describe

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'
IMAGES = (IMAGE, COMPRESSED_IMAGE)


@dataclass(frozen=True, eq=False)
class CameraFrame:
    """One frame of a recorded camera."""

    header: Any
    """Its ``std_msgs/Header``."""
    image: npt.NDArray[np.uint8]
    """(H, W, 3) uint8, BGR."""
    record: Record
    """The message as the bag holds it."""

    @property
    def stamp(self) -> int:
        """When the camera took it, in nanoseconds since the epoch."""
        return stamp_of(self.header)


def stamp_of(header: Any) -> int:
    """Return a header's stamp in nanoseconds since the epoch."""
    return int(header.stamp.sec) * 1_000_000_000 + int(header.stamp.nanosec)


def camera_topic(bag: Bag, name: str | None = None) -> Topic:
    """
    Return the camera topic of that name; without a name, the bag's only one.

    Raises
    ------
    BagError
        There is no such topic, or more than one to choose from.

    """
    if name is not None:
        return bag.topic(name, IMAGES)
    cameras = [topic for topic in bag.topics if topic.type in IMAGES and _is_camera(bag, topic)]
    if len(cameras) != 1:
        known = describe(cameras or bag.topics)
        raise BagError(f'{bag.path} has {len(cameras)} camera topics: name one; {known}')
    return cameras[0]


def camera_frames(bag: Bag, topic: Topic) -> Iterator[CameraFrame]:
    """
    Yield every frame of a camera topic, in order of time.

    Raises
    ------
    BagError
        A message holds no image that can be used, or the bag is damaged.

    """
    for number, record in enumerate(bag.messages([topic.name])):
        message = bag.decode(record)
        try:
            image = (to_bgr if topic.type == IMAGE else decompress)(message)
        except ImageError as error:
            raise BagError(f'frame {number} of {topic.name} in {bag.path}: {error}') from error
        yield CameraFrame(message.header, image, record)


def _is_camera(bag: Bag, topic: Topic) -> bool:
    """Tell a camera from label, depth and other images by its first message."""
    first = next(bag.messages([topic.name]), None)
    if first is None:
        return False
    message = bag.decode(first)
    if topic.type == IMAGE:
        return message.encoding in ENCODINGS
    return 'png' not in message.format or 'bgr8' in message.format or 'rgb8' in message.format
