"""The bag that the tests of bags read."""

from pathlib import Path

import numpy as np

from panoptic_ros.bags import messages
from panoptic_ros.bags.writer import BagWriter
from panoptic_ros.messages import IMAGE

START = 1_700_000_000_123_456_789
PERIOD = 50_000_000
FRAMES = 12


def picture(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 255, (48, 64, 3), np.uint8)


def write(path: Path) -> Path:
    """Write a bag with a camera at 20 Hz, its label images and a latched topic."""
    with BagWriter(path) as writer:
        writer.add_topic('/camera/image_raw', IMAGE)
        writer.add_topic('/camera/labels', IMAGE)
        writer.add_topic('/camera/model', 'std_msgs/msg/String', latched=True)
        writer.write('/camera/model', START, b'\0\1\0\0\6\0\0\0abcde\0')
        for number in range(FRAMES):
            stamp = START + number * PERIOD
            header = messages.header(stamp - 5_000_000, 'camera_optical')
            writer.write('/camera/image_raw', stamp,
                         messages.image(picture(number), 'bgr8', header))
            writer.write('/camera/labels', stamp, messages.image(
                np.full((48, 64), number, np.uint16), '16UC1', header))
    return path
