"""Camera, consumer and plain relay of ``benchmark transport``; each is a process."""

from __future__ import annotations

import json
import sys
import time
from array import array
from contextlib import suppress

import numpy as np
import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from sensor_msgs.msg import Image

IMAGE, LABELS = 'transport/image', 'transport/labels'
"""The topics from the camera and to the consumer."""

_DEPTH = 10
"""The depth that rclpy's tutorials use; a topic with nothing but a depth is reliable."""

_PATIENCE, _SETTLE = 60.0, 1.0
"""Seconds until all processes must have met; seconds for the rest of the discovery."""


def publish_images(height: int, width: int, rate: float, frames: int) -> None:
    """Publish bgr8 images of noise, each with the time of its publish; print their stamps."""
    node = rclpy.create_node('camera')
    publisher = node.create_publisher(Image, IMAGE, _DEPTH)
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    message = Image(height=height, width=width, step=3 * width, encoding='bgr8',
                    data=array('B', pixels.tobytes()))
    deadline = time.monotonic() + _PATIENCE
    while not (publisher.get_subscription_count() and node.count_publishers(LABELS)
               and node.count_subscribers(LABELS)):
        if time.monotonic() > deadline:
            raise TimeoutError(f'nobody relays {IMAGE} to {LABELS} after {_PATIENCE:g} s')
        time.sleep(0.05)
    time.sleep(_SETTLE)
    sent = []
    start = time.monotonic()
    for frame in range(frames):
        time.sleep(max(0.0, start + frame / rate - time.monotonic()))
        now = time.time_ns()
        message.header.stamp.sec, message.header.stamp.nanosec = divmod(now, 10**9)
        publisher.publish(message)
        sent.append(now)
    time.sleep(_SETTLE)
    print(json.dumps(sent), flush=True)


def take_labels() -> None:
    """Take images until interrupted; print stamp and arrival of each, in nanoseconds."""
    taken: list[tuple[int, int]] = []

    def take(message: Image) -> None:
        stamp = message.header.stamp
        taken.append((stamp.sec * 10**9 + stamp.nanosec, time.time_ns()))

    node = rclpy.create_node('consumer')
    node.create_subscription(Image, LABELS, take, _DEPTH)
    _spin(node)
    print(json.dumps(taken), flush=True)


def relay() -> None:
    """Publish each message that comes, as a simple node does."""
    node = rclpy.create_node('relay')
    publisher = node.create_publisher(Image, LABELS, _DEPTH)
    node.create_subscription(Image, IMAGE, publisher.publish, _DEPTH)
    _spin(node)


def _spin(node: Node) -> None:
    with suppress(KeyboardInterrupt, ExternalShutdownException):
        rclpy.spin(node)


def main() -> None:
    """Play the part that the command line names."""
    part, *values = sys.argv[1:]
    rclpy.init()
    if part == 'camera':
        height, width, frames = map(int, values[:3])
        publish_images(height, width, float(values[3]), frames)
    else:
        {'consumer': take_labels, 'relay': relay}[part]()


if __name__ == '__main__':
    main()
