"""Ctrl-C and SIGTERM at any moment; docs/faults.md."""

import signal
import sys
import time
from pathlib import Path

import pytest
import tiny_model
from diagnostic_msgs.msg import DiagnosticArray
from faults import FAULTS
from promptness import end, wait_until_heeded
from ros_harness import Process, image_message, start_node
from sensor_msgs.msg import Image

pytestmark = pytest.mark.ros

SCENE = tiny_model.scene()


@pytest.mark.slow
def test_ctrl_c_at_any_moment(domain, tiny_onnx):
    """From the first moment, before a library is loaded, to a while after the node is active."""
    assert FAULTS['Ctrl-C or SIGTERM at any moment'].log is None
    for delay in (0, 0.05, 0.1, 0.2, 0.35, 0.55, 0.8, 1.2, 1.7, 2.5):
        with start_node(domain, model=tiny_onnx, remap={'__node': 'interrupted'}) as node:
            wait_until_heeded(node)
            if not delay:
                libraries = Path(f'/proc/{node.process.pid}/maps').read_text(encoding='utf-8')
                assert not any(name in libraries for name in ('numpy', 'cv2', 'rclpy'))
            time.sleep(delay)
            end(node)


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_node_with_a_frame_at_work(domain, client, tiny_onnx, number):
    remap = {'__node': 'signalled', 'image': '/signalled/image'}
    with start_node(domain, model=tiny_onnx, remap=remap) as node:
        node.wait_for_output('waiting for images')
        labels = client.subscribe(Image, '/signalled/panoptic')
        message = image_message(SCENE, 'bgr8', client.header())
        client.exchange(message, '/signalled/image', labels)
        client.publisher(Image, '/signalled/image').publish(message)
        end(node, number)


HANGING = """
import sys, threading
from panoptic_ros import Segmenter
def hang(*_, **__):
    print('loading', flush=True)
    threading.Event().wait()
Segmenter.open = hang
from panoptic_ros.cli.panoptic_node import main
main(['--ros-args', '-r', '__node:=hanging'])
"""


@pytest.fixture
def hanging(domain):
    with Process([sys.executable, '-c', HANGING], domain) as node:
        node.wait_for_output('loading')
        yield node


def test_diagnostics_go_on_while_a_model_loads(client, hanging):
    fault = FAULTS['model that loads for long']
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    client.wait(lambda: sum(fault.diagnosed([message], 'hanging') for message in
                            list(diagnostics)) >= 4, fault.name)
    engine = client.readings(diagnostics, 'engine', 'hanging', 'state')
    assert engine['state'] == 'configuring'
    assert 'MB resident' in client.status(diagnostics, 'memory', 'hanging').message
    assert client.status(diagnostics, 'camera', 'hanging').message == 'not configured'


def test_ctrl_c_while_a_model_never_loads(hanging):
    assert FAULTS['Ctrl-C while a model hangs'].log is None
    end(hanging)


def test_a_second_ctrl_c_does_not_wait(hanging):
    assert FAULTS['Ctrl-C twice'].log is None
    hanging.process.send_signal(signal.SIGINT)
    time.sleep(0.2)
    assert hanging.process.poll() is None, 'it still tries to end in order'
    start = time.monotonic()
    end(hanging)
    assert time.monotonic() - start < 1.0, 'the first signal would have taken so long, too'
