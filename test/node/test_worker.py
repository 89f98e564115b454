import threading

import pytest

from panoptic_ros.node.worker import Worker


class Recorder:
    """A segmenter that records which threads used it."""

    def __init__(self):
        self.threads = {'load': threading.current_thread()}

    def close(self):
        self.threads['close'] = threading.current_thread()


def test_one_thread_loads_serves_and_closes():
    served = threading.Event()

    def serve(segmenter, frame):
        segmenter.threads[frame] = threading.current_thread()
        served.set()

    worker = Worker(Recorder, serve)
    segmenter = worker.start()
    assert worker.load_time >= 0
    worker.put('frame')
    assert served.wait(10)
    assert worker.drain(10) == (False, True)
    assert worker.stop(10)
    assert set(segmenter.threads) == {'load', 'frame', 'close'}
    thread, = set(segmenter.threads.values())
    assert thread is not threading.current_thread()


def test_whatever_loading_raises_is_raised_where_it_was_started():
    def load():
        raise MemoryError('too large')

    with pytest.raises(MemoryError, match='too large'):
        Worker(load, lambda *_: None).start()


def test_a_frame_that_never_ends_is_reported():
    working, free = threading.Event(), threading.Event()

    def serve(_, frame):
        working.set()
        free.wait(10)

    worker = Worker(Recorder, serve)
    worker.start()
    worker.put(1)
    assert working.wait(10)
    assert worker.drain(0) == (False, False)
    assert not worker.stop(0)
    free.set()
    assert worker.stop(10)
