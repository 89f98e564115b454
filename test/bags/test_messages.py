"""What a bag is labelled with is, byte for byte, what the node publishes."""

import numpy as np
import pytest

from panoptic_ros import Panoptic
from panoptic_ros.bags import messages
from panoptic_ros.bags.frames import IMAGE
from panoptic_ros.bags.typestore import typestore

pytest.importorskip('rclpy')
pytest.importorskip('vision_msgs')

STAMP = 1_700_000_000_000_000_042


@pytest.fixture
def panoptic(cityscapes):
    labels = np.zeros((32, 64), np.uint16)
    labels[4:20, 10:31] = 13_001
    labels[25:30, 40:43] = 11_002
    labels[0, :] = 65535
    return Panoptic.from_labels(labels, cityscapes)


@pytest.fixture
def ros_header():
    from builtin_interfaces.msg import Time
    from std_msgs.msg import Header
    return Header(frame_id='camera', stamp=Time(sec=1_700_000_000, nanosec=42))


def same(ours, theirs, message_type: str) -> bool:
    """Are the two equal on the wire? Read back first: rclpy's padding has no defined value."""
    from rclpy.serialization import serialize_message
    store = typestore()
    published = store.deserialize_cdr(serialize_message(theirs), message_type)
    return (store.serialize_cdr(ours, message_type)
            == store.serialize_cdr(published, message_type))


def test_detections(panoptic, ros_header):
    from panoptic_ros.node.messages import detections
    ours = messages.detections(panoptic, messages.header(STAMP, 'camera'))
    assert len(ours.detections) == 2
    assert same(ours, detections(panoptic, ros_header), messages.DETECTIONS)


def test_label_info(cityscapes, ros_header):
    from panoptic_ros.node.messages import label_info
    ours = messages.label_info(cityscapes, messages.header(STAMP, 'camera'))
    assert same(ours, label_info(cityscapes, ros_header), messages.LABEL_INFO)


def test_label_image(panoptic, ros_header):
    from sensor_msgs.msg import Image

    from panoptic_ros.node.images import fill
    theirs = Image(header=ros_header, encoding='16UC1')
    fill(theirs, panoptic.labels)
    ours = messages.image(panoptic.labels, '16UC1', messages.header(STAMP, 'camera'))
    assert same(ours, theirs, IMAGE)
