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
from sensor_msgs.msg import CompressedImage, Image

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


@pytest.mark.parametrize('fault', ['missing', 'corrupt', 'without metadata', 'no model'])
def test_configure_fails_with_the_cause_and_can_be_tried_again(
        client, managed, diagnostics, tmp_path, tiny_onnx, fault):
    model, text = {
        'missing': (tmp_path / 'absent.onnx', 'no model file'),
        'corrupt': (tmp_path / 'corrupt.onnx', 'is not a model that ONNX Runtime can load'),
        'without metadata': (tmp_path / 'bare.onnx', 'lacks the metadata network, input_size'),
        'no model': (tmp_path / 'notes.txt', 'expected a model file that ends in .onnx')}[fault]
    if fault == 'corrupt':
        model.write_bytes(tiny_onnx.read_bytes()[:1000])
    elif fault == 'without metadata':
        tiny_model.build(model, metadata={})
    line = managed.line_count
    assert client.set_parameter(NODE, 'model', str(model)) == (True, '')
    assert not client.change_state(NODE, 'configure')
    assert client.state(NODE) == 'unconfigured'
    assert 'cannot configure' in managed.wait_for_output(text, line)
    status = engine(client, diagnostics)
    assert status.level == DiagnosticStatus.ERROR
    assert text in status.message
    assert str(model) in status.message
    assert client.set_parameter(NODE, 'model', str(tiny_onnx)) == (True, '')
    assert client.change_state(NODE, 'configure')
    assert engine(client, diagnostics).message == 'ready'


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
            ('nms_kernel', 4, 'nms_kernel is 4: expected an odd number'),
            ('center_threshold', -0.5, 'center_threshold is -0.5: expected at least 0'),
            ('top_k', 5000, 'out of range'),
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
    assert client.set_parameter(NODE, 'center_threshold', 0.3) == (True, '')
    assert client.set_parameter(NODE, 'center_threshold', -1.0) == (True, '')


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
    line = managed.line_count
    for fault, cut, text in (('truncated', slice(None, len(jpeg.data) // 2), 'truncated'),
                             ('headless', slice(50, None), 'are no image'),
                             ('empty', slice(0), 'are no image')):
        bad = CompressedImage(header=client.header(), format=fault, data=jpeg.data[cut])
        client.repeat(bad, topic, lambda text=text: text in camera(client, diagnostics).message,
                      f'diagnosis of {fault}')
    managed.wait_for_output('truncated', line)
    again = compressed_message(SCENE, 'png', client.header())
    assert np.array_equal(pixels_of(client.exchange(again, topic, labels)), expected)


def test_a_silent_camera_is_diagnosed(client, diagnostics, activate):
    activate()
    status = client.wait(lambda: (s := camera(client, diagnostics)).level
                         == DiagnosticStatus.WARN and s, 'warning')
    assert f'no image yet on {CAMERA}' in status.message
    labels = client.subscribe(Image, f'{NODE}/panoptic')
    message = image_message(SCENE, 'bgr8', client.header())
    client.exchange(message, CAMERA, labels)
    client.wait(lambda: 'stalled' in camera(client, diagnostics).message, 'stall')
    assert camera(client, diagnostics).level == DiagnosticStatus.ERROR
    client.repeat(message, CAMERA, lambda: camera(client, diagnostics).level
                  == DiagnosticStatus.OK, 'recovery')


@pytest.mark.parametrize(('shift', 'text'), [
    (30, 'in the future: synchronise the clocks'), (-3600, 'set use_sim_time'),
    (-2**32, 'set use_sim_time'), (None, 'the stamp is zero')])
def test_stamps_are_compared_with_the_clock(client, diagnostics, activate, shift, text):
    activate()
    labels = client.subscribe(Image, f'{NODE}/panoptic')
    message = image_message(SCENE, 'bgr8', client.header())
    if shift is None:
        message.header.stamp.sec = message.header.stamp.nanosec = 0
    else:
        message.header.stamp.sec = max(message.header.stamp.sec + shift, -2**31)
    assert client.exchange(message, CAMERA, labels).header == message.header
    client.repeat(message, CAMERA, lambda: text in camera(client, diagnostics).message, text)


def test_simulated_time_without_a_clock_is_diagnosed(client, diagnostics, activate):
    activate()
    message = image_message(SCENE, 'bgr8', client.header())
    assert client.set_parameter(NODE, 'use_sim_time', True)[0]
    try:
        client.repeat(message, CAMERA, lambda: '/clock is silent' in camera(
            client, diagnostics).message, 'diagnosis')
    finally:
        assert client.set_parameter(NODE, 'use_sim_time', False)[0]


@pytest.mark.parametrize(('qos', 'expected'), [(1, 'reliable'), (BEST_EFFORT, 'best_effort')])
def test_images_are_taken_as_they_are_offered(client, diagnostics, activate, qos, expected):
    activate()
    labels = client.subscribe(Image, f'{NODE}/panoptic')
    client.stop_publishing(CAMERA)
    client.publisher(Image, CAMERA, qos)
    try:
        message = image_message(SCENE, 'bgr8', client.header())
        client.exchange(message, CAMERA, labels)
        client.wait(lambda: {v.key: v.value for v in camera(client, diagnostics).values}[
            'reliability'] == expected, expected)
    finally:
        client.stop_publishing(CAMERA)
