from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
from rclpy.qos import ReliabilityPolicy

from panoptic_ros.node.camera import Counts, Stamp
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
from panoptic_ros.node.latency import Latency
from panoptic_ros.node.memory import Memory
from panoptic_ros.node.parameters import Settings
from panoptic_ros.node.tally import Lately

FINE = {
    'topic': '/image', 'own_topic': 'image', 'transport': 'raw', 'publisher_count': 1,
    'active': True, 'silence': 0.1, 'last_arrival': 5.0, 'format': '64x48 bgr8', 'rejection': None,
    'reliability': ReliabilityPolicy.RELIABLE,
    'stamp': Stamp(age=0.05, is_zero=False, clock_runs=True)}


def judge(settings=None, **changes):
    status = camera_status(SimpleNamespace(**FINE | changes), 10.0, settings or Settings())
    return status.level, status.message


@pytest.mark.parametrize(('changes', 'level', 'text'), [
    ({}, OK, '10.0 Hz, 64x48 bgr8'),
    ({'active': False}, OK, 'no images are taken'),
    ({'last_arrival': None, 'publisher_count': 0}, OK,
     'nobody publishes it: remap image to the camera'),
    ({'last_arrival': None, 'publisher_count': 0, 'own_topic': 'front/image/compressed'}, OK,
     'remap front/image/compressed to the camera'),
    ({'last_arrival': None, 'publisher_count': 0, 'silence': 9.0}, WARN, 'on /image after 9 s'),
    ({'last_arrival': None, 'silence': 9.0}, WARN, 'its 1 publishers are silent'),
    ({'silence': 9.0, 'rejection': 'torn'}, ERROR, 'stalled: the last image came 9.0 s ago'),
    ({'rejection': 'torn'}, ERROR, 'image rejected: torn'),
    ({'stamp': Stamp(0.05, True, True)}, WARN, 'the stamp is zero'),
    ({'stamp': Stamp(0.05, False, False)}, WARN, '/clock is silent'),
    ({'stamp': Stamp(-0.05, False, True)}, OK, 'Hz'),
    ({'stamp': Stamp(-3.0, False, True)}, WARN, '3.0 s in the future'),
    ({'stamp': Stamp(60.0, False, True)}, WARN, '60.0 s old'),
    ({'stamp': None, 'format': ''}, OK, 'first image at work')])
def test_camera(changes, level, text):
    found, message = judge(**changes)
    assert found == level
    assert text in message


def test_hardware_is_the_topic_and_the_device():
    assert camera_status(SimpleNamespace(**FINE), 10.0, Settings()).hardware_id == '/image'
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
    assert judge(Settings(max_stamp_age=0.0), stamp=old)[0] == OK


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


def lately(counts, before, rates=(10.0, 10.0), settled=True):
    return Lately(counts, before, *rates, settled)


def test_lost_frames_warn_once():
    before = Counts(received=5, segmented=5)
    dropped = Counts(received=9, segmented=6, dropped=3)
    assert counts_status(lately(dropped, before), 0.0).level == OK
    after = Counts(received=6, segmented=5, rejected=1)
    lost = counts_status(lately(after, before), 0.0)
    assert lost.level == WARN
    assert lost.message == '6 received, 5 segmented, 0 dropped, 1 rejected, 0 failed, 0 stale'
    assert counts_status(lately(after, after), 0.0).level == OK


def test_frames_that_came_too_late_warn():
    before = Counts(received=5, segmented=5)
    stale = Counts(received=6, segmented=5, stale=1)
    assert counts_status(lately(stale, before), 0.0).level == WARN


@pytest.mark.parametrize(('limit', 'settled', 'level'), [
    (0.0, True, OK), (3.9, True, OK), (4.0, True, OK), (4.1, True, WARN), (4.1, False, OK)])
def test_overload_shows_in_the_rate(limit, settled, level):
    counts = Counts(received=100, segmented=40, dropped=60)
    status = counts_status(lately(counts, counts, (10.0, 4.0), settled), limit)
    assert status.level == level
    values = {value.key: value.value for value in status.values}
    assert (values['received [Hz]'], values['segmented [Hz]']) == ('10.0', '4.0')
    assert ('4.0 Hz are segmented of 10.0 Hz, less than min_rate, 4.1 Hz' in status.message) == (
        level == WARN)


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
