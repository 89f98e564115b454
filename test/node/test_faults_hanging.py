"""What takes too long: a model that hangs, a file that decodes for ever; docs/faults.md."""

import sys
from types import SimpleNamespace
from unittest.mock import Mock

import hanging_model
import numpy as np
import pytest
import rclpy
import tiny_model
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from faults import FAULTS
from rclpy.context import Context
from rclpy.parameter import Parameter
from ros_harness import Process, compressed_message, image_message, pixels_of, start_node
from sensor_msgs.msg import Image

from panoptic_ros import Segmenter
from panoptic_ros.node.panoptic_node import PanopticNode

pytestmark = pytest.mark.ros

SCENE = tiny_model.scene()
DECODING = """
import time
from pathlib import Path
from panoptic_ros.images import converter
decompress = converter.decompress
def crawl(message, *limits):
    while message.header.frame_id == 'slow' and Path({fault!r}).exists():
        time.sleep(0.01)
    return decompress(message, *limits)
converter.decompress = crawl
from panoptic_ros.cli.panoptic_node import main
main(['--ros-args', '-r', '__ns:=/crawling', '-p', 'cameras:=[front, rear/compressed]',
      '-p', 'label_timeout:=1.0', '-p', 'stall_timeout:=30.0', '-p', 'tracking:=false',
      '-p', 'model:={model}'])
"""


def test_a_model_that_hangs_is_named(domain, client, tmp_path):
    """Every status says so that would otherwise show how well things went before."""
    row, node_name = FAULTS['model that hangs'], 'hanging/panoptic_node'
    model = hanging_model.build(tmp_path / 'hanging.onnx')
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    with start_node(domain, model=model, label_timeout=1.5,
                    remap={'__ns': '/hanging'}) as node:
        node.wait_for_output('waiting for images')
        labels = client.subscribe(Image, f'/{node_name}/panoptic')
        answer = client.exchange(image_message(SCENE, 'bgr8', client.header()), '/hanging/image',
                                 labels)
        assert np.array_equal(pixels_of(answer), Segmenter.open(model)(SCENE).labels)
        message = image_message(hanging_model.white(SCENE), 'bgr8', client.header())
        client.repeat(message, '/hanging/image', lambda: row.diagnosed(diagnostics, node_name),
                      row.name)
        node.wait_for_output(row.log)

        def said():
            statuses = {name: client.status(diagnostics, name, node_name)
                        for name in ('camera', 'latency', 'frames')}
            found = {name: (status.level, status.message) for name, status in statuses.items()}
            level, text = found['camera']
            assert level != DiagnosticStatus.ERROR or 'a frame has been at work for' in text
            return (level == DiagnosticStatus.ERROR
                    and found['latency'][0] == DiagnosticStatus.WARN
                    and 'for the frame at work' in found['latency'][1]
                    and 'dropped for newer ones' in found['frames'][1])

        client.repeat(message, '/hanging/image', said, 'the other statuses')
        assert node.stop() == 0


def test_a_camera_that_decodes_for_long_delays_no_other(domain, client, tiny_onnx, tmp_path):
    row, node_name, fault = (FAULTS['file that takes long to decode'], 'crawling/panoptic_node',
                             tmp_path / 'fault')
    fault.touch()
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    with Process([sys.executable, '-c', DECODING.format(fault=str(fault), model=tiny_onnx)],
                 domain) as node:
        node.wait_for_output('waiting for images')
        labels = {name: client.subscribe(Image, f'/{node_name}/{name}/panoptic')
                  for name in ('front', 'rear')}
        rear = '/crawling/rear/image/compressed'
        slow = compressed_message(SCENE, 'png', client.header())
        slow.header.frame_id = 'slow'

        def starved():
            """The other camera has its labels all the while."""
            client.publisher(type(slow), rear).publish(slow)
            message = image_message(SCENE, 'bgr8', client.header())
            client.exchange(message, '/crawling/front/image', labels['front'])
            return row.diagnosed(diagnostics, node_name)

        client.wait(starved, row.name)
        node.wait_for_output(row.log)
        for name in ('camera front', 'latency front', 'engine'):
            status = client.status(diagnostics, name, node_name)
            assert status.level == DiagnosticStatus.OK, status
        assert not labels['rear']
        fault.unlink()
        client.exchange(compressed_message(SCENE, 'png', client.header()), rear, labels['rear'])
        assert labels['rear'][0].header.frame_id == 'slow', 'the one that was decoded so long'
        client.wait(lambda: client.status(diagnostics, 'camera rear', node_name).level
                    == DiagnosticStatus.OK, 'recovery')
        node.wait_for_output('/crawling/rear/image/compressed has labels again')
        assert node.stop() == 0


def test_an_engine_that_never_ends_stays_a_fault(domain):
    """Its thread cannot be ended: the node must not look as if it had merely no model."""
    context = Context()
    rclpy.init(context=context, domain_id=domain)
    node = PanopticNode(context=context, namespace='/endless', parameter_overrides=[
        Parameter('autostart', value=False)])
    node._session = SimpleNamespace(close=Mock(side_effect=TimeoutError('restart the node')))
    node.on_cleanup(None)
    assert node._fault == 'restart the node'
    node.destroy_node()
    rclpy.shutdown(context=context)
