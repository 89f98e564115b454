"""The one state of a camera, with cameras that say of themselves what they are told to."""

import time
from types import SimpleNamespace

import pytest
from rclpy.qos import ReliabilityPolicy

from panoptic_ros.node.condition import (
    ERROR,
    OK,
    WARN,
    Condition,
    State,
    Teller,
    camera_status,
    counts_status,
    latency_status,
    look_at,
)
from panoptic_ros.node.record import Counts, Freshness, Lately, Latency, Stamp
from panoptic_ros.node.settings import Settings

SETTINGS = Settings(stall_timeout=2.0, label_timeout=5.0)


def a_camera(publisher_count=1, active=True, own='image', **changes):
    """A camera that runs, but for some changes."""
    subscription = SimpleNamespace(
        topic=SimpleNamespace(name='/image', own=own), transport='raw', active=active,
        publisher_count=publisher_count, reliability=ReliabilityPolicy.RELIABLE)
    return SimpleNamespace(**{
        'subscription': subscription, 'silence': 0.1, 'last_arrival': 5.0, 'rejection': None,
        'format': '64x48 bgr8', 'freshness': Freshness(),
        'stamp': Stamp(age=0.05, is_zero=False, clock_runs=True)} | changes)


def look(due=0.0, at_work=0.0, decoding=False, counts=None, **changes):
    """A camera whose last image came 0.1 s ago, and whose labels have been due for a while."""
    freshness = Freshness()
    if due:
        freshness.receive(time.perf_counter() - due)
    camera = a_camera(freshness=freshness, worked=lambda now: at_work,
                      converter=SimpleNamespace(busy=decoding), **changes)
    lately = Lately(counts or Counts(), Counts(), 10.0, 0.0, 0.0, 0.0, True)
    return look_at(camera, lately, SETTINGS)


