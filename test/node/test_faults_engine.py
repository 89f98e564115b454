"""Networks that raise or give NaN, and models that cannot be loaded; docs/faults.md."""

import sys

import broken_models
import numpy as np
import pytest
import tiny_model
import tiny_queries
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from faults import FAULTS
from ros_harness import Process, image_message, pixels_of, start_node
from sensor_msgs.msg import Image

from panoptic_ros import Segmenter

pytestmark = pytest.mark.ros

NODE = '/breaking/panoptic_node'
CAMERA = '/breaking/image'
SCENE = tiny_model.scene()
FAILING = """
from pathlib import Path
from panoptic_ros.node.session import Session
activate = Session.activate
def fail(self):
    if Path({fault!r}).exists():
        raise RuntimeError('no room for a subscription')
    activate(self)
Session.activate = fail
from panoptic_ros.cli.panoptic_node import main
main(['--ros-args', '-r', '__node:=failing', '-p', 'model:={model}'])
"""


@pytest.fixture(scope='module')
def breaking(domain):
    with start_node(domain, autostart=False, tracking=False,
                    remap={'__ns': '/breaking'}) as node:
        node.wait_for_output('waiting for a lifecycle manager')
        yield node
        assert node.stop() == 0, node.output


@pytest.fixture
def diagnostics(client, breaking):
    return client.subscribe(DiagnosticArray, '/diagnostics')


@pytest.fixture
def switch(client, breaking):
    """A function that lets the node use another model, whatever it was doing."""
    def switch(model):
        for transition in ('deactivate', 'cleanup'):
            client.change_state(NODE, transition)
        assert client.set_parameter(NODE, 'model', str(model)) == (True, '')
        return client.change_state(NODE, 'configure') and client.change_state(NODE, 'activate')
    return switch


@pytest.fixture
def serve(client, diagnostics):
    """A function that has a good image answered with the right labels, all diagnosed as well."""
    def serve(model):
        labels = client.subscribe(Image, f'{NODE}/panoptic')
        message = image_message(SCENE, 'bgr8', client.header())
        answer = client.exchange(message, CAMERA, labels)
        assert np.array_equal(pixels_of(answer), Segmenter.open(model)(SCENE).labels)
        client.repeat(message, CAMERA, lambda: client.status(
            diagnostics, 'engine', NODE[1:]).level == DiagnosticStatus.OK, 'recovery')
        return labels
    return serve


@pytest.fixture
def provoke(client, breaking, diagnostics):
    """A function that sends an image until the fault is diagnosed."""
    def provoke(name, image):
        fault, line = FAULTS[name], breaking.line_count
        message = image_message(image, 'bgr8', client.header())
        client.repeat(message, CAMERA, lambda: fault.diagnosed(diagnostics, NODE[1:]), name)
        breaking.wait_for_output(fault.log, line)
        return message.header
    return provoke


@pytest.mark.parametrize(('name', 'added', 'network', 'output'), [
    ('engine that raises for a frame', [0] * broken_models.POISON, tiny_model, 'semantic'),
    ('network that gives NaN', [0] * broken_models.POISON + [np.nan], tiny_model, 'semantic'),
    ('network that gives NaN', [0] * broken_models.POISON + [np.nan], tiny_queries, 'classes')])
def test_a_lost_frame_is_named_and_the_next_one_served(tmp_path, switch, serve, provoke, name,
                                                       added, network, output):
    model = broken_models.build(tmp_path / 'broken.onnx', added, network, output)
    assert switch(model)
    labels = serve(model)
    lost = provoke(name, broken_models.poisoned(SCENE))
    serve(model)
    assert lost not in [message.header for message in labels]


def test_a_model_that_always_fails_can_be_replaced(client, tmp_path, tiny_onnx, switch, serve,
                                                   provoke, breaking):
    assert switch(broken_models.build(tmp_path / 'broken.onnx', [0]))
    provoke('engine that always raises', SCENE)
    message = image_message(SCENE, 'bgr8', client.header())
    line = breaking.line_count
    for _ in range(50):
        client.publisher(Image, CAMERA).publish(message)
    assert client.set_parameter(NODE, 'deeplab.top_k', 100)[0]
    assert breaking.line_count - line < 5, 'a line with every frame'
    assert client.state(NODE) == 'active'
    assert switch(tiny_onnx)
    serve(tiny_onnx)


@pytest.mark.parametrize('name', [
    'model file that is not there', 'model file that is cut off', 'model without metadata',
    'file that is no model', 'model whose texts cannot be sent', 'model that recommends nonsense',
    'model that reads files outside its folder', 'model for several images at once',
    'model whose outputs have several types'])
def test_a_model_that_cannot_be_loaded_is_named(client, breaking, diagnostics, tmp_path,
                                                tiny_onnx, switch, serve, name):
    model = tmp_path / 'model.onnx'
    if name == 'model file that is cut off':
        model.write_bytes(tiny_onnx.read_bytes()[:1000])
    elif name == 'model without metadata':
        tiny_model.build(model, metadata={})
    elif name == 'file that is no model':
        model = tmp_path / 'notes.txt'
    elif name in broken_models.UNFIT:
        broken_models.unfit(model, name)
    fault, line = FAULTS[name], breaking.line_count
    assert not switch(model)
    assert str(model) in breaking.wait_for_output(fault.log, line)
    assert client.state(NODE) == 'unconfigured'
    diagnostics.clear()
    client.wait(lambda: fault.diagnosed(diagnostics, NODE[1:]), name)
    assert switch(tiny_onnx)
    serve(tiny_onnx)


def test_an_activation_that_fails_is_named(domain, client, tiny_onnx, tmp_path):
    row, fault = FAULTS['activation that fails'], tmp_path / 'fault'
    fault.touch()
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)

    def engine():
        diagnostics.clear()
        status = client.status(diagnostics, 'engine', 'failing')
        return status.level, status.message

    with Process([sys.executable, '-c', FAILING.format(fault=str(fault), model=tiny_onnx)],
                 domain) as node:
        node.wait_for_output(row.log)
        client.wait(lambda: row.diagnosed(diagnostics, 'failing'), row.name)
        assert client.state('/failing') == 'inactive'
        level, message = engine()
        assert level == DiagnosticStatus.ERROR, 'it stays'
        assert message.startswith('cannot activate')
        fault.unlink()
        assert client.change_state('/failing', 'activate')
        assert engine() == (DiagnosticStatus.OK, 'ready')
        assert client.change_state('/failing', 'deactivate')
        assert engine() == (DiagnosticStatus.OK, 'ready'), 'somebody wanted it so'
        assert client.change_state('/failing', 'cleanup')
        assert client.change_state('/failing', 'configure')
        level, message = engine()
        assert level == DiagnosticStatus.ERROR
        assert 'not active, and nobody deactivated it' in message
        assert node.stop() == 0
