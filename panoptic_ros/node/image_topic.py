"""The topic of a camera's images, remapped as ``image_transport`` does it."""

from __future__ import annotations

from collections.abc import Iterable

from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node

from .text import publishable

LONGEST_OUTPUT = 'confidence/compressed'
"""The longest name that is published under a camera's."""


class ImageTopic:
    """
    Where a camera's images come from.

    A transport's name follows that of the raw images after remapping, so that it is enough to
    remap ``image``; a remapping of ``image/compressed`` itself goes before that.

    Parameters
    ----------
    node
        The node that subscribes.
    camera
        Name of the camera; empty where there is one only.
    transport
        'raw' or 'compressed'.

    """

    def __init__(self, node: Node, camera: str, transport: str) -> None:
        base = f'{camera}/image' if camera else 'image'
        self.own = base if transport == 'raw' else f'{base}/{transport}'
        """The name that a remapping has on its left, for people."""
        self.subscribed = self.own
        """The name to subscribe to, which is remapped then."""
        if transport != 'raw' and not _is_remapped(node, self.own):
            self.subscribed = f'{node.resolve_topic_name(base)}/{transport}'
        self.name = str(node.resolve_topic_name(self.subscribed))
        """The full name after remapping."""


def _is_remapped(node: Node, name: str) -> bool:
    return bool(node.resolve_topic_name(name) != node.resolve_topic_name(name, only_expand=True))


def check_topics(node: Node, cameras: Iterable[tuple[str, str]]) -> None:
    """
    Refuse a camera whose topics ROS could not have: a name has 247 bytes, namespace and node too.

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
        except rclpy_implementation.RCLError as error:
            culprit = f'camera {publishable(camera, 40)!r}' if camera else 'namespace and node'
            raise ValueError(f'{culprit}: the names of topics would be longer than the 247 bytes '
                             'that ROS allows, with namespace, node and output: take a shorter '
                             'name') from error