@pytest.mark.parametrize(('camera', 'state', 'text'), [
    ({}, State.RUNNING, ''),
    ({'active': False, 'rejection': 'torn'}, State.RESTING, 'no images are taken'),
    ({'last_arrival': None, 'publisher_count': 0}, State.WAITING,
     'nobody publishes it: remap image to the camera'),
    ({'last_arrival': None, 'publisher_count': 0, 'own': 'front/image/compressed'},
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


def judge(condition=RUNNING, settings=None, **changes):
    status = camera_status(a_camera(**changes), condition, 10.0, settings or Settings())
    return status.level, status.message


@pytest.mark.parametrize(('changes', 'level', 'text'), [
    ({}, OK, '10.0 Hz, 64x48 bgr8'),
    ({'stamp': Stamp(0.05, True, True)}, WARN, 'the stamp is zero'),
    ({'stamp': Stamp(0.05, False, False)}, WARN, '/clock is silent'),
    ({'stamp': Stamp(-0.05, False, True)}, OK, 'Hz'),
    ({'stamp': Stamp(-3.0, False, True)}, WARN, '3.0 s in the future'),
    ({'stamp': Stamp(60.0, False, True)}, WARN, '60.0 s old'),
    ({'stamp': None, 'format': ''}, OK, 'first image at work')])
def test_a_camera_that_runs(changes, level, text):
    found, message = judge(**changes)
    assert found == level
    assert text in message


@pytest.mark.parametrize(('condition', 'level'), [
    (Condition(State.RESTING, 'at rest'), OK),
    (Condition(State.WAITING, 'no image yet', 1.0), OK),
    (Condition(State.WAITING, 'no image yet', 9.0), WARN),
    (Condition(State.REJECTED, 'torn'), ERROR), (Condition(State.OVERDUE, 'no labels'), ERROR),
    (Condition(State.STALLED, 'stalled'), ERROR), (Condition(State.LEFT, 'gone'), ERROR)])
def test_a_camera_without_labels_is_an_error_in_the_word_of_its_state(condition, level):
    wrong = Stamp(0.05, True, True)
    assert judge(condition, stamp=wrong) == (level, condition.text)
    status = camera_status(a_camera(), condition, 10.0, Settings())
    assert {v.key: v.value for v in status.values}['state'] == condition.state.value


def test_the_age_of_the_newest_labels_is_told():
    freshness = Freshness()
    freshness.publish(time.perf_counter() - 7.0)
    status = camera_status(a_camera(freshness=freshness), RUNNING, 10.0,
                           Settings())
    assert 7 <= float({v.key: v.value for v in status.values}['age of newest labels [s]']) < 60


def test_hardware_is_the_topic():
    assert camera_status(a_camera(), RUNNING, 10.0, Settings()).hardware_id == '/image'


def test_any_age_of_a_stamp_can_be_accepted():
    old = Stamp(1e6, False, True)
    assert judge(settings=Settings(max_stamp_age=0.0), stamp=old)[0] == OK


def test_latency_is_held_against_the_limit():
    latency = {'network': Latency(0.1, 0.2, 0.3), 'total': Latency(0.2, 0.4, 0.6)}
    within = latency_status(latency, 7, 0.5)
    assert (within.level, within.message) == (OK, 'p50 200.0 ms, p99 400.0 ms')
    values = {v.key: v.value for v in within.values}
    assert values['network max [ms]'] == '300.0'
    assert values['frames'] == '7'
    beyond = latency_status(latency, 7, 0.3)
    assert beyond.level == WARN
    assert beyond.message.endswith('more than the limit of 300.0 ms')
    assert latency_status(latency, 7, 0.0).level == OK
    assert latency_status({}, 0, 0.5).message == 'no frame segmented yet'


@pytest.mark.parametrize('latency', [{}, {'total': Latency(0.2, 0.4, 0.6)}])
def test_the_frame_at_work_counts_in_the_latency(latency):
    assert latency_status(latency, 7, 0.5, at_work=0.45).level == OK
    hanging = latency_status(latency, 7, 0.5, at_work=3.0)
    assert hanging.level == WARN
    assert hanging.message.endswith(
        ', 3000.0 ms for the frame at work: more than the limit of 500.0 ms')
    assert {v.key: v.value for v in hanging.values}['at work [ms]'] == '3000.0'


def lately(counts, before, received=10.0, segmented=10.0, dropped=0.0, settled=True):
    return Lately(counts, before, received, segmented, dropped, 0.0, settled)


def judge_counts(lately, reliability=ReliabilityPolicy.RELIABLE, **settings):
    return counts_status(lately, Settings(**settings), reliability)


def test_frames_that_failed_warn_once():
    before = Counts(received=5, segmented=5)
    after = Counts(received=6, segmented=5, rejected=1)
    lost = judge_counts(lately(after, before))
    assert lost.level == WARN
    assert lost.message == (
        '6 received, 5 segmented, 0 dropped, 1 rejected, 0 failed, 0 stale, 0 lost')
    assert judge_counts(lately(after, after)).level == OK


def test_frames_that_came_too_late_warn():
    before = Counts(received=5, segmented=5)
    stale = Counts(received=6, segmented=5, stale=1)
    assert judge_counts(lately(stale, before)).level == WARN


@pytest.mark.parametrize(('reliability', 'cure'), [
    (ReliabilityPolicy.BEST_EFFORT, 'publish them reliable, or raise net.core.rmem_max'),
    (ReliabilityPolicy.RELIABLE, 'give its QoS more depth'),
    (ReliabilityPolicy.UNKNOWN, 'publish them reliable')])
def test_frames_that_never_came_warn_with_the_cure(reliability, cure):
    before, after = Counts(received=5, segmented=5), Counts(received=6, segmented=6, lost=4)
    status = judge_counts(lately(after, before), reliability)
    assert status.level == WARN
    assert status.message.startswith('4 images were lost on their way to the node: ')
    assert cure in status.message
    assert 'docs/performance.md' in status.message
    assert judge_counts(lately(after, after), reliability).level == OK


@pytest.mark.parametrize(('limit', 'settled', 'level'), [
    (0.0, True, OK), (3.9, True, OK), (4.0, True, OK), (4.1, True, WARN), (4.1, False, OK)])
def test_overload_shows_in_the_rate(limit, settled, level):
    counts = Counts(received=100, segmented=40, dropped=59)
    status = judge_counts(lately(counts, counts, 10.0, 4.0, 6.0, settled), min_rate=limit)
    assert status.level == level
    assert ('4.0 Hz are segmented of 10.0 Hz, less than min_rate, 4.1 Hz' in status.message) == (
        level == WARN)
    assert '4.0 Hz are segmented of 10.0 Hz, 6.0 Hz are dropped for newer ones' in status.message
    values = {value.key: value.value for value in status.values}
    assert {key: values[key] for key in values if 'Hz' in key or key == 'waiting'} == {
        'received [Hz]': '10.0', 'segmented [Hz]': '4.0', 'dropped [Hz]': '6.0',
        'lost [Hz]': '0.0', 'waiting': '1'}


@pytest.mark.parametrize(('segmented', 'dropped', 'limit', 'settled', 'level'), [
    (10.0, 20.0, 0.5, True, OK),        # as it is meant: the newest of many
    (1.9, 28.0, 0.5, True, WARN), (1.9, 28.0, 0.5, False, OK), (1.9, 28.0, 0.0, True, OK),
    (0.0, 30.0, 0.5, True, WARN), (1.0, 0.0, 0.5, True, OK)])
def test_an_engine_that_falls_behind_the_limit_warns(segmented, dropped, limit, settled, level):
    """Where frames are dropped and labels come more seldom than one of them may take."""
    counts = Counts(received=100, segmented=40, dropped=59)
    status = judge_counts(lately(counts, counts, 30.0, segmented, dropped, settled),
                          latency_limit=limit)
    assert status.level == level
    assert ('the engine is behind' in status.message) == (level == WARN)
