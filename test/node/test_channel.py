"""A camera's channel: what is at work, what is due, and how large its images are."""

import time
from types import SimpleNamespace
from unittest.mock import Mock

import cv2
import numpy as np

from panoptic_ros.families import deeplab
from panoptic_ros.images import Limits
from panoptic_ros.node.camera import Counts, Frame
from panoptic_ros.node.channel import Channel
from panoptic_ros.node.frame_server import FrameServer
from panoptic_ros.node.freshness import Freshness
from panoptic_ros.node.parameters import Settings
from panoptic_ros.node.session import Session
from panoptic_ros.node.wire import WireCompressedImage
from panoptic_ros.node.work import Work


def make(transport='compressed'):
    camera = SimpleNamespace(transport=transport, topic='/image', counts=Counts(), rejection=None,
                             format='', freshness=Freshness())
    return Channel('', camera, SimpleNamespace(destroy=lambda: None), None, Mock())


def test_a_frame_that_is_away_at_the_end_is_at_work_no_more():
    channel = make()
    channel.at_work = Frame(None, time.perf_counter() - 9, 0.0)
    session = SimpleNamespace(stop_cameras=lambda: None,
                              _worker=SimpleNamespace(drain=lambda _: ([channel], True)))
    Session.deactivate(session)
    assert channel.camera.counts.dropped == 1
    assert channel.worked(time.perf_counter()) == 0


def test_every_frame_counts_where_none_can_be_begun():
    channels = [make(), make()]
    for channel in channels:
        channel.camera.counts.received = 1
    channels[0].decoder.decode = Mock(side_effect=RuntimeError("can't start new thread"))
    FrameServer(Settings, deeplab.Options()).serve(
        Mock(), [Work(channel, Frame(None, 0.0, 0.0)) for channel in channels])
    assert [channel.camera.counts.waiting for channel in channels] == [0, 0]


def test_no_labels_are_due_for_images_that_were_rejected():
    channel, freshness = make(), Freshness()
    channel.camera.freshness = freshness
    freshness.receive(1.0)
    channel.camera.rejection = 'torn'
    assert freshness.overdue(20.0) == 19.0
    freshness.receive(20.0)
    channel.accept(Frame(None, 20.0, 0.0))
    assert channel.camera.rejection is None
    assert freshness.overdue(20.5) == 0.5, 'for the good one'
    freshness.receive(21.0)
    channel.accept(Frame(None, 21.0, 0.0))
    assert freshness.overdue(26.0) == 6.0, 'nothing was rejected since'


def test_the_size_of_a_decoded_image_is_noted():
    channel = make()
    channel.camera.take_largest = lambda: 700
    data = cv2.imencode('.jpg', np.zeros((40, 60, 3), np.uint8))[1].tobytes()
    channel.convert(Frame(WireCompressedImage(None, 'jpeg', memoryview(data)), 0.0, 0.0), Limits())
    assert [channel.take_largest(), channel.take_largest()] == [40 * 60 * 3, 700]
