"""Bytes of images, read by us and by others."""

from array import array

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from rclpy.serialization import serialize_message
from rosbags.typesys import Stores, get_typestore
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from panoptic_ros.images import ImageError, to_bgr, wire

STORE = get_typestore(Stores.ROS2_JAZZY)
RANDOM = np.random.default_rng(0)


def new_header(sec, nanosec, frame_id):
    return Header(stamp=Time(sec=sec, nanosec=nanosec), frame_id=frame_id)


def read_image(data):
    assert wire.is_plain(data)
    return wire.read_image(data, new_header)


def read_compressed_image(data):
    return wire.read_compressed_image(data, new_header)


def header(number):
    return Header(stamp=Time(sec=-number, nanosec=10**9 - 1 - number), frame_id='kämera'[:number])


def image(number):
    """An image whose texts and pixels have the lengths that alignment can meet."""
    height, width = 1 + number % 3, 1 + number
    encoding = ('bgr8', 'mono8', 'rgba8')[number % 3]
    return Image(header=header(number % 7), height=height, width=width, encoding=encoding,
                 is_bigendian=number % 2, step=4 * width,
                 data=array('B', RANDOM.bytes(4 * width * height)))


def by_rosbags(message, kind, little_endian):
    """The bytes as another library writes them, in either order."""
    types = STORE.types
    stamp = message.header.stamp
    head = types['std_msgs/msg/Header'](
        types['builtin_interfaces/msg/Time'](stamp.sec, stamp.nanosec), message.header.frame_id)
    names = [name for name in message.get_fields_and_field_types() if name != 'header']
    values = [getattr(message, name) for name in names[:-1]]
    data = np.frombuffer(message.data, np.uint8)
    return bytes(STORE.serialize_cdr(types[kind](head, *values, data), kind,
                                     little_endian=little_endian))


def assert_same(read, message):
    assert read.header == message.header
    for name in message.get_fields_and_field_types():
        if name not in ('header', 'data'):
            assert getattr(read, name) == getattr(message, name), name
    assert bytes(read.data) == message.data.tobytes()


@pytest.mark.parametrize('number', range(24))
def test_images_are_read_as_they_were_written(number):
    message = image(number)
    assert_same(read_image(serialize_message(message)), message)
    for little_endian in (False, True):
        data = by_rosbags(message, 'sensor_msgs/msg/Image', little_endian)
        assert_same(read_image(data), message)


@pytest.mark.parametrize('number', range(8))
def test_compressed_images_are_read_as_they_were_written(number):
    message = CompressedImage(header=header(number), format='bgr8; jpeg'[:2 + number],
                              data=array('B', RANDOM.bytes(5 * number)))
    assert_same(read_compressed_image(serialize_message(message)), message)
    for little_endian in (False, True):
        data = by_rosbags(message, 'sensor_msgs/msg/CompressedImage', little_endian)
        assert_same(read_compressed_image(data), message)


def test_pixels_are_not_copied():
    message = Image(height=2, width=2, step=6, encoding='bgr8', data=array('B', range(12)))
    data = serialize_message(message)
    assert np.shares_memory(to_bgr(read_image(data)), np.frombuffer(data, np.uint8))


def test_a_message_that_is_cut_off_anywhere_is_refused():
    data = serialize_message(image(5))
    for length in range(4, len(data)):
        with pytest.raises(ImageError, match='cut off'):
            read_image(data[:length])


def test_lengths_beyond_the_message_are_refused():
    data = bytearray(serialize_message(Image(encoding='bgr8')))
    data[12:16] = b'\xff\xff\xff\xff'
    with pytest.raises(ImageError, match='ends at byte 4294967311'):
        read_image(bytes(data))


def test_a_text_longer_than_any_name_is_refused():
    for message in (Image(encoding='x' * 1024), Image(header=Header(frame_id='x' * 10**6))):
        with pytest.raises(ImageError, match='expected 1024 at most') as refused:
            read_image(serialize_message(message))
        assert len(str(refused.value)) < 100, 'what goes to the log'
