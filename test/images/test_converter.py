"""How the image of a message is made: at once, or in the thread of its camera."""

import threading
from types import SimpleNamespace
from unittest.mock import Mock

import numpy as np
import pytest

from panoptic_ros.images import Converter, Limits, converter

IMAGE = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
RAW = SimpleNamespace(height=2, width=3, encoding='bgr8', is_bigendian=0, step=9,
                      data=IMAGE.tobytes())
FILE = SimpleNamespace(format='png', data=b'')


@pytest.fixture
def decompress(monkeypatch):
    """What decodes a file, and waits until it may go on; it notes its thread."""
    def wait(message, limits):
        decompress.threads.append(threading.current_thread().name)
        decompress.begun.set()
        assert decompress.go.wait(10)
        return IMAGE

    decompress = SimpleNamespace(threads=[], begun=threading.Event(), go=threading.Event())
    monkeypatch.setattr(converter, 'decompress', wait)
    return decompress


def test_files_are_decoded_in_a_thread_of_the_camera(decompress):
    converting = Converter('compressed', 'decoder front')
    future = converting.convert(FILE, Limits())
    assert not future.done()
    decompress.go.set()
    assert future.result(10).image is IMAGE
    assert future.result().seconds >= 0
    assert decompress.threads == ['decoder front_0']
    converting.close()


def test_raw_images_are_made_at_once():
    future = Converter('raw', 'decoder').convert(RAW, Limits())
    assert np.array_equal(future.result(timeout=0).image, IMAGE)


@pytest.mark.parametrize(('transport', 'maker', 'message'), [
    ('raw', 'to_bgr', RAW), ('compressed', 'decompress', FILE)])
def test_what_converting_raises_is_handed_on(monkeypatch, transport, maker, message):
    monkeypatch.setattr(converter, maker, Mock(side_effect=MemoryError('no room')))
    converting = Converter(transport, 'decoder')
    with pytest.raises(MemoryError, match='no room'):
        converting.convert(message, Limits()).result(10)
    while converting.busy:
        pass
    converting.close()


def test_a_converter_that_is_busy_says_so(decompress):
    converting = Converter('compressed', 'decoder')
    future = converting.convert(FILE, Limits())
    assert decompress.begun.wait(10)
    assert converting.busy
    converting.close()
    decompress.go.set()
    future.result(10)
    assert not converting.busy
