import threading

import numpy as np
import pytest

from panoptic_ros.node.decoder import Decoder

IMAGE = np.zeros((2, 3, 3), np.uint8)


def test_files_are_decoded_in_a_thread_of_the_camera():
    decoder, go, threads = Decoder('compressed', 'decoder front'), threading.Event(), []

    def convert():
        threads.append(threading.current_thread().name)
        assert go.wait(10)
        return IMAGE

    future = decoder.decode(convert)
    assert not future.done()
    go.set()
    assert future.result(10).image is IMAGE
    assert future.result().seconds >= 0
    assert threads == ['decoder front_0']
    decoder.close()


def test_raw_images_are_made_at_once():
    threads = []

    def convert():
        threads.append(threading.current_thread())
        return IMAGE

    future = Decoder('raw', 'decoder').decode(convert)
    assert future.result(timeout=0).image is IMAGE
    assert threads == [threading.current_thread()]


@pytest.mark.parametrize('transport', ['raw', 'compressed'])
def test_what_converting_raises_is_handed_on(transport):
    def fail():
        raise MemoryError('no room')

    decoder = Decoder(transport, 'decoder')
    with pytest.raises(MemoryError, match='no room'):
        decoder.decode(fail).result(10)
    while decoder.busy:
        pass
    decoder.close()


def test_a_decoder_that_is_busy_says_so_and_keeps_no_image():
    decoder, go, begun = Decoder('compressed', 'decoder'), threading.Event(), threading.Event()

    def convert():
        begun.set()
        assert go.wait(10)
        return IMAGE

    future = decoder.decode(convert)
    assert begun.wait(10)
    assert decoder.busy
    decoder.close()
    go.set()
    future.result(10)
    assert not decoder.busy
