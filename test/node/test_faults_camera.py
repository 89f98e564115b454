"""Cameras that stop, and clocks that disagree; docs/faults.md."""

import time

import numpy as np
import pytest
import tiny_model
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from faults import FAULTS
from ros_harness import BEST_EFFORT, Client, image_message, start_node
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


@pytest.fixture(scope='module')
def stopping(domain, tiny_onnx):
    with start_node(domain, model=tiny_onnx, cameras='[front, rear]', stall_timeout=1.0,
                    remap={'__ns': '/stopping'}) as node:
        node.wait_for_output('waiting for images')
        yield node
        assert node.stop() == 0, node.output


STOPPING = 'stopping/panoptic_node'
FRONT = '/stopping/front/image'


@pytest.fixture
def serve(client, stopping):
    """A function that has somebody's image of a camera answered."""
    answers = {camera: client.subscribe(Image, f'/{STOPPING}/{camera}/panoptic')
               for camera in ('front', 'rear')}

    def serve(driver, camera):
        message = image_message(SCENE, 'bgr8', driver.header())
        return client.wait(
            lambda: (driver.publisher(Image, f'/stopping/{camera}/image').publish(message),
                     [answer for answer in list(answers[camera])
                      if answer.header == message.header])[1], f'answer to {camera}')
    return serve


def test_a_camera_stops_and_comes_back(domain, client, stopping, serve):
    """The driver falls silent, then ends; another takes its place; the other never notices."""
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics')
    never, stops, leaves = (FAULTS[name] for name in (
        'camera that never starts', 'camera that stops', 'camera whose publisher leaves'))
    stopping.wait_for_output(never.log)
    client.wait(lambda: never.diagnosed(diagnostics, STOPPING), never.name)
    driver = Client(domain)
    serve(driver, 'front')

    def diagnosed(fault):
        serve(client, 'rear')
        return fault.diagnosed(diagnostics, STOPPING)

    line = stopping.line_count
    client.wait(lambda: diagnosed(stops), stops.name)
    stopping.wait_for_output(stops.log, line)
    driver.close()
    client.wait(lambda: diagnosed(leaves), leaves.name)
    stopping.wait_for_output(leaves.log, line)
    assert client.status(diagnostics, 'camera rear', STOPPING).level == DiagnosticStatus.OK
    driver = Client(domain)
    client.wait(lambda: serve(driver, 'front') and client.status(
        diagnostics, 'camera front', STOPPING).level == DiagnosticStatus.OK, 'recovery')
    stopping.wait_for_output(f'images on {FRONT} come again', line)
    driver.close()


def test_a_publisher_that_leaves_has_not_stalled(domain, client, stopping, serve):
    """As at the end of a bag, which is closed at once."""
    row = FAULTS['camera whose publisher leaves']
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics')
    player = Client(domain)
    client.wait(lambda: serve(player, 'front') and client.status(
        diagnostics, 'camera front', STOPPING).level == DiagnosticStatus.OK, 'images')
    line = stopping.line_count      # until its images come, a new publisher has stalled
    player.close()
    client.wait(lambda: row.diagnosed(diagnostics, STOPPING), row.name)
    stopping.wait_for_output(row.log, line)
    assert f'no image on {FRONT}' not in '\n'.join(stopping.output.splitlines()[line:])


def test_while_every_image_is_rejected_nothing_else_is_said(domain, client, stopping, serve):
    """They come more seldom than the camera is waited for, so that it is silent now and then."""
    row = FAULTS['camera whose images are all rejected']
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics')
    driver = Client(domain)
    client.wait(lambda: serve(driver, 'front') and client.status(
        diagnostics, 'camera front', STOPPING).level == DiagnosticStatus.OK, 'images')
    line, torn = stopping.line_count, image_message(SCENE, 'bgr8', driver.header())
    torn.step = 3
    driver.publisher(Image, FRONT).publish(torn)
    stopping.wait_for_output(row.log, line)
    diagnostics.clear()
    for _ in range(3):
        time.sleep(2.2)
        driver.publisher(Image, FRONT).publish(torn)
    states = {status.message.partition(':')[0] for message in list(diagnostics)
              for status in message.status if status.name == f'{STOPPING}: camera front'}
    assert 'image rejected' in states
    assert row.diagnosed(diagnostics, STOPPING)
    assert all(state == 'image rejected' or 'Hz' in state for state in states), states
    lines = stopping.output.splitlines()[line:]
    assert [text for text in lines if FRONT in text and 'rejected' not in text] == []
    serve(driver, 'front')
    stopping.wait_for_output(f'images on {FRONT} are usable again', line)
    driver.close()


def test_images_that_are_lost_on_their_way_are_counted(domain, client, tiny_onnx):
    """Best effort and larger than the shared memory that a participant has by default."""
    row = FAULTS['images lost on their way']
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    image = np.zeros((2160, 3840, 3), np.uint8)
    with start_node(domain, model=tiny_onnx, remap={'__ns': '/losing'}, stall_timeout=30.0,
                    environment={'FASTDDS_BUILTIN_TRANSPORTS': 'DEFAULT'}) as node:
        node.wait_for_output('waiting for images')
        publisher = client.publisher(Image, '/losing/image', BEST_EFFORT)
        message = image_message(image, 'bgr8', client.header())
        sent = 0

        def flood():
            nonlocal sent
            publisher.publish(message)
            sent += 1
            time.sleep(0.1)
            return row.diagnosed(diagnostics, 'losing/panoptic_node')

        client.wait(flood, row.name)
        node.wait_for_output(row.log)
        values = client.readings(diagnostics, 'frames', 'losing/panoptic_node', 'lost')
        assert 0 < int(values['lost']) <= sent - int(values['received'])
        assert float(values['lost [Hz]']) > 0
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
