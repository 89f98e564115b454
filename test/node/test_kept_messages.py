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

from panoptic_ros.images import converter
from panoptic_ros.images.wire import WireCompressedImage, WireImage
from panoptic_ros.node import serving
from panoptic_ros.node.camera import Frame
from panoptic_ros.node.mishaps import Mishaps
from panoptic_ros.node.record import Stamp
from panoptic_ros.node.serving import Server
from panoptic_ros.node.settings import Settings
from panoptic_ros.segmenter import Segmented

SETTINGS = Settings(tracking=False)


class Memory(bytearray):
    """Can be referred to weakly."""


@pytest.fixture
def without_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.fixture
def serve(make_camera, monkeypatch):
    """A function that has a message served, and returns its memory and its camera."""
    monkeypatch.setattr(Settings, 'options_of', lambda *_: None)
    panoptic = SimpleNamespace(stuff=SimpleNamespace(score=np.zeros(0)), label_space=[])
    segmenter = Mock(batch=1)
    segmenter.segment.side_effect = lambda images, _: Segmented([panoptic for _ in images], {})
    segmenter.gpu_memory.return_value = None
    server = Server(lambda: SETTINGS, Mishaps(Mock()))
    server.start(lambda: segmenter)

    def serve(transport, message):
        camera = make_camera(transport=transport)
        camera.outputs.publish = lambda *_: None
        camera.outputs.draw = lambda *_: ()
        server.mailbox.put(camera, Frame(camera, message, time.perf_counter(), 0.0,
                                         Stamp(0.0, False, True)))
        return weakref.ref(message.data.obj), camera

    yield serve
    assert server.stop(5)


def gone(memory):
    end = time.monotonic() + 5
    while memory() is not None and time.monotonic() < end:
        time.sleep(0.01)
    return memory() is None


@pytest.mark.usefixtures('without_collector')
@pytest.mark.parametrize('kind', ['raw', 'compressed'])
def test_a_rejected_message_is_not_kept(serve, kind):
    data = memoryview(Memory(3000))
    message = (WireImage(Header(), 8, 8, 'nv24', 0, 24, data) if kind == 'raw'
               else WireCompressedImage(Header(), 'jpeg', data))
    del data
    memory, camera = serve(kind, message)
    del message
    assert gone(memory)
    assert camera.counts.rejected == 1


@pytest.mark.usefixtures('without_collector')
def test_an_image_that_came_late_is_not_kept(serve, monkeypatch):
    monkeypatch.setattr(serving, 'GRACE', 0.0)
    late = Event()

    def decompress(message, limits):
        late.wait(0.2)
        return np.zeros((8, 8, 3), np.uint8)

    monkeypatch.setattr(converter, 'decompress', decompress)
    message = WireCompressedImage(Header(), 'jpeg', memoryview(Memory(3000)))
    memory, camera = serve('compressed', message)
    del message
    assert gone(memory)
    assert camera.counts.segmented == 1
