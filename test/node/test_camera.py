"""A camera and its frames: what is at work, what is due, and what cannot be read."""

import time
from threading import Event, Thread
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from rclpy.serialization import serialize_message
from ros_harness import image_message
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from panoptic_ros.images import Converter, ImageError, Limits
from panoptic_ros.node.camera import Frame
from panoptic_ros.node.record import Counts, Stamp
from panoptic_ros.node.subscription import read_image

NOW = Stamp(0.0, False, True)
IMAGE = np.zeros((40, 60, 3), np.uint8)


@pytest.fixture
def camera(make_camera):
    return make_camera()


def frame(camera, arrival):
    """A frame whose image is ready."""
    frame = Frame(camera, image_message(IMAGE, 'bgr8', Header()), arrival, 0.0, NOW)
    frame.begin(Limits())
    frame.finish()
    return frame


def test_no_labels_are_due_for_images_that_were_rejected(camera):
    freshness = camera.freshness
    freshness.receive(1.0)
    camera.reject(1.0, ImageError('size', 'torn'))
    assert freshness.overdue(20.0) == 19.0
    freshness.receive(20.0)
    camera.accept(frame(camera, 20.0))
    assert camera.rejection is None
    assert freshness.overdue(20.5) == 0.5, 'for the good one'
    freshness.receive(21.0)
    camera.accept(frame(camera, 21.0))
    assert freshness.overdue(26.0) == 6.0, 'nothing was rejected since'


def test_an_image_that_is_older_than_one_that_was_rejected_changes_nothing(camera):
    camera.reject(2.0, ImageError('size', 'torn'))
    camera.accept(frame(camera, 1.0))
    assert camera.rejection == 'torn', 'the newest was not usable'
    camera.accept(frame(camera, 3.0))
    assert camera.rejection is None


def test_an_image_that_is_rejected_while_an_older_one_is_accepted(camera):
    """The worker accepts, and the executor rejects what cannot be read."""
    newest = Thread(target=camera.reject, args=(3.0, ImageError('wire', 'cut off')))

    def reject_meanwhile(_):
        newest.start()
        newest.join(0.1)

    camera.reject(1.0, ImageError('size', 'torn'))
    camera.freshness.forgive = reject_meanwhile
    camera.accept(frame(camera, 2.0))
    newest.join()
    assert camera.rejection == 'cut off'


def test_the_size_of_a_decoded_image_is_noted(make_camera):
    camera = make_camera(transport='compressed')
    data = cv2.imencode('.jpg', IMAGE)[1].tobytes()
    message = serialize_message(CompressedImage(format='jpeg', data=data))
    camera.subscription.on_image(message, {})
    assert camera.take_largest() == len(message)
    found, = camera.mailbox.take()
    found.begin(Limits()).result(10)        # that is enough: its turn may never come
    assert [camera.take_largest(), camera.take_largest()] == [40 * 60 * 3, 0]
    found.finish()
    camera.accept(found)
    assert camera.format == '60x40 jpeg'


def test_the_largest_message_is_told_once(camera):
    for size in (3000, 100):
        camera.subscription.on_image(bytes(size), {})
    assert camera.take_largest() == 3000
    assert camera.take_largest() == 0
    assert camera.freshness.overdue(camera.last_arrival + 1) >= 1


def test_what_comes_waits_with_its_age(camera):
    message = image_message(IMAGE, 'bgr8', Header())
    message.header.stamp.sec = 1000         # the clock says 1005
    for _ in range(2):
        camera.subscription.on_image(serialize_message(message), {})
    assert camera.counts == Counts(received=2, dropped=1)
    delivered, = camera.mailbox.take()
    assert delivered.camera is camera
    assert delivered.arrival == camera.last_arrival, 'the newer one'
    assert (delivered.stamp, camera.stamp) == (Stamp(5.0, False, True),) * 2
    assert delivered.receive == 0, 'the middleware did not say when it was sent'


def test_a_message_that_cannot_be_read_is_rejected_where_that_is_found(camera, logged):
    """The frame at work goes on, and so does the camera."""
    camera.at_work = 'another frame'
    camera.subscription.on_image(b'\0\1\0\0' + bytes(9), {})
    assert camera.mailbox.drain(0) == ([], True), 'nothing waits'
    assert camera.counts == Counts(received=1, rejected=1)
    assert camera.rejection.endswith('the message is cut off')
    assert camera.at_work == 'another frame'
    line, = logged
    assert line.startswith('image on /image rejected: a message of 13 bytes')
    assert camera.silence < 5


def test_what_is_no_plain_cdr_is_left_to_the_middleware():
    message = image_message(IMAGE, 'bgr8', Header(frame_id='front'))
    data = serialize_message(message)
    for read in (read_image(data, 'raw'), read_image(b'\0\7' + data[2:], 'raw')):
        assert (read.header, read.width, read.encoding) == (message.header, 60, 'bgr8')
        assert bytes(read.data) == message.data.tobytes()
    for foreign in (b'\xff\xff' + data[2:], b''):
        with pytest.raises(ImageError, match='is no Image'):
            read_image(foreign, 'raw')
    for own in (Image(encoding='x' * 1025), Image(header=Header(frame_id='x' * 1025))):
        with pytest.raises(ImageError, match=r'a text of 1025 bytes .*: expected 1024'):
            read_image(b'\0\7' + serialize_message(own)[2:], 'raw')
    file = CompressedImage(format='png', data=b'file')
    for head in (b'\0\1', b'\0\7'):
        read = read_image(head + serialize_message(file)[2:], 'compressed')
        assert (read.header, read.format, bytes(read.data)) == (Header(), 'png', b'file')


def test_losses_are_counted(camera):
    camera.subscription.on_loss(3)
    camera.subscription.on_loss(2)
    assert camera.counts == Counts(lost=5)


def test_a_frame_is_decoded_once_and_knows_how_long_it_waited():
    data = cv2.imencode('.png', IMAGE)[1].tobytes()
    converter = Converter('compressed', 'decoder')
    late = Frame(SimpleNamespace(converter=converter), CompressedImage(format='png', data=data),
                 time.perf_counter() - 5, 0.25, NOW)
    first = late.begin(Limits())
    assert late.begin(Limits()) is first
    ready, came = [], Event()
    late.when_ready(lambda frame: ready.append(frame) or came.set())
    assert came.wait(10)
    assert ready == [late]
    late.finish()
    assert np.array_equal(late.image, IMAGE)
    assert late.seconds['receive'] == 0.25
    assert 0 < late.seconds['convert'] < 5 <= late.seconds['wait'] + late.seconds['convert']
    converter.close()


def test_the_time_of_a_frame_is_its_stamp_or_else_its_arrival():
    header = Header()
    found = Frame(None, image_message(IMAGE, 'bgr8', header), 7.0, 0.0, NOW)
    assert found.time == 7.0
    header.stamp.sec, header.stamp.nanosec = 3, 500_000_000
    assert found.time == 3.5


@pytest.mark.parametrize(('stamp', 'age'), [
    (Stamp(2.0, False, True), 3.0), (Stamp(-2.0, False, True), -1.0), (Stamp(2.0, True, True), 0),
    (Stamp(2.0, False, False), 0)])
def test_a_frame_grows_older_while_it_waits(stamp, age):
    assert Frame(None, None, 10.0, 0.0, stamp).age(11.0) == age
