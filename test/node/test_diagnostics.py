import time
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
from rclpy.qos import ReliabilityPolicy

from panoptic_ros.node.camera import Counts, Stamp
from panoptic_ros.node.condition import Condition, State
from panoptic_ros.node.diagnostics import (
    ERROR,
    OK,
    WARN,
    absent_statuses,
    build_age,
    camera_status,
    counts_status,
    engine_status,
    latency_status,
    memory_status,
)
from panoptic_ros.node.freshness import Freshness
from panoptic_ros.node.latency import Latency
from panoptic_ros.node.memory import Memory
from panoptic_ros.node.parameters import Settings
from panoptic_ros.node.tally import Lately

FINE = {
    'topic': '/image', 'own_topic': 'image', 'transport': 'raw', 'publisher_count': 1,
    'active': True, 'silence': 0.1, 'last_arrival': 5.0, 'format': '64x48 bgr8', 'rejection': None,
    'reliability': ReliabilityPolicy.RELIABLE, 'freshness': Freshness(),
    'stamp': Stamp(age=0.05, is_zero=False, clock_runs=True)}
RUNNING = Condition(State.RUNNING)


def judge(condition=RUNNING, settings=None, **changes):
    status = camera_status(SimpleNamespace(**FINE | changes), condition, 10.0,
                           settings or Settings())
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
    status = camera_status(SimpleNamespace(**FINE), condition, 10.0, Settings())
    assert {v.key: v.value for v in status.values}['state'] == condition.state.value


def test_the_age_of_the_newest_labels_is_told():
    freshness = Freshness()
    freshness.publish(time.perf_counter() - 7.0)
    status = camera_status(SimpleNamespace(**FINE | {'freshness': freshness}), RUNNING, 10.0,
                           Settings())
    assert 7 <= float({v.key: v.value for v in status.values}['age of newest labels [s]']) < 60


def test_hardware_is_the_topic_and_the_device():
    status = camera_status(SimpleNamespace(**FINE), RUNNING, 10.0, Settings())
    assert status.hardware_id == '/image'
    for about, name in ({'GPU': 'none'}, 'CPU'), ({'GPU': 'Orin'}, 'Orin'), ({}, ''):
        for fault in (None, 'torn'):
            assert engine_status(fault, None, 'ready', about).hardware_id == name


def test_a_camera_that_is_not_configured_is_not_forgotten():
    statuses = absent_statuses('front', '/front/image', 'raw')
    assert [(s.level, s.name, s.message, s.hardware_id) for s in statuses] == [
        (OK, f'{name} front', 'not configured', topic) for name, topic in (
            ('camera', '/front/image'), ('latency', ''), ('frames', ''))]
    nameless = absent_statuses('', '/image', 'raw')
    assert [s.name for s in nameless] == ['camera', 'latency', 'frames']


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


def test_age_of_a_build():
    then = datetime.now(timezone.utc) - timedelta(hours=30)
    assert build_age(then.isoformat()) == {'age of build [h]': '30.0'}
    assert build_age(then.replace(tzinfo=None).isoformat()) == {'age of build [h]': '30.0'}
    assert build_age('') == build_age('yesterday') == {}


@pytest.mark.parametrize(('available', 'gpu', 'level', 'text'), [
    (5e9, None, OK, '300 MB resident'),
    (5e9, (2 * 10**9, 8 * 10**9), OK, '300 MB resident, 6000 MB GPU used'),
    (1e8, None, WARN, 'the machine has hardly any left'),
    (5e9, (10**8, 8 * 10**9), WARN, 'the GPU has hardly any left'),
    (None, None, OK, '300 MB resident')])
def test_memory(available, gpu, level, text):
    status = memory_status(Memory(300 * 10**6, 400 * 10**6, available, 8 * 10**9), gpu)
    assert status.level == level
    assert text in status.message
    values = {value.key: value.value for value in status.values}
    assert values['peak resident [MB]'] == '400'
    assert ('GPU total [MB]' in values) == (gpu is not None)


def test_engine():
    assert engine_status('no file', None, 'unconfigured', {}).level == ERROR
    assert engine_status(None, None, 'ready', {}).message == 'ready'
    assert 'lost: NaN' in engine_status(None, 'NaN', 'ready', {}).message
    hanging = engine_status(None, 'NaN', 'ready', {}, hanging=6.0)
    assert hanging.level == ERROR
    assert 'a frame has been at work for 6.0 s' in hanging.message
