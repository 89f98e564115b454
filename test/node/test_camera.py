"""A camera: what is at work, what is due, how large its images are, and what cannot be read."""

import time
from threading import Thread
from types import SimpleNamespace
from unittest.mock import Mock

import cv2
import numpy as np
import pytest
from rclpy.serialization import serialize_message
from ros_harness import image_message
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from panoptic_ros.images import ImageError, Limits
from panoptic_ros.node.frame import Frame, Stamp
from panoptic_ros.node.record import Counts
from panoptic_ros.node.session import Session

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


def test_a_frame_that_is_away_at_the_end_is_at_work_no_more(camera):
    camera.at_work = Frame(camera, None, time.perf_counter() - 9, 0.0, NOW)
    assert camera.worked(time.perf_counter()) >= 9
    session = SimpleNamespace(stop_cameras=lambda: None,
                              server=SimpleNamespace(drain=lambda _: ([camera], True)))
    Session.deactivate(session)
    assert camera.counts.dropped == 1
    assert camera.worked(time.perf_counter()) == 0


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
    frames = []
    camera.deliver = frames.append
    camera.subscription.on_image(message, {})
    assert camera.take_largest() == len(message)
    frames[0].begin(Limits()).result(10)    # that is enough: its turn may never come
    assert [camera.take_largest(), camera.take_largest()] == [40 * 60 * 3, 0]
    frames[0].finish()
    camera.accept(frames[0])
    assert camera.format == '60x40 jpeg'


def test_the_largest_message_is_told_once(camera):
    for size in (3000, 100):
        camera.subscription.on_image(bytes(size), {})
    assert camera.take_largest() == 3000
    assert camera.take_largest() == 0
    assert camera.freshness.overdue(camera.last_arrival + 1) >= 1


def test_what_comes_is_delivered_with_its_age(camera):
    camera.deliver = Mock(side_effect=[False, True])
    message = image_message(IMAGE, 'bgr8', Header())
    message.header.stamp.sec = 1000         # the clock says 1005
    for _ in range(2):
        camera.subscription.on_image(serialize_message(message), {})
    assert camera.counts == Counts(received=2, dropped=1)
    (delivered,), _ = camera.deliver.call_args
    assert delivered.camera is camera
    assert (delivered.stamp, camera.stamp) == (Stamp(5.0, False, True),) * 2
    assert delivered.receive == 0, 'the middleware did not say when it was sent'


def test_a_message_that_cannot_be_read_is_rejected_where_that_is_found(camera, logged):
    """The frame at work goes on, and so does the camera."""
    camera.deliver, camera.at_work = Mock(return_value=False), 'another frame'
    camera.subscription.on_image(b'\0\1\0\0' + bytes(9), {})
    camera.deliver.assert_not_called()
    assert camera.counts == Counts(received=1, rejected=1)
    assert camera.rejection.endswith('the message is cut off')
    assert camera.at_work == 'another frame'
    line, = logged
    assert line.startswith('image on /image rejected: a message of 13 bytes')
    assert camera.silence < 5


def test_losses_are_counted(camera):
    camera.subscription.on_loss(3)
    camera.subscription.on_loss(2)
    assert camera.counts == Counts(lost=5)
