"""config/panoptic.foxglove.json against the topics and statistics of the node."""

import json
import re

import pytest
import tiny_model
from diagnostic_msgs.msg import DiagnosticArray
from ros_harness import image_message, start_node

from panoptic_ros.resources import share_directory

pytestmark = pytest.mark.ros

PATH = re.compile(r'(?P<topic>[\w/]+)\.status\[:\]\{name=="(?P<stage>\w+)"\}'
                  r'\.values\[:\]\{key=="(?P<key>\w+)"\}\.value')
TYPES = {'Image': 'sensor_msgs/msg/Image',
         'DiagnosticSummary': 'diagnostic_msgs/msg/DiagnosticArray',
         'RawMessages': 'vision_msgs/msg/Detection2DArray',
         'Plot': 'diagnostic_msgs/msg/DiagnosticArray'}


@pytest.fixture(scope='module')
def layout():
    return json.loads((share_directory() / 'config/panoptic.foxglove.json').read_text())


def leaves(node):
    """Return the panels of a layout's tree from left to right, and from top to bottom."""
    if isinstance(node, str):
        return [node]
    assert node['direction'] in ('row', 'column')
    assert 0 < node['splitPercentage'] < 100
    return leaves(node['first']) + leaves(node['second'])


def topics(panel, config):
    """Return what a panel shows."""
    return {'Image': lambda: [config['imageMode']['imageTopic']],
            'RawMessages': lambda: [config['topicPath']],
            'DiagnosticSummary': lambda: [config['topicToRender']],
            'Plot': lambda: [PATH.fullmatch(path['value'])['topic'] for path in config['paths']],
            }[panel.partition('!')[0]]()


def test_every_panel_has_a_place_and_a_configuration(layout):
    assert set(layout) == {'configById', 'globalVariables', 'userNodes', 'playbackConfig',
                           'layout'}
    assert sorted(leaves(layout['layout'])) == sorted(layout['configById'])


def test_the_panels_show_what_the_node_publishes(client, domain, tiny_onnx, layout):
    with start_node(domain, model=tiny_onnx) as node:
        node.wait_for_output('waiting for images on /image')
        statistics = client.subscribe(DiagnosticArray, '/panoptic_node/statistics')
        client.repeat(image_message(tiny_model.scene(), 'bgr8', client.header()), '/image',
                      lambda: statistics and statistics[-1].status, 'statistics')
        types = dict(client.node.get_topic_names_and_types())
        for panel, config in layout['configById'].items():
            for topic in topics(panel, config):
                assert types.get(topic) == [TYPES[panel.partition('!')[0]]], (panel, topic)
        values = {(status.name, value.key): value.value for status in statistics[-1].status
                  for value in status.values}
    for panel, config in layout['configById'].items():
        for path in config.get('paths', []):
            found = PATH.fullmatch(path['value'])
            assert float(values[found['stage'], found['key']]) >= 0, (panel, path['value'])
