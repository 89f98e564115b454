"""The one state of a camera, with cameras that say of themselves what they are told to."""

import time
from types import SimpleNamespace

import pytest

from panoptic_ros.node.camera import Counts, Stamp
from panoptic_ros.node.condition import Condition, State, Teller, doubt, look_at
from panoptic_ros.node.freshness import Freshness
from panoptic_ros.node.parameters import Settings
from panoptic_ros.node.tally import Lately

SETTINGS = Settings(stall_timeout=2.0, label_timeout=5.0)


def look(due=0.0, at_work=0.0, decoding=False, counts=None, **changes):
    """A camera whose last image came 0.1 s ago, and whose labels have been due for a while."""
    freshness = Freshness()
    if due:
        freshness.receive(time.perf_counter() - due)
    camera = SimpleNamespace(**{
        'topic': '/image', 'own_topic': 'image', 'publisher_count': 1, 'active': True,
        'silence': 0.1, 'last_arrival': 5.0, 'rejection': None, 'freshness': freshness} | changes)
    channel = SimpleNamespace(camera=camera, worked=lambda now: at_work,
                              decoder=SimpleNamespace(busy=decoding))
    lately = Lately(counts or Counts(), Counts(), 10.0, 0.0, 0.0, 0.0, True)
    return look_at(channel, lately, SETTINGS)


@pytest.mark.parametrize(('camera', 'state', 'text'), [
    ({}, State.RUNNING, ''),
    ({'active': False, 'rejection': 'torn'}, State.RESTING, 'no images are taken'),
    ({'last_arrival': None, 'publisher_count': 0}, State.WAITING,
     'nobody publishes it: remap image to the camera'),
    ({'last_arrival': None, 'publisher_count': 0, 'own_topic': 'front/image/compressed'},
     State.WAITING, 'remap front/image/compressed to the camera'),
    ({'last_arrival': None, 'silence': 9.0}, State.WAITING,
     'on /image after 9 s; its 1 publishers are silent'),
    ({'silence': 9.0}, State.STALLED, 'stalled: the last image came 9.0 s ago'),
    ({'silence': 9.0, 'publisher_count': 0}, State.LEFT,
     'its publisher has left: the last image came 9.0 s ago'),
    ({'silence': 0.1, 'publisher_count': 0}, State.RUNNING, ''),
    ({'rejection': 'torn'}, State.REJECTED, 'image rejected: torn'),
    ({'rejection': 'torn', 'due': 60.0}, State.REJECTED, 'image rejected: torn'),
    ({'rejection': 'torn', 'silence': 9.0}, State.REJECTED,
     'image rejected: torn; the last image came 9.0 s ago'),
    ({'rejection': 'torn', 'silence': 9.0, 'publisher_count': 0}, State.LEFT, 'has left'),
    ({'due': 4.0}, State.RUNNING, ''),
    ({'due': 4.0, 'last_arrival': None}, State.WAITING, 'no image yet'),
    ({'due': 9.0}, State.OVERDUE, 'images come, but no labels for 9.0 s'),
    ({'due': 9.0, 'silence': 9.0}, State.STALLED, 'stalled')])
def test_the_worst_that_is_true_is_the_state(camera, state, text):
    found = look(**camera)
    assert found.state is state
    assert text in found.text


@pytest.mark.parametrize(('camera', 'cause'), [
    ({}, 'the engine is busy with other cameras'),
    ({'at_work': 8.5}, 'a frame has been at work for 8.5 s'),
    ({'at_work': 8.5, 'decoding': True}, 'an image of 8.5 s ago is still being decoded'),
    ({'counts': Counts(failed=3)}, 'every frame is lost'),
    ({'counts': Counts(stale=3)}, 'every frame is older than max_age')])
def test_why_labels_do_not_come_is_said(camera, cause):
    assert cause in look(due=9.0, **camera).text


def tell(*states, patience=2.0):
    lines = []
    logger = SimpleNamespace(warning=lines.append, info=lines.append)
    teller = Teller(logger, '/image')
    for condition in states:
        teller.tell(condition, patience)
    return lines


RUNNING, WAITING = Condition(State.RUNNING), Condition(State.WAITING, 'no image yet', 1.0)
STALLED = Condition(State.STALLED, 'stalled: …', 2.5)
LEFT = Condition(State.LEFT, 'its publisher has left', 2.5)
OVERDUE = Condition(State.OVERDUE, 'images come, but no labels', 6.0)
ONE_BAD, ALL_BAD = (Condition(State.REJECTED, 'torn', since) for since in (0.1, 3.0))


@pytest.mark.parametrize(('states', 'lines'), [
    ([WAITING, RUNNING, RUNNING], []),
    ([RUNNING, STALLED, STALLED, RUNNING, RUNNING],
     ['no image on /image for 2.5 s: the camera has stalled', 'images on /image come again']),
    ([RUNNING, LEFT, LEFT], ['the publisher of /image has left: no image for 2.5 s']),
    ([RUNNING, OVERDUE, OVERDUE, RUNNING],
     ['/image: images come, but no labels', '/image has labels again']),
    ([RUNNING, STALLED, ONE_BAD, STALLED, ALL_BAD, RUNNING],
     ['no image on /image for 2.5 s: the camera has stalled', 'images on /image come again']),
    ([RUNNING, ONE_BAD, RUNNING, ONE_BAD, RUNNING], []),
    ([ONE_BAD, ALL_BAD, ALL_BAD, RUNNING], ['images on /image are usable again']),
    ([RUNNING, STALLED, WAITING, RUNNING],
     ['no image on /image for 2.5 s: the camera has stalled'])])
def test_a_state_is_said_once_and_its_end_too(states, lines):
    assert tell(*states) == lines


@pytest.mark.parametrize('stamp', [Stamp(0.0, False, True), Stamp(-0.05, False, True)])
def test_a_good_stamp_is_not_doubted(stamp):
    assert doubt(stamp, 5.0) is None
