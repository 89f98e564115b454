"""What a bag is labelled with is, byte for byte, what the node publishes."""

import cv2
import numpy as np
import pytest

from panoptic_ros import Panoptic, messages
from panoptic_ros.bags import messages as bag_messages
from panoptic_ros.bags.typestore import typestore
from panoptic_ros.messages import COMPRESSED_IMAGE, DETECTIONS, IMAGE, LABEL_INFO

pytest.importorskip('rclpy')
pytest.importorskip('vision_msgs')


@pytest.fixture
def panoptic(cityscapes):
    labels = np.zeros((32, 64), np.uint16)
    labels[4:20, 10:31] = 13_001
    labels[25:30, 40:43] = 11_002
    labels[0, :] = 65535
    return Panoptic.from_labels(labels, cityscapes)


@pytest.fixture
def headers():
    """For a bag and for DDS."""
    from builtin_interfaces.msg import Time
    from std_msgs.msg import Header
    return (bag_messages.header(1_700_000_000_000_000_042, 'camera'),
            Header(frame_id='camera', stamp=Time(sec=1_700_000_000, nanosec=42)))


def on_the_wire(ours, theirs, message_type: str):
    """Return both serialised; the published one is read first: rclpy's padding has no value."""
    from rclpy.serialization import serialize_message
    store = typestore()
    published = store.deserialize_cdr(serialize_message(theirs), message_type)
    return (bytes(store.serialize_cdr(ours, message_type)),
            bytes(store.serialize_cdr(published, message_type)))


def made_twice(make, headers, message_type: str) -> bytes:
    """Return what both factories make."""
    from panoptic_ros.node.outputs import new
    ours, theirs = on_the_wire(make(bag_messages.new, headers[0]), make(new, headers[1]),
                               message_type)
    assert ours == theirs
    return ours


def test_detections(panoptic, headers):
    data = made_twice(lambda new, header: messages.detections(new, panoptic, header), headers,
                      DETECTIONS)
    first, second = typestore().deserialize_cdr(data, DETECTIONS).detections
    assert (first.id, first.results[0].hypothesis.class_id) == ('13001', 'car')
    center = first.bbox.center.position
    assert (center.x, center.y, first.bbox.size_x, first.bbox.size_y) == (20.5, 12, 21, 16)
    assert (second.id, second.results[0].hypothesis.class_id) == ('11002', 'person')
    assert second.results[0].pose.pose.orientation.w == 1


def test_label_info(cityscapes, headers):
    data = made_twice(lambda new, header: messages.label_info(new, cityscapes, header), headers,
                      LABEL_INFO)
    found = typestore().deserialize_cdr(data, LABEL_INFO).class_map
    assert [(entry.class_id, entry.class_name) for entry in found] == list(
        enumerate(cityscapes.names))


@pytest.mark.parametrize(('encoding', 'words', 'start'), [
    ('bgr8', 'bgr8; jpeg compressed bgr8', b'\xff\xd8'),
    ('16UC1', '16UC1; png compressed 16UC1', b'\x89PNG')])
def test_compressed_image(panoptic, headers, encoding, words, start):
    pixels = panoptic.labels if encoding == '16UC1' else np.full((32, 64, 3), 90, np.uint8)
    data = made_twice(lambda new, header: messages.compressed_image(new, pixels, encoding, header),
                      headers, COMPRESSED_IMAGE)
    found = typestore().deserialize_cdr(data, COMPRESSED_IMAGE)
    assert found.format == words
    assert bytes(found.data).startswith(start)
    if encoding == '16UC1':
        np.testing.assert_array_equal(cv2.imdecode(found.data, cv2.IMREAD_UNCHANGED), pixels)


def test_label_image(panoptic, headers):
    from sensor_msgs.msg import Image

    from panoptic_ros.node.outputs import fill
    theirs = Image(header=headers[1], encoding='16UC1')
    fill(theirs, panoptic.labels)
    ours, theirs = on_the_wire(bag_messages.image(panoptic.labels, '16UC1', headers[0]), theirs,
                               IMAGE)
    assert ours == theirs
