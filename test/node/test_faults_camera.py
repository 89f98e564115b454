"""Cameras that stop, and clocks that disagree; docs/faults.md."""

import pytest
import tiny_model
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from faults import FAULTS
from ros_harness import Client, image_message, start_node
from sensor_msgs.msg import Image

pytestmark = pytest.mark.ros

SCENE = tiny_model.scene()
RAW = '/faulty/front/image'


@pytest.fixture
def diagnostics(client, faulty):
    return client.subscribe(DiagnosticArray, '/diagnostics')


@pytest.fixture
def labels(client, faulty):
    return client.subscribe(Image, '/faulty/node/front/panoptic')


def test_a_camera_stops_and_comes_back(domain, client, tiny_onnx):
    """The driver ends, and another process takes its place; the second camera never notices."""
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    with start_node(domain, model=tiny_onnx, cameras='[front, rear]', stall_timeout=1.0,
                    remap={'__ns': '/stopping'}) as node:
        name = 'stopping/panoptic_node'
        never, stops = FAULTS['camera that never starts'], FAULTS['camera that stops']
        node.wait_for_output(never.log)
        client.wait(lambda: never.diagnosed(diagnostics, name), never.name)
        front, rear = (client.subscribe(Image, f'/{name}/{camera}/panoptic')
                       for camera in ('front', 'rear'))

        def serve(driver, camera, answers):
            message = image_message(SCENE, 'bgr8', driver.header())
            return client.wait(
                lambda: (driver.publisher(Image, f'/stopping/{camera}/image').publish(message),
                         [answer for answer in list(answers) if answer.header == message.header]
                         )[1], f'answer to {camera}')

        driver = Client(domain)
        serve(driver, 'front', front)
        driver.close()

        def stopped():
            serve(client, 'rear', rear)
            return stops.diagnosed(diagnostics, name)

        client.wait(stopped, stops.name)
        node.wait_for_output(stops.log)
        assert client.status(diagnostics, 'camera rear', name).level == DiagnosticStatus.OK
        driver = Client(domain)
        client.wait(lambda: serve(driver, 'front', front) and client.status(
            diagnostics, 'camera front', name).level == DiagnosticStatus.OK, 'recovery')
        node.wait_for_output('images on /stopping/front/image come again')
        driver.close()
        assert node.stop() == 0


@pytest.mark.parametrize(('shift', 'name'), [
    (30, 'stamp in the future'), (-3600, 'stamp of long ago'), (-2**32, 'stamp of long ago'),
    (None, 'stamp of zero')])
def test_stamps_are_compared_with_the_clock(client, diagnostics, labels, shift, name):
    message = image_message(SCENE, 'bgr8', client.header())
    if shift is None:
        message.header.stamp.sec = message.header.stamp.nanosec = 0
    else:
        message.header.stamp.sec = max(message.header.stamp.sec + shift, -2**31)
    assert client.exchange(message, RAW, labels).header == message.header
    client.repeat(message, RAW, lambda: FAULTS[name].diagnosed(diagnostics, 'faulty/node'), name)


def test_simulated_time_without_a_clock(client, diagnostics, labels):
    fault = FAULTS['simulated time without a clock']
    message = image_message(SCENE, 'bgr8', client.header())
    assert client.set_parameter('/faulty/node', 'use_sim_time', True)[0]
    try:
        client.exchange(message, RAW, labels)
        client.repeat(message, RAW, lambda: fault.diagnosed(diagnostics, 'faulty/node'),
                      fault.name)
    finally:
        assert client.set_parameter('/faulty/node', 'use_sim_time', False)[0]
