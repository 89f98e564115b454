"""How the image of a message is made: at once, or in the thread of its camera."""

import threading
import time
from types import SimpleNamespace
from unittest.mock import Mock

import cv2
import numpy as np
import pytest
from ros_harness import image_message
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from panoptic_ros.images import Limits
from panoptic_ros.node.frame import Decoder, Frame, Stamp

IMAGE = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
NOW = Stamp(0.0, False, True)


@pytest.fixture
def decompress(monkeypatch):
    """What decodes a file, and waits until it may go on; it notes its thread."""
    def wait(message, limits):
        decompress.threads.append(threading.current_thread().name)
        decompress.begun.set()
        assert decompress.go.wait(10)
        return IMAGE

    decompress = SimpleNamespace(threads=[], begun=threading.Event(), go=threading.Event())
    monkeypatch.setattr('panoptic_ros.images.decompress', wait)
    return decompress


def test_files_are_decoded_in_a_thread_of_the_camera(decompress):
    decoder = Decoder('compressed', 'decoder front')
    future = decoder.decode(CompressedImage(), Limits())
    assert not future.done()
    decompress.go.set()
    assert future.result(10).image is IMAGE
    assert future.result().seconds >= 0
    assert decompress.threads == ['decoder front_0']
    decoder.close()


def test_raw_images_are_made_at_once():
    future = Decoder('raw', 'decoder').decode(image_message(IMAGE, 'bgr8', Header()), Limits())
    assert np.array_equal(future.result(timeout=0).image, IMAGE)


@pytest.mark.parametrize(('transport', 'maker'), [('raw', 'to_bgr'), ('compressed', 'decompress')])
def test_what_converting_raises_is_handed_on(monkeypatch, transport, maker):
    monkeypatch.setattr(f'panoptic_ros.images.{maker}', Mock(side_effect=MemoryError('no room')))
    decoder = Decoder(transport, 'decoder')
    message = CompressedImage() if transport == 'compressed' else image_message(
        IMAGE, 'bgr8', Header())
    with pytest.raises(MemoryError, match='no room'):
        decoder.decode(message, Limits()).result(10)
    while decoder.busy:
        pass
    decoder.close()


def test_a_decoder_that_is_busy_says_so(decompress):
    decoder = Decoder('compressed', 'decoder')
    future = decoder.decode(CompressedImage(), Limits())
    assert decompress.begun.wait(10)
    assert decoder.busy
    decoder.close()
    decompress.go.set()
    future.result(10)
    assert not decoder.busy


def test_a_frame_is_decoded_once_and_knows_how_long_it_waited():
    data = cv2.imencode('.png', IMAGE)[1].tobytes()
    decoder = Decoder('compressed', 'decoder')
    frame = Frame(SimpleNamespace(decoder=decoder), CompressedImage(format='png', data=data),
                  time.perf_counter() - 5, 0.25, NOW)
    first = frame.begin(Limits())
    assert frame.begin(Limits()) is first
    ready, came = [], threading.Event()
    frame.when_ready(lambda frame: ready.append(frame) or came.set())
    assert came.wait(10)
    assert ready == [frame]
    frame.finish()
    assert np.array_equal(frame.image, IMAGE)
    assert frame.seconds['receive'] == 0.25
    assert 0 < frame.seconds['convert'] < 5 <= frame.seconds['wait'] + frame.seconds['convert']
    decoder.close()


def test_the_time_of_a_frame_is_its_stamp_or_else_its_arrival():
    header = Header()
    frame = Frame(None, image_message(IMAGE, 'bgr8', header), 7.0, 0.0, NOW)
    assert frame.time == 7.0
    header.stamp.sec, header.stamp.nanosec = 3, 500_000_000
    assert frame.time == 3.5


@pytest.mark.parametrize(('stamp', 'age'), [
    (Stamp(2.0, False, True), 3.0), (Stamp(-2.0, False, True), -1.0), (Stamp(2.0, True, True), 0),
    (Stamp(2.0, False, False), 0)])
def test_a_frame_grows_older_while_it_waits(stamp, age):
    assert Frame(None, None, 10.0, 0.0, stamp).age(11.0) == age
