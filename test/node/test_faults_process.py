"""Processes that die, start again, are two, or stop to listen; docs/faults.md."""

import re
import signal
import sys

import pytest
import tiny_model
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from faults import FAULTS
from memory import resident
from promptness import end
from ros_harness import PATIENCE, Process, image_message, start_node
from sensor_msgs.msg import Image

pytestmark = pytest.mark.ros

SCENE = tiny_model.scene()
IDLE_SUBSCRIBER = """
import rclpy
from sensor_msgs.msg import Image
rclpy.init()
node = rclpy.create_node('idle')
subscription = node.create_subscription(Image, '/deserted/panoptic_node/panoptic',
                                        lambda message: print(message), 10)
while not node.count_publishers(subscription.topic_name):
    pass
print('subscribed', flush=True)
input()
"""


@pytest.mark.slow
def test_ten_starts_and_ends_in_a_row(domain, tiny_onnx):
    assert FAULTS['ten starts and ends in a row'].log is None
    for _ in range(10):
        with start_node(domain, model=tiny_onnx, remap={'__node': 'restarted'}) as node:
            node.wait_for_output('waiting for images')
            end(node)


def test_after_kill_9_the_next_one_serves(domain, client, tiny_onnx):
    """Camera and subscriber stay, and find the new process under the old name."""
    assert FAULTS['kill -9'].log is None
    labels = client.subscribe(Image, '/killed/panoptic_node/panoptic', matched=False)
    for code in (-signal.SIGKILL, 0):
        with start_node(domain, model=tiny_onnx, remap={'__ns': '/killed'}) as node:
            node.wait_for_output('waiting for images')
            client.exchange(image_message(SCENE, 'bgr8', client.header()), '/killed/image',
                            labels)
            if code:
                assert node.stop(signal.SIGKILL) == code
            else:
                end(node)


def test_two_nodes_at_once(domain, client, tiny_onnx):
    assert FAULTS['two nodes at once'].log is None
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    spaces = ('/one', '/two')
    first, second = (start_node(domain, model=tiny_onnx, remap={'__ns': space})
                     for space in spaces)
    with first, second:
        for node, space in zip((first, second), spaces, strict=True):
            node.wait_for_output(f'waiting for images on {space}/image')
            labels = client.subscribe(Image, f'{space}/panoptic_node/panoptic')
            client.exchange(image_message(SCENE, 'bgr8', client.header()), f'{space}/image',
                            labels)
            status = client.status(diagnostics, 'engine', f'{space[1:]}/panoptic_node')
            assert status.level == DiagnosticStatus.OK
        end(first)
        client.exchange(image_message(SCENE, 'bgr8', client.header()), '/two/image', labels)
        end(second)


def test_a_subscriber_that_never_reads(domain, client, tiny_onnx):
    """One that never takes a message, and then is stopped by the system altogether."""
    assert FAULTS['subscriber that never reads'].log is None
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    with start_node(domain, model=tiny_onnx, remap={'__ns': '/deserted'}) as node, \
            Process([sys.executable, '-c', IDLE_SUBSCRIBER], domain) as idle:
        node.wait_for_output('waiting for images')
        idle.wait_for_output('subscribed')
        labels = client.subscribe(Image, '/deserted/panoptic_node/panoptic')
        scene = tiny_model.scene((480, 640))

        def serve(frames):
            for _ in range(frames):
                client.exchange(image_message(scene, 'bgr8', client.header()),
                                '/deserted/image', labels)
            return resident(node)

        serve(30)
        idle.process.send_signal(signal.SIGSTOP)
        before = serve(30)
        after = serve(60)
        assert after - before < 10e6, 'a quarter of what the subscriber did not read'
        client.wait(lambda: client.status(diagnostics, 'frames', 'deserted/panoptic_node').level
                    == DiagnosticStatus.OK, 'frames that all were served')
        assert 'lost' not in node.output
        end(node)



@pytest.mark.parametrize(('required', 'ends'), [(True, True), (False, False)])
def test_a_required_node_ends_where_it_cannot_start(domain, required, ends):
    fault = FAULTS['first start that fails, with `required`']
    with start_node(domain, model='/nowhere.onnx', required=required,
                    remap={'__node': 'required'}) as node:
        node.wait_for_output('cannot configure: no model file')
        if ends:
            node.wait_for_output(fault.log)
            assert node.process.wait(PATIENCE) == 1
        else:
            end(node)
            assert not re.search(fault.log, node.output)
