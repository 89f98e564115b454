"""The latency of the stages on ~/statistics."""

from types import SimpleNamespace

import pytest
import tiny_model
from diagnostic_msgs.msg import DiagnosticArray
from ros_harness import LATCHED, image_message
from sensor_msgs.msg import Image

from panoptic_ros.node.latency import LatencyWindow
from panoptic_ros.node.statistics import stage_statistics


def values(status):
    return {value.key: value.value for value in status.values}


def channel(name, **times):
    window = LatencyWindow(frames=50)
    for frame in range(1, 101):
        window.record({stage: frame * seconds for stage, seconds in times.items()})
    return SimpleNamespace(name=name, latency=window)


def test_a_status_for_each_stage_of_the_last_frames():
    wait, network = stage_statistics([channel('', network=1e-3, wait=1.0)])
    assert (wait.name, network.name) == ('wait', 'network')
    found = values(network)
    assert 0 <= float(found.pop('window')) < 60
    assert found == {'unit': 's', 'samples': '50', 'p50': '0.075000', 'p99': '0.100000',
                     'max': '0.100000'}


def test_several_cameras_are_told_apart():
    statuses = stage_statistics([channel('front', wait=1.0), channel('rear', wait=2.0)])
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
