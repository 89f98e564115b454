import threading
from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from panoptic_ros.node.camera import Counts
from panoptic_ros.node.worker import Worker


def ignore(*_):
    return ()


class Recorder:
    """A segmenter that records which threads used it."""

    batch = 3

    def __init__(self):
        self.threads = {'load': threading.current_thread()}

    def close(self):
        self.threads['close'] = threading.current_thread()


def test_one_thread_loads_serves_and_closes():
    served = threading.Event()

    def serve(segmenter, frames):
        for work in frames:
            segmenter.threads[work.frame] = threading.current_thread()
        served.set()
        return ()

    worker = Worker(Recorder, serve)
    segmenter = worker.start(ignore)
    assert worker.load_time >= 0
    worker.put('front', 'frame')
    assert served.wait(10)
    assert worker.drain(10) == ([], True)
    assert worker.stop(10)
    assert set(segmenter.threads) == {'load', 'frame', 'close'}
    thread, = set(segmenter.threads.values())
    assert thread is not threading.current_thread()


def test_as_many_cameras_are_served_at_once_as_the_segmenter_takes():
    batches, begun, go = [], threading.Event(), threading.Event()

    def serve(_, frames):
        batches.append([work.channel for work in frames])
        begun.set()
        go.wait(10)
        return ()

    worker = Worker(Recorder, serve)
    worker.start(ignore)
    worker.put('first', 0)
    assert begun.wait(10)
    for channel in 'abcde':
        worker.put(channel, 0)
    go.set()
    while sum(map(len, batches)) < 6:
        pass
    assert worker.stop(10)
    assert batches == [['first'], ['a', 'b', 'c'], ['d', 'e']]


def test_whatever_loading_raises_is_raised_where_it_was_started():
    def load():
        raise MemoryError('too large')

    with pytest.raises(MemoryError, match='too large'):
        Worker(load, ignore).start(ignore)


def test_it_is_told_how_long_a_load_has_lasted(monkeypatch):
    monkeypatch.setattr('panoptic_ros.node.worker._PERIOD', 0.01)
    told, enough = [], threading.Event()

    def wait(seconds):
        told.append(seconds)
        if len(told) == 3:
            enough.set()

    def load():
        assert enough.wait(10)
        return Recorder()

    worker = Worker(load, ignore)
    worker.start(wait)
    assert 0 < told[0] < told[1] < told[2]
    assert worker.stop(10)


def test_a_frame_that_never_ends_is_reported():
    working, free = threading.Event(), threading.Event()

    def serve(_, frames):
        working.set()
        free.wait(10)
        return ()

    worker = Worker(Recorder, serve)
    worker.start(ignore)
    worker.put('front', 1)
    assert working.wait(10)
    assert worker.drain(0) == ([], False)
    assert not worker.stop(0)
    free.set()
    assert worker.stop(10)


class Channel:
    at_work = None

    def __init__(self):
        self.camera = SimpleNamespace(counts=Counts())


def test_a_frame_that_is_not_ready_comes_again_and_delays_nobody():
    """While the first frame of the slow camera is decoded the other one has all the turns."""
    slow, quick = Channel(), Channel()
    image, served, came = Future(), [], threading.Semaphore(0)

    def serve(_, works):
        served.extend((work.channel, work.frame) for work in works)
        came.release()
        late = [work for work in works if work.channel is slow and not image.done()]
        for work in late:
            work.decoding = image
        return late

    worker = Worker(Recorder, serve)
    worker.start(ignore)
    worker.put(slow, 0)
    assert came.acquire(timeout=10)
    for frame in range(3):
        worker.put(slow, 1 + frame)
        worker.put(quick, frame)
        assert came.acquire(timeout=10)
    assert served == [(slow, 0), (quick, 0), (quick, 1), (quick, 2)]
    image.set_result('ready')
    for _ in range(2):
        assert came.acquire(timeout=10)
    assert served[4:] == [(slow, 0), (slow, 3)], 'its turn was first, then the newest'
    assert worker.stop(10)


def test_a_frame_that_is_not_ready_before_a_drain_is_dropped():
    """Also where the drain began while its turn went on: it must not be published afterwards."""
    slow, served, begun, go = Channel(), [], threading.Event(), threading.Event()
    image = Future()

    def serve(_, works):
        served.extend(works)
        begun.set()
        go.wait(10)
        works[0].decoding = image
        return works if len(served) == 1 else ()

    worker = Worker(Recorder, serve)
    worker.start(ignore)
    worker.put(slow, 0)
    assert begun.wait(10)
    assert worker.drain(0) == ([], False)
    go.set()
    assert worker.drain(10) == ([], True)
    assert slow.camera.counts == Counts(dropped=1)
    image.set_result('ready')
    worker.put(slow, 1)
    while len(served) < 2:
        pass
    assert served[1].frame == 1
    assert worker.stop(10)
