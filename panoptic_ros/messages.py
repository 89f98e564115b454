"""
Panoptic results as ROS messages, for every library that makes messages.

Every function takes a factory ``new(message_type, **values)``, which returns a message of a type
such as ``std_msgs/msg/Header``. The factory gets a value for every field.
"""

from __future__ import annotations

from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from .images import encode
from .labels import LabelSpace
from .panoptic import Panoptic

IMAGE = 'sensor_msgs/msg/Image'
COMPRESSED_IMAGE = 'sensor_msgs/msg/CompressedImage'
DETECTIONS = 'vision_msgs/msg/Detection2DArray'
LABEL_INFO = 'vision_msgs/msg/LabelInfo'

JPEG_QUALITY = 90
"""The default quality of compressed overlays, from 1 to 100."""

_PNG = (cv2.IMWRITE_PNG_COMPRESSION, 1)


class Factory(Protocol):
    """Makes messages."""

    def __call__(self, message_type: str, /, **values: Any) -> Any:
        """Return a message with these values."""


def label_info(new: Factory, label_space: LabelSpace, header: Any) -> Any:
    """Return ``vision_msgs/LabelInfo``: the classes' names by the values of ``~/semantic``."""
    return new(LABEL_INFO, header=header, threshold=0.0, class_map=[
        new('vision_msgs/msg/VisionClass', class_id=class_id, class_name=name)
        for class_id, name in enumerate(label_space.names)])


def detections(new: Factory, panoptic: Panoptic, header: Any) -> Any:
    """
    Return ``vision_msgs/Detection2DArray`` of an image's things, largest first.

    Each thing has one hypothesis. A thing's ``id`` is the value of its pixels in ``~/panoptic``,
    so it is unique within an image. With tracking, a thing keeps its ``id`` from image to image.
    The corners of the box are at center -+ size / 2, in pixels from the image's upper left corner.
    """
    things = panoptic.things
    names = panoptic.label_space.names
    no_pose = _no_pose(new)
    return new(DETECTIONS, header=header, detections=[
        new('vision_msgs/msg/Detection2D', header=header, id=str(label), bbox=_box(new, box),
            results=[new('vision_msgs/msg/ObjectHypothesisWithPose', pose=no_pose,
                         hypothesis=new('vision_msgs/msg/ObjectHypothesis',
                                        class_id=names[class_id], score=score))])
        for label, class_id, score, box in zip(
            things.label.tolist(), things.class_id.tolist(), things.score.tolist(),
            things.box.tolist(), strict=True)])


def compressed_image(new: Factory, pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16],
                     encoding: str, header: Any, jpeg_quality: int = JPEG_QUALITY) -> Any:
    """
    Return ``sensor_msgs/CompressedImage``: JPEG of ``bgr8`` pixels, PNG of any others.

    The factory gets ``data`` as (N,) uint8.

    Raises
    ------
    ValueError
        OpenCV has no such encoder, or a JPEG holds no image of that size.

    """
    name, extension, flags = ('jpeg', '.jpg', (cv2.IMWRITE_JPEG_QUALITY, jpeg_quality)) if (
        encoding == 'bgr8') else ('png', '.png', _PNG)
    return new(COMPRESSED_IMAGE, header=header, data=encode(pixels, extension, flags),
               format=f'{encoding}; {name} compressed {encoding}')


def _box(new: Factory, box: list[int]) -> Any:
    x0, y0, x1, y1 = box
    center = new('vision_msgs/msg/Pose2D', theta=0.0, position=new(
        'vision_msgs/msg/Point2D', x=(x0 + x1) / 2, y=(y0 + y1) / 2))
    return new('vision_msgs/msg/BoundingBox2D', center=center, size_x=float(x1 - x0),
               size_y=float(y1 - y0))


def _no_pose(new: Factory) -> Any:
    return new('geometry_msgs/msg/PoseWithCovariance', covariance=np.zeros(36), pose=new(
        'geometry_msgs/msg/Pose', position=new('geometry_msgs/msg/Point', x=0.0, y=0.0, z=0.0),
        orientation=new('geometry_msgs/msg/Quaternion', x=0.0, y=0.0, z=0.0, w=1.0)))
