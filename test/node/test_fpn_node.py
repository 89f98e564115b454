"""A model of detections in the node's process: its options, outputs and diagnostics."""

import re

import numpy as np
import pytest
import tiny_detections
import tiny_model
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from ros_harness import image_message, pixels_of, start_node
from sensor_msgs.msg import Image

from panoptic_ros import Segmenter
from panoptic_ros.families import fpn

pytestmark = pytest.mark.ros

NODE = '/detected'
CAMERA = '/detected/image'
SCENE = tiny_model.scene()


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return tiny_detections.build(tmp_path_factory.mktemp('fpn') / 'tiny_detections.onnx')


@pytest.fixture(scope='module')
def detected(domain, model):
    with start_node(domain, model=model, tracking=False, remap={
            '__node': 'detected', 'image': CAMERA}, **{'fpn.score_threshold': 0.7}) as node:
        node.wait_for_output(f'waiting for images on {CAMERA}')
        yield node
        assert node.stop() == 0, node.output
        assert 'Traceback' not in node.output


def test_every_output_is_that_of_the_segmenter(client, detected, model):
    segmenter = Segmenter.open(model, 'cpu')
    segmenter.options = fpn.Options(0.7, stuff_area=tiny_detections.STUFF_AREA)
    expected = segmenter(SCENE, confidence=True)
    assert len(expected.things) == 3
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    images = {'panoptic': expected.labels, 'semantic': expected.semantic(),
              'instance': expected.instances(), 'confidence': expected.confidence}
    for name, pixels in images.items():
        topic = client.subscribe(Image, f'{NODE}/{name}')
        answer = client.exchange(image_message(SCENE, 'bgr8', client.header()), CAMERA, topic)
        assert np.array_equal(pixels_of(answer), pixels), name
    engine = client.status(diagnostics, 'engine', 'detected')
    told = {value.key: value.value for value in engine.values}
    assert engine.level == DiagnosticStatus.OK
    assert told['family'] == 'fpn'
    latency = client.readings(diagnostics, 'latency', 'detected', 'grouping p50 [ms]')
    assert {'resize p50 [ms]', 'network p50 [ms]'} <= set(latency)


def test_options_change_while_it_runs_and_those_of_others_are_refused(client, detected):
    labels = client.subscribe(Image, f'{NODE}/panoptic')
    message = image_message(SCENE, 'bgr8', client.header())

    def segments():
        return len(np.setdiff1d(pixels_of(labels[-1]), 65535)) if labels else -1

    assert client.get_parameter(NODE, 'fpn.score_threshold') == 0.7
    client.exchange(message, CAMERA, labels)
    assert segments() == 5
    assert client.set_parameter(NODE, 'fpn.score_threshold', 1.0) == (True, '')
    client.repeat(message, CAMERA, lambda: segments() == 2, 'labels without things')
    assert client.set_parameter(NODE, 'fpn.stuff_area', 8192) == (True, '')
    client.repeat(message, CAMERA, lambda: segments() == 0, 'labels of nothing')
    successful, reason = client.set_parameter(NODE, 'fpn.overlap_threshold', 1.5)
    assert not successful
    assert re.search('overlap_threshold', reason)
    assert client.set_parameter(NODE, 'masks.pixel_threshold', 0.5) == (
        False, 'masks.pixel_threshold is 0.5: it is an option of the family masks, and the model '
        'is of the family fpn: set it to -1')
    for name, value in (('score_threshold', -1.0), ('stuff_area', -1)):
        assert client.set_parameter(NODE, f'fpn.{name}', value) == (True, '')
    client.repeat(message, CAMERA, lambda: segments() == 5, 'labels')
