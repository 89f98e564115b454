"""A model of masks in the node's process: its options, outputs and diagnostics."""

import re

import numpy as np
import pytest
import tiny_model
import tiny_queries
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from ros_harness import image_message, pixels_of, start_node
from sensor_msgs.msg import Image

from panoptic_ros import Segmenter
from panoptic_ros.families import masks

pytestmark = pytest.mark.ros

NODE = '/queried'
CAMERA = '/queried/image'
SCENE = tiny_model.scene()


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    return tiny_queries.build(tmp_path_factory.mktemp('masks') / 'tiny_queries.onnx')


@pytest.fixture(scope='module')
def queried(domain, model):
    with start_node(domain, model=model, tracking=False, remap={
            '__node': 'queried', 'image': CAMERA}, **{'masks.object_threshold': 0.7}) as node:
        node.wait_for_output(f'waiting for images on {CAMERA}')
        yield node
        assert node.stop() == 0, node.output
        assert 'Traceback' not in node.output


def test_every_output_is_that_of_the_segmenter(client, queried, model):
    segmenter = Segmenter.open(model, 'cpu')
    segmenter.options = masks.Options(object_threshold=0.7)
    expected = segmenter(SCENE, confidence=True)
    assert len(expected.things) == 3
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics', matched=False)
    images = {'panoptic': expected.labels, 'semantic': expected.semantic(),
              'instance': expected.instances(), 'confidence': expected.confidence}
    for name, pixels in images.items():
        topic = client.subscribe(Image, f'{NODE}/{name}')
        answer = client.exchange(image_message(SCENE, 'bgr8', client.header()), CAMERA, topic)
        assert np.array_equal(pixels_of(answer), pixels), name
    engine = client.status(diagnostics, 'engine', 'queried')
    told = {value.key: value.value for value in engine.values}
    assert engine.level == DiagnosticStatus.OK
    assert told['family'] == 'masks'
    latency = client.readings(diagnostics, 'latency', 'queried', 'grouping p50 [ms]')
    assert {'resize p50 [ms]', 'network p50 [ms]'} <= set(latency)


def test_options_change_while_it_runs_and_those_of_others_are_refused(client, queried):
    labels = client.subscribe(Image, f'{NODE}/panoptic')
    message = image_message(SCENE, 'bgr8', client.header())
    assert client.get_parameter(NODE, 'masks.object_threshold') == 0.7
    answer = client.exchange(message, CAMERA, labels)
    assert len(np.unique(pixels_of(answer))) > 3
    assert client.set_parameter(NODE, 'masks.object_threshold', 1.0) == (True, '')
    client.repeat(message, CAMERA, lambda: labels and (pixels_of(labels[-1]) == 65535).all(),
                  'labels of nothing, as no score is above 1')
    successful, reason = client.set_parameter(NODE, 'masks.overlap_threshold', 1.5)
    assert not successful
    assert re.search('overlap_threshold', reason)
    assert client.set_parameter(NODE, 'deeplab.top_k', 5) == (
        False, 'deeplab.top_k is 5: it is an option of the family deeplab, and the model is of '
        'the family masks: set it to -1')
    assert client.set_parameter(NODE, 'masks.object_threshold', -1.0) == (True, '')
    client.repeat(message, CAMERA, lambda: len(np.unique(pixels_of(labels[-1]))) > 3, 'labels')
