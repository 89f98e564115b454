"""The message definitions for reading and writing bags."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

VISION_MSGS = {
    'Point2D': 'float64 x\nfloat64 y',
    'Pose2D': 'vision_msgs/Point2D position\nfloat64 theta',
    'BoundingBox2D': 'vision_msgs/Pose2D center\nfloat64 size_x\nfloat64 size_y',
    'ObjectHypothesis': 'string class_id\nfloat64 score',
    'ObjectHypothesisWithPose':
        'vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose',
    'Detection2D':
        'std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n'
        'vision_msgs/BoundingBox2D bbox\nstring id',
    'Detection2DArray': 'std_msgs/Header header\nvision_msgs/Detection2D[] detections',
    'VisionClass': 'uint16 class_id\nstring class_name',
    'LabelInfo':
        'std_msgs/Header header\nvision_msgs/VisionClass[] class_map\nfloat32 threshold',
    'VisionInfo':
        'std_msgs/Header header\nstring method\nstring database_location\n'
        'int32 database_version',
}
"""The fields of vision_msgs 4, so that bags can be written without that package."""

_NAME = re.compile(r'[a-zA-Z][a-zA-Z0-9_]*/msg/[a-zA-Z][a-zA-Z0-9]*')


@cache
def typestore() -> Typestore:
    """Return the definitions of ROS 2's common messages and vision_msgs."""
    store = get_typestore(Stores.ROS2_JAZZY)
    for name, fields in VISION_MSGS.items():
        store.register(get_types_from_msg(fields, f'vision_msgs/msg/{name}'))
    return store


def is_defined(message_type: str) -> bool:
    """Tell whether a name, package/msg/Name, is a message that is defined here."""
    return bool(_NAME.fullmatch(message_type)) and (
        message_type in typestore().types
        or any(_file(message_type, suffix) for suffix in ('msg', 'idl')))


def define(message_type: str) -> None:
    """
    Learn a message type and those that it is made of from the ROS installation.

    Raises
    ------
    LookupError
        The name is no name of a message, or no installed package defines it.

    """
    store = typestore()
    if message_type in store.types:
        return
    file = _file(message_type, 'msg') if _NAME.fullmatch(message_type) else None
    if file is None:
        raise LookupError(f'{message_type} is not defined on this machine: install or source the '
                          f'ROS package {message_type.partition("/")[0]}')
    found = get_types_from_msg(file.read_text(encoding='utf-8'), message_type)
    store.register(found)
    for _, fields in found.values():
        for _, descriptor in fields:
            for part in _messages_in(descriptor):
                define(part)


def _file(message_type: str, suffix: str) -> Path | None:
    """Return the file of the ROS installation that defines a message type."""
    package, _, name = message_type.split('/')
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    files = [Path(prefix, 'share', package, 'msg', f'{name}.{suffix}')
             for prefix in prefixes if prefix]
    return next((file for file in files if file.is_file()), None)


def _messages_in(descriptor: tuple[Nodetype, Any]) -> Iterator[str]:
    """Yield the message type that a field's type names, if any."""
    kind, inner = descriptor
    if kind == Nodetype.NAME:
        yield inner
    elif kind != Nodetype.BASE:
        yield from _messages_in(inner[0])
