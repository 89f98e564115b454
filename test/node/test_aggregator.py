"""config/diagnostics_aggregator.yaml against what the node publishes on /diagnostics."""

import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from ros_harness import start_node

from panoptic_ros.resources import share_directory

pytestmark = pytest.mark.ros

KINDS = {'callbacks', 'cameras', 'engine', 'frames', 'latency', 'memory'}


@pytest.fixture
def analyzers(domain):
    """What each analyzer looks for, as the aggregator's node gets it from the file."""
    file = share_directory() / 'config/diagnostics_aggregator.yaml'
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain)
    node = Node('analyzers', context=context, cli_args=['--ros-args', '--params-file', str(file)],
                automatically_declare_parameters_from_overrides=True)
    try:
        given = {name: parameter.value for name, parameter in
                 node.get_parameters_by_prefix('panoptic').items()}
    finally:
        node.destroy_node()
        context.shutdown()
    assert given['type'] == 'diagnostic_aggregator/AnalyzerGroup'
    keys = {name.split('.')[1] for name in given if name.startswith('analyzers.')}
    assert {given[f'analyzers.{key}.type'] for key in keys} == {
        'diagnostic_aggregator/GenericAnalyzer'}
    assert all(given[f'analyzers.{key}.path'] for key in keys)
    return {key: given[f'analyzers.{key}.contains'] for key in keys}


def test_each_status_of_the_node_is_in_one_group(client, domain, tiny_onnx, analyzers):
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    with start_node(domain, model=tiny_onnx, cameras='[front, rear]',
                    remap={'__ns': '/aggregated'}) as node:
        client.status(diagnostics, 'latency rear', 'aggregated/panoptic_node')
        assert node.stop() == 0, node.output
    names = {status.name for message in list(diagnostics) for status in message.status
             if status.name.startswith('aggregated/')}
    assert 'aggregated/panoptic_node: camera front' in names
    groups = {name: [key for key, texts in analyzers.items()
                     if any(text in name for text in texts)] for name in names}
    assert {len(keys) for keys in groups.values()} == {1}, groups
    assert {keys[0] for keys in groups.values()} == KINDS == set(analyzers)
