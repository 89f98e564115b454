"""The camera frames of a bag."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..images import ImageError, Limits, decompress, to_bgr
from ..messages import COMPRESSED_IMAGE, IMAGE
from .reader import Bag, BagError, Record, Topic, describe

IMAGES = (IMAGE, COMPRESSED_IMAGE)


@dataclass(frozen=True, eq=False)
class CameraFrame:
    """One frame of a recorded camera."""

    header: Any
    """The frame's ``std_msgs/Header``."""
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
    images = [topic for topic in bag.topics if topic.type in IMAGES]
    if not images:
        raise BagError(f'{bag.path} has no topic of images: {describe(bag.topics)}')
    others = {topic.name: words for topic in images if (words := _why_no_camera(bag, topic))}
    cameras = [topic for topic in images if topic.name not in others]
    if not cameras:
        words = '; '.join(f'{name}: {words}' for name, words in others.items())
        raise BagError(f'{bag.path} has no camera topic: {words}')
    if len(cameras) > 1:
        raise BagError(f'{bag.path} has {len(cameras)} camera topics: name one; '
                       f'{describe(cameras)}')
    return cameras[0]


def camera_frames(bag: Bag, topic: Topic) -> Iterator[CameraFrame]:
    """
    Yield every frame of a camera topic, in order of time.

    Raises
    ------
    BagError
        There is no frame, a message holds no usable image, or the bag is damaged.

    """
    for number, record in enumerate(camera_records(bag, topic)):
        yield camera_frame(bag, number, record)


def camera_records(bag: Bag, topic: Topic, part: tuple[int, int] | None = None
                   ) -> Iterator[Record]:
    """
    Yield every message of a camera topic, or those of a part of the time, in order of time.

    Raises
    ------
    BagError
        There is no message, or the bag is damaged.

    """
    if not topic.count:
        raise BagError(f'0 frames of {topic.name} in {bag.path}: {describe(bag.topics)}')
    yield from bag.messages([topic.name], part)


def camera_frame(bag: Bag, number: int, record: Record,
                 limits: Limits | None = None) -> CameraFrame:
    """
    Return the frame that a message holds; ``number`` counts the messages of its topic from 0.

    An image beyond the limits is refused before it is decoded.

    Raises
    ------
    BagError
        The message holds no usable image.

    """
    message = bag.decode(record)
    try:
        image = _pixels(message, record.topic, limits)
    except ImageError as error:
        raise BagError(f'frame {number} of {record.topic.name} in {bag.path}: {error}') from error
    return CameraFrame(message.header, image, record)


def _pixels(message: Any, topic: Topic, limits: Limits | None = None) -> npt.NDArray[np.uint8]:
    return (to_bgr if topic.type == IMAGE else decompress)(message, limits)


def _why_no_camera(bag: Bag, topic: Topic) -> str | None:
    """Tell a camera from label, depth and other images by its first message."""
    if not topic.count:
        return 'it has no messages'
    message = bag.decode(next(bag.messages([topic.name])))
    try:
        _pixels(message, topic)
    except ImageError as error:
        # one that is broken otherwise is a camera's all the same
        return str(error) if error.kind == 'encoding' else None
    return None
