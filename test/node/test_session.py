"""What exists while the node is configured: how it is loaded, and how it comes to rest."""

import logging
import time
from threading import Event
from types import SimpleNamespace
from unittest.mock import Mock

import pytest

from panoptic_ros.node import session
from panoptic_ros.node.camera import Frame
from panoptic_ros.node.mailbox import Mailbox
from panoptic_ros.node.mishaps import Mishaps
from panoptic_ros.node.record import Stamp
from panoptic_ros.node.session import Session
from panoptic_ros.node.settings import Settings


@pytest.fixture
def open_session(monkeypatch):
    """A function that opens a session without cameras, whose model another function loads."""
    def open_session(load, loading, node=None):
        monkeypatch.setattr(Session, '_load', lambda self: load(self))
        return Session(node or Mock(), Settings, Event(), loading, Mishaps(Mock()))

    monkeypatch.setattr(Session, '_add_cameras', Mock())
    monkeypatch.setattr(Session, '_describe', lambda self, segmenter: {'model': segmenter})
    monkeypatch.setattr(session, 'PERIOD', 0.01)
    return open_session


def test_it_is_told_how_long_a_load_has_lasted(open_session):
    told, enough, segmenter = [], Event(), Mock(batch=1)

    def tell(progress):
        told.append(progress)
        if len(told) == 3:
            enough.set()

    def load(loading):
        loading._tell_progress('kernels', 0.5)
        assert enough.wait(10)
        return segmenter

    opened = open_session(load, tell)
    opened.close()
    assert set(told[1:]) == {'building the plan: kernels, 50% (0 s)'}
    assert opened.description == {'model': segmenter}
    segmenter.close.assert_called_once_with()


@pytest.mark.parametrize(('runtime', 'recovers', 'device'), [
    ('auto', False, 'auto'), ('auto', True, 'gpu'), ('onnxruntime', True, 'cpu')])
def test_a_lost_gpu_is_not_replaced_by_a_processor(monkeypatch, runtime, recovers, device):
    opened = Mock(side_effect=MemoryError('seen'))
    monkeypatch.setattr(session.Segmenter, 'open', opened)
    with pytest.raises(MemoryError, match='seen'):
        Session(Mock(), lambda: Settings(runtime=runtime), Event(), Mock(), Mishaps(Mock()),
                recovers)
    assert opened.call_args.args[1] == device


def test_warnings_reach_the_log_until_the_session_ends(open_session):
    node, log = Mock(), logging.getLogger('panoptic_ros.pipelines')
    opened = open_session(lambda session: Mock(batch=1), Mock(), node)
    log.warning('before')
    opened.close()
    log.warning('after')
    node.get_logger().warning.assert_called_once_with('before')


def test_a_slow_model_is_waited_for_as_long_as_labels_may_take(open_session):
    opened = open_session(lambda session: Mock(batch=1), Mock())
    opened._settings = lambda: Settings(label_timeout=60.0)
    opened.server.mailbox.drain = Mock(return_value=([], True))
    opened.deactivate()
    opened.server.mailbox.drain.assert_called_once_with(60.0)
    opened._settings = lambda: Settings(label_timeout=1.0)
    opened.server.mailbox.drain.return_value = [], False
    with pytest.raises(TimeoutError, match=r'no.* finished .* 10 s: .*raise label_timeout'):
        opened.deactivate()
    opened.close()


def test_whatever_loading_raises_is_raised(open_session):
    with pytest.raises(MemoryError, match='too large'):
        open_session(Mock(side_effect=MemoryError('too large')), Mock())


def test_a_frame_that_is_away_at_the_end_is_at_work_no_more(make_camera):
    camera = make_camera()
    camera.at_work = Frame(camera, None, time.perf_counter() - 9, 0.0, Stamp(0.0, False, True))
    assert camera.worked(time.perf_counter()) >= 9
    resting = SimpleNamespace(stop_cameras=lambda: None, _patience=1.0,
                              server=SimpleNamespace(mailbox=Mailbox()))
    resting.server.mailbox.put(camera, camera.at_work)
    Session.deactivate(resting)
    assert camera.counts.dropped == 1
    assert camera.worked(time.perf_counter()) == 0
