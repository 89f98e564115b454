"""The thread that owns the segmenter, and the turns of the cameras."""

import threading
from concurrent.futures import Future
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from panoptic_ros.node.mishaps import Mishaps
from panoptic_ros.node.record import Counts
from panoptic_ros.node.serving import Server
from panoptic_ros.node.settings import Settings


class Recorder:
    """A segmenter that records which threads used it."""

    batch = 3

    def __init__(self):
        self.threads = {'load': threading.current_thread()}

    def close(self):
        self.threads['close'] = threading.current_thread()


class Camera:
    at_work = None

    def __init__(self):
        self.counts = Counts()

    def drop(self):
        self.counts.dropped += 1
        self.at_work = None


class Frame:
    """One that is ready when its image is."""

    def __init__(self, camera, name=None):
        self.camera, self.name, self.image = camera, name, Future()

    def when_ready(self, call):
        self.image.add_done_callback(lambda _: call(self))


@pytest.fixture
def start():
    """A function that starts a server whose frames are served by another function."""
    servers = []

    def start(serve, load=Recorder):
        server = Server(Settings, Mishaps(Mock()))
        server.serve = serve
        servers.append(server)
        return server, server.start(load).result(10)

    yield start
    for server in servers:
        assert server.stop(10)


def nothing(*_):
    return ()


def put(server, frame):
    server.mailbox.put(frame.camera, frame)


def test_one_thread_loads_serves_and_closes(start):
    served = threading.Event()

    def serve(segmenter, frames):
        for frame in frames:
            segmenter.threads[frame.name] = threading.current_thread()
        served.set()
        return ()

    server, segmenter = start(serve)
    put(server, Frame(Camera(), 'frame'))
    assert served.wait(10)
    assert server.mailbox.drain(10) == ([], True)
    assert server.stop(10)
    assert set(segmenter.threads) == {'load', 'frame', 'close'}
    thread, = set(segmenter.threads.values())
    assert thread is not threading.current_thread()


def test_as_many_cameras_are_served_at_once_as_the_segmenter_takes(start):
    batches, begun, go = [], threading.Event(), threading.Event()

    def serve(_, frames):
        batches.append([frame.name for frame in frames])
        begun.set()
        go.wait(10)
        return ()

    server, _ = start(serve)
    put(server, Frame(Camera(), 'first'))
    assert begun.wait(10)
    for name in 'abcde':
        put(server, Frame(Camera(), name))
    go.set()
    while sum(map(len, batches)) < 6:
        pass
    assert batches == [['first'], ['a', 'b', 'c'], ['d', 'e']]


def test_whatever_loading_raises_is_raised_where_it_is_waited_for(start):
    for error in (MemoryError, TimeoutError):
        with pytest.raises(error, match='too large'):
            start(nothing, Mock(side_effect=error('too large')))


def test_a_frame_that_never_ends_is_reported(start):
    working, free = threading.Event(), threading.Event()

    def serve(_, frames):
        working.set()
        free.wait(10)
        return ()

    server, _ = start(serve)
    put(server, Frame(Camera()))
    assert working.wait(10)
    assert server.mailbox.drain(0) == ([], False)
    assert not server.stop(0)
    free.set()


def test_a_frame_that_is_not_ready_comes_again_and_delays_nobody(start):
    """While the first frame of the slow camera is decoded the other one has all the turns."""
    slow, quick = Camera(), Camera()
    served, came = [], threading.Semaphore(0)

    def serve(_, frames):
        served.extend((frame.camera, frame.name) for frame in frames)
        came.release()
        return [frame for frame in frames if frame is first and not frame.image.done()]

    server, _ = start(serve)
    first = Frame(slow, 0)
    put(server, first)
    assert came.acquire(timeout=10)
    for name in range(3):
        put(server, Frame(slow, 1 + name))
        put(server, Frame(quick, name))
        assert came.acquire(timeout=10)
    assert served == [(slow, 0), (quick, 0), (quick, 1), (quick, 2)]
    first.image.set_result('ready')
    for _ in range(2):
        assert came.acquire(timeout=10)
    assert served[4:] == [(slow, 0), (slow, 3)], 'its turn was first, then the newest'


def test_a_frame_that_is_not_ready_before_a_drain_is_dropped(start):
    """Also where the drain began while its turn went on: it must not be published afterwards."""
    slow, served, begun, go = Camera(), [], threading.Event(), threading.Event()

    def serve(_, frames):
        served.extend(frames)
        begun.set()
        go.wait(10)
        return frames if len(served) == 1 else ()

    server, _ = start(serve)
    late = Frame(slow, 0)
    put(server, late)
    assert begun.wait(10)
    assert slow.at_work is late
    assert server.mailbox.drain(0) == ([], False)
    go.set()
    assert server.mailbox.drain(10) == ([], True)
    assert (slow.counts, slow.at_work) == (Counts(dropped=1), None)
    late.image.set_result('ready')
    put(server, Frame(slow, 1))
    while len(served) < 2:
        pass
    assert served[1].name == 1


def test_a_server_that_never_started_has_ended():
    assert Server(Settings, SimpleNamespace()).stop(0)
