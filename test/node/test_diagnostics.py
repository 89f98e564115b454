"""What the node says about itself: engine, memory, stages, and all cameras though one fails."""

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from unittest.mock import Mock

import pytest
import tiny_model
from diagnostic_msgs.msg import DiagnosticArray
from ros_harness import LATCHED, image_message
from sensor_msgs.msg import Image

from panoptic_ros.memory import Memory
from panoptic_ros.node import diagnostics
from panoptic_ros.node.condition import ERROR, OK, WARN
from panoptic_ros.node.diagnostics import (
    Reporter,
    absent_statuses,
    build_age,
    engine_status,
    memory_status,
    stage_statistics,
)
from panoptic_ros.node.mishaps import Mishaps
from panoptic_ros.node.record import Counts, LatencyWindow


def test_a_camera_that_cannot_subscribe_again_costs_the_report_of_nobody(monkeypatch):
    monkeypatch.setattr(diagnostics, 'camera_statuses', lambda camera, *_: [camera.name])
    monkeypatch.setattr(diagnostics, 'look_at', lambda *_: Mock())
    monkeypatch.setattr(diagnostics, 'Teller', Mock())
    cameras = [Mock(started=0.0, counts=Counts(), silence=0.0, last_arrival=1.0)
               for _ in range(2)]
    for camera, name in zip(cameras, ('front', 'rear'), strict=True):
        camera.name = name      # which is another thing where a Mock is made
        camera.subscription.topic.name = f'/{name}/image'
    cameras[0].subscription.adapt.side_effect = RuntimeError('no room for a subscription')
    mishaps = Mishaps(Mock())
    reporter = Reporter(Mock(), mishaps)
    settings = SimpleNamespace(stall_timeout=2.0)
    assert reporter._camera_statuses(Mock(cameras=cameras), settings) == ['front', 'rear']
    assert 'no room' in mishaps.lately()['subscription /front/image']


def test_a_camera_that_is_not_configured_is_not_forgotten():
    statuses = absent_statuses('front', '/front/image', 'raw')
    assert [(s.level, s.name, s.message, s.hardware_id) for s in statuses] == [
        (OK, f'{name} front', 'not configured', topic) for name, topic in (
            ('camera', '/front/image'), ('latency', ''), ('frames', ''))]
    nameless = absent_statuses('', '/image', 'raw')
    assert [s.name for s in nameless] == ['camera', 'latency', 'frames']


def test_hardware_is_the_device():
    for about, name in ({'GPU': 'none'}, 'CPU'), ({'GPU': 'Orin'}, 'Orin'), ({}, ''):
        for fault in (None, 'torn'):
            assert engine_status(fault, None, 'ready', about).hardware_id == name


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


def values(status):
    return {value.key: value.value for value in status.values}


def camera_of(name, **times):
    window = LatencyWindow(frames=50)
    for frame in range(1, 101):
        window.record({stage: frame * seconds for stage, seconds in times.items()})
    return SimpleNamespace(name=name, latency=window)


def test_a_status_for_each_stage_of_the_last_frames():
    wait, network = stage_statistics([camera_of('', network=1e-3, wait=1.0)])
    assert (wait.name, network.name) == ('wait', 'network')
    found = values(network)
    assert 0 <= float(found.pop('window')) < 60
    assert found == {'unit': 's', 'samples': '50', 'p50': '0.075000', 'p99': '0.100000',
                     'max': '0.100000'}


def test_several_cameras_are_told_apart():
    statuses = stage_statistics([camera_of('front', wait=1.0), camera_of('rear', wait=2.0)])
    assert [status.name for status in statuses] == ['front/wait', 'rear/wait']
    assert values(statuses[1])['max'] == '200.000000'


@pytest.mark.ros
def test_late_joiners_get_the_last_statistics(client, node, camera):
    labels = client.subscribe(Image, '/panoptic_node/panoptic')
    try:
        assert client.set_parameter('/panoptic_node', 'tracking', True)[0]
        client.exchange(image_message(tiny_model.scene(), 'bgr8', client.header()), camera, labels)
    finally:
        assert client.set_parameter('/panoptic_node', 'tracking', False)[0]
    running = client.subscribe(DiagnosticArray, '/panoptic_node/statistics')
    message = running.wait(lambda m: any(status.name == 'total' for status in m.status))
    stages = {status.name: values(status) for status in message.status}
    assert {'receive', 'wait', 'convert', 'resize', 'network', 'grouping', 'tracking',
            'publish', 'total'} == set(stages)
    for found in stages.values():
        assert 0 <= float(found['p50']) <= float(found['p99']) <= float(found['max'])
    assert float(stages['network']['max']) <= float(stages['total']['max'])
    info = client.node.get_publishers_info_by_topic('/panoptic_node/statistics')[0]
    assert info.qos_profile.durability.name == 'TRANSIENT_LOCAL'
    late = client.subscribe(DiagnosticArray, '/panoptic_node/statistics', LATCHED)
    assert late.wait(lambda _: True).status[0].hardware_id == 'panoptic_node'
