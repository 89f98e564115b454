"""What is done with is gone at once: images are too large to wait for the cyclic collector."""

import gc
import time
import weakref
from threading import Event
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest
from std_msgs.msg import Header

from panoptic_ros.families import deeplab
from panoptic_ros.node import frame_server, wire
from panoptic_ros.node.camera import Camera, Counts, Frame
from panoptic_ros.node.channel import Channel
from panoptic_ros.node.frame_server import FrameServer
from panoptic_ros.node.freshness import Freshness
from panoptic_ros.node.parameters import Settings
from panoptic_ros.node.wire import WireCompressedImage, WireImage
from panoptic_ros.node.worker import Worker

SETTINGS = Settings(tracking=False)


class Memory(bytearray):
    """Can be referred to weakly."""


@pytest.fixture
def without_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def serve(transport, message, convert=None):
    memory = weakref.ref(message.data.obj)
    camera = SimpleNamespace(transport=transport, topic='/image', counts=Counts(), rejection=None,
                             format='', freshness=Freshness())
    panoptic = SimpleNamespace(stuff=SimpleNamespace(score=np.zeros(0)), label_space=[])
    segmenter = Mock(batch=1)
    segmenter.segment.side_effect = lambda images, *_: [panoptic for _ in images]
    segmenter.gpu_memory.return_value = None
    channel = Channel('', camera, SimpleNamespace(wanted=frozenset(), publish=lambda *_: None,
                                                  destroy=lambda: None), None, Mock())
    if convert:
        channel.convert = convert
    worker = Worker(lambda: segmenter, FrameServer(lambda: SETTINGS, deeplab.Options()).serve)
    worker.start(lambda _: None)
    worker.put(channel, Frame(message, time.perf_counter(), 0.0))
    return memory, camera, worker, channel


def gone(memory):
    end = time.monotonic() + 5
    while memory() is not None and time.monotonic() < end:
        time.sleep(0.01)
    return memory() is None


@pytest.mark.usefixtures('without_collector')
@pytest.mark.parametrize('kind', ['raw', 'compressed'])
def test_a_rejected_message_is_not_kept(kind):
    data = memoryview(Memory(3000))
    message = (WireImage(Header(), 8, 8, 'nv24', 0, 24, data) if kind == 'raw'
               else WireCompressedImage(Header(), 'jpeg', data))
    del data
    memory, camera, worker, channel = serve(kind, message)
    del message
    assert gone(memory)
    assert camera.counts.rejected == 1
    worker.stop(5)
    channel.close()


@pytest.mark.usefixtures('without_collector')
def test_an_image_that_came_late_is_not_kept(monkeypatch):
    monkeypatch.setattr(frame_server, 'GRACE', 0.0)
    late = Event()

    def convert(frame, limits):
        late.wait(0.2)
        return np.zeros((8, 8, 3), np.uint8)

    message = WireCompressedImage(Header(), 'jpeg', memoryview(Memory(3000)))
    memory, camera, worker, channel = serve('compressed', message, convert)
    del message
    assert gone(memory)
    assert camera.counts.segmented == 1
    worker.stop(5)
    channel.close()


@pytest.mark.usefixtures('without_collector')
def test_a_message_that_is_cut_off_is_not_kept():
    frames = []
    camera = SimpleNamespace(_largest=0, counts=Counts(), freshness=Freshness(),
                             on_frame=frames.append)
    camera._read = wire.read_image
    Camera._receive(camera, b'\0\1\0\0' + bytes(9), {})
    assert frames[0].message.__traceback__ is None
