"""The node driven through its states from another process; one node for the whole file."""

import numpy as np
import pytest
import tiny_model
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition, TransitionEvent
from ros_harness import (
    BEST_EFFORT,
    compressed_message,
    image_message,
    pixels_of,
    start_node,
)
from sensor_msgs.msg import Image

from panoptic_ros import Segmenter

pytestmark = pytest.mark.ros

NODE = '/managed/panoptic'
CAMERA = '/managed/image'
SCENE = tiny_model.scene()


@pytest.fixture(scope='module')
def managed(domain, tiny_onnx):
    remap = {'__ns': '/managed', '__node': 'panoptic'}
    with start_node(domain, remap=remap, autostart=False, model=tiny_onnx,
                    stall_timeout=1.5) as node:
        node.wait_for_output('waiting for a lifecycle manager')
        yield node
        assert node.stop() == 0, node.output


@pytest.fixture(autouse=True)
def unconfigured(client, managed, tiny_onnx):
    """Begin and end each test with an unconfigured node that has the tiny model."""
    yield
    for transition in ('deactivate', 'cleanup'):
        client.change_state(NODE, transition)
    assert client.state(NODE) == 'unconfigured'
    assert client.set_parameter(NODE, 'model', str(tiny_onnx))[0]
    assert client.set_parameter(NODE, 'image_transport', 'raw')[0]


@pytest.fixture
def diagnostics(client):
    return client.subscribe(DiagnosticArray, '/diagnostics')


@pytest.fixture
def activate(client):
    def activate():
        assert client.change_state(NODE, 'configure')
        assert client.change_state(NODE, 'activate')
    return activate


def engine(client, diagnostics):
    diagnostics.clear()
    return client.status(diagnostics, 'engine', NODE.lstrip('/'))


def camera(client, diagnostics):
    return client.status(diagnostics, 'camera', NODE.lstrip('/'))


def test_without_autostart_it_waits(client, diagnostics):
    assert client.state(NODE) == 'unconfigured'
    status = engine(client, diagnostics)
    assert status.level == DiagnosticStatus.OK
    assert status.message == 'no model loaded: unconfigured'


def test_a_whole_life_twice(client, activate, tiny_onnx):
    expected = Segmenter.open(tiny_onnx)(SCENE).labels
    for _ in range(2):
        activate()
        labels = client.subscribe(Image, f'{NODE}/panoptic')
        answer = client.exchange(image_message(SCENE, 'bgr8', client.header()), CAMERA, labels)
        assert np.array_equal(pixels_of(answer), expected)
        assert client.change_state(NODE, 'deactivate')
        client.wait(lambda: not client.node.count_subscribers(CAMERA), 'end of subscription')
        assert client.change_state(NODE, 'activate')
        answer = client.exchange(image_message(SCENE, 'bgr8', client.header()), CAMERA, labels)
        assert client.change_state(NODE, 'deactivate')
        assert client.change_state(NODE, 'cleanup')
        client.wait(lambda: not client.node.count_publishers(f'{NODE}/panoptic'), 'silence')
        assert client.state(NODE) == 'unconfigured'


def test_no_status_vanishes_with_the_model(client, diagnostics, activate):
    node = 'managed/panoptic'
    names = [f'{node}: {name}' for name in (
        'engine', 'memory', 'camera', 'latency', 'frames', 'callbacks')]

    def hardware():
        diagnostics.clear()
        statuses = client.wait(lambda: next(
            (m.status for m in list(diagnostics) if m.status[0].name == names[0]), None), names[0])
        assert [s.name for s in statuses] == names
        return [s.hardware_id for s in statuses]

    assert hardware() == [node, node, CAMERA, node, node, node]
    assert camera(client, diagnostics).message == 'not configured'
    activate()
    assert hardware() == ['CPU', node, CAMERA, node, node, node]
    assert 'no image yet on /managed/image' in camera(client, diagnostics).message
    assert client.change_state(NODE, 'deactivate')
    assert client.change_state(NODE, 'cleanup')
    assert hardware() == [node, node, CAMERA, node, node, node]
    assert camera(client, diagnostics).message == 'not configured'


def test_impossible_transitions_are_refused(client, managed):
    line = managed.line_count
    assert not client.change_state(NODE, Transition.TRANSITION_ACTIVATE)
    managed.wait_for_output(r'\[ERROR\].*transition 3 ', line)     # rclpy's words from Kilted on
    for unknown in ('activate', 'no such transition', 77):
        assert not client.change_state(NODE, unknown)
    assert client.change_state(NODE, Transition.TRANSITION_CONFIGURE)
    assert not client.change_state(NODE, Transition.TRANSITION_CONFIGURE)
    assert client.state(NODE) == 'inactive'


def test_transitions_are_announced(client, activate):
    events = client.subscribe(TransitionEvent, f'{NODE}/transition_event')
    activate()
    events.wait(lambda e: e.goal_state.label == 'active')


def test_parameters_say_why_they_refuse(client, activate):
    for name, value, reason in (
            ('deeplab.nms_kernel', 4, 'deeplab.nms_kernel is 4: expected an odd number'),
            ('deeplab.center_threshold', -0.5, 'center_threshold is -0.5: expected 0 to 1'),
            ('deeplab.top_k', 5000, 'out of range'),
            ('overlay_opacity', 1.5, 'out of range'),
            ('image_transport', 'theora', 'expected one of raw, compressed'),
            ('autostart', True, 'read-only'),
            ('jpeg_quality', 'high', 'Wrong parameter type')):
        taken, why = client.set_parameter(NODE, name, value)
        assert not taken
        assert reason in why
    activate()
    for name, value in (('model', 'streets'), ('threads', 1), ('image_transport', 'compressed')):
        taken, why = client.set_parameter(NODE, name, value)
        assert not taken
        assert f'{name} cannot change while the node is configured' in why
    assert client.set_parameter(NODE, 'deeplab.center_threshold', 0.3) == (True, '')
    assert client.set_parameter(NODE, 'deeplab.center_threshold', -1.0) == (True, '')


def test_compressed_images(client, managed, diagnostics, activate, tiny_onnx):
    assert client.set_parameter(NODE, 'image_transport', 'compressed')[0]
    activate()
    labels = client.subscribe(Image, f'{NODE}/panoptic')
    topic = f'{CAMERA}/compressed'
    expected = Segmenter.open(tiny_onnx)(SCENE).labels
    png = compressed_message(SCENE, 'png', client.header())
    assert np.array_equal(pixels_of(client.exchange(png, topic, labels)), expected)
    jpeg = compressed_message(SCENE, 'jpg', client.header())
    answer = pixels_of(client.exchange(jpeg, topic, labels))
    assert (answer == expected).mean() > 0.9


@pytest.mark.parametrize(('qos', 'expected'), [(1, 'reliable'), (BEST_EFFORT, 'best_effort')])
def test_images_are_taken_as_they_are_offered(client, diagnostics, activate, qos, expected):
    activate()
    labels = client.subscribe(Image, f'{NODE}/panoptic')
    client.stop_publishing(CAMERA)
    client.publisher(Image, CAMERA, qos)
    try:
        message = image_message(SCENE, 'bgr8', client.header())
        client.exchange(message, CAMERA, labels)
        client.wait(lambda: client.readings(
            diagnostics, 'camera', NODE.lstrip('/'), 'reliability')['reliability'] == expected,
            expected)
    finally:
        client.stop_publishing(CAMERA)
