"""Panoptic results as messages for a bag, with no ROS on the machine."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..labels import LabelSpace
from ..panoptic import Panoptic
from .typestore import typestore

DETECTIONS = 'vision_msgs/msg/Detection2DArray'
LABEL_INFO = 'vision_msgs/msg/LabelInfo'


def header(stamp: int, frame_id: str) -> Any:
    """Return a ``std_msgs/Header`` with a stamp in nanoseconds since the epoch."""
    seconds, nanoseconds = divmod(stamp, 1_000_000_000)
    return _new('std_msgs/msg/Header', frame_id=frame_id,
                stamp=_new('builtin_interfaces/msg/Time', sec=seconds, nanosec=nanoseconds))


def image(pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16], encoding: str,
          header: Any) -> Any:
    """Return ``sensor_msgs/Image`` of (H, W) or (H, W, channels) pixels."""
    packed = np.ascontiguousarray(pixels)
    return _new('sensor_msgs/msg/Image', header=header, encoding=encoding,
                height=packed.shape[0], width=packed.shape[1], is_bigendian=0,
                step=packed.nbytes // packed.shape[0], data=packed.reshape(-1).view(np.uint8))


def compressed_image(data: npt.NDArray[np.uint8], format: str, header: Any) -> Any:
    """Return ``sensor_msgs/CompressedImage`` of a whole file's bytes."""
    return _new('sensor_msgs/msg/CompressedImage', header=header, format=format, data=data)


def label_info(label_space: LabelSpace, header: Any) -> Any:
    """Return ``vision_msgs/LabelInfo`` as the node publishes it on ``~/label_info``."""
    return _new(LABEL_INFO, header=header, threshold=0.0, class_map=[
        _new('vision_msgs/msg/VisionClass', class_id=class_id, class_name=name)
        for class_id, name in enumerate(label_space.names)])


def detections(panoptic: Panoptic, header: Any) -> Any:
    """Return ``vision_msgs/Detection2DArray`` as the node publishes it on ``~/objects``."""
    things = panoptic.things
    names = panoptic.label_space.names
    return _new(DETECTIONS, header=header, detections=[
        _detection(str(label), names[class_id], score, box, header)
        for label, class_id, score, box in zip(
            things.label.tolist(), things.class_id.tolist(), things.score.tolist(),
            things.box.tolist(), strict=True)])


def _detection(identifier: str, name: str, score: float, box: list[int], header: Any) -> Any:
    x0, y0, x1, y1 = box
    center = _new('vision_msgs/msg/Pose2D', theta=0.0, position=_new(
        'vision_msgs/msg/Point2D', x=(x0 + x1) / 2, y=(y0 + y1) / 2))
    hypothesis = _new('vision_msgs/msg/ObjectHypothesisWithPose', pose=_no_pose(), hypothesis=_new(
        'vision_msgs/msg/ObjectHypothesis', class_id=name, score=score))
    return _new('vision_msgs/msg/Detection2D', header=header, results=[hypothesis], id=identifier,
                bbox=_new('vision_msgs/msg/BoundingBox2D', center=center, size_x=float(x1 - x0),
                          size_y=float(y1 - y0)))


def _no_pose() -> Any:
    return _new('geometry_msgs/msg/PoseWithCovariance', covariance=np.zeros(36), pose=_new(
        'geometry_msgs/msg/Pose', position=_new('geometry_msgs/msg/Point', x=0.0, y=0.0, z=0.0),
        orientation=_new('geometry_msgs/msg/Quaternion', x=0.0, y=0.0, z=0.0, w=1.0)))


def _new(message_type: str, **values: Any) -> Any:
    return typestore().types[message_type](**values)
