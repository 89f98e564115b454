"""What the node makes of camera images, as a process of its own over DDS."""

import numpy as np
import pytest
import tiny_model
from diagnostic_msgs.msg import DiagnosticArray
from ros_harness import image_message, pixels_of
from sensor_msgs.msg import Image

from panoptic_ros import Segmenter

pytestmark = pytest.mark.ros

SCENE = tiny_model.scene((96, 160))


@pytest.fixture(scope='module')
def segmenter(tiny_onnx):
    return Segmenter.open(tiny_onnx)


@pytest.fixture
def labels(client, node):
    return client.subscribe(Image, '/panoptic_node/panoptic')


@pytest.mark.parametrize(('encoding', 'pixels', 'padding'), [
    ('bgr8', SCENE, 0), ('bgr8', SCENE, 5), ('8UC3', SCENE, 0),
    ('rgb8', SCENE[..., ::-1], 1), ('bgra8', np.dstack([SCENE, SCENE[..., 0]]), 8),
    ('rgba8', np.dstack([SCENE[..., ::-1], SCENE[..., 0]]), 0)])
def test_color(client, camera, labels, segmenter, encoding, pixels, padding):
    message = image_message(pixels, encoding, client.header(), padding)
    answer = client.exchange(message, camera, labels)
    assert np.array_equal(pixels_of(answer), segmenter(SCENE).labels)


@pytest.mark.parametrize('encoding', ['mono8', '8UC1'])
def test_gray(client, camera, labels, segmenter, encoding):
    gray = SCENE[..., 1]
    answer = client.exchange(image_message(gray, encoding, client.header(), 3), camera, labels)
    expected = segmenter(np.repeat(gray[..., None], 3, axis=2))
    assert np.array_equal(pixels_of(answer), expected.labels)


def test_the_newest_frame_wins_and_every_frame_is_accounted_for(client, camera, node, labels):
    """Faster than the node can serve, at 1280x720 with every output wanted."""
    for topic in ('semantic', 'instance', 'confidence', 'overlay'):
        client.subscribe(Image, f'/panoptic_node/{topic}', matched=False)
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics')
    scene = tiny_model.scene((720, 1280))

    def counts():
        values = client.status(diagnostics, 'frames').values
        return {v.key: int(v.value) for v in values if '[' not in v.key}

    before = client.wait(counts, 'counts')
    for _ in range(20):
        for _ in range(20):
            message = image_message(scene, 'bgr8', client.header())
            client.publisher(Image, camera).publish(message)
        client.exchange(message, camera, labels)        # the last one is never lost
        diagnostics.clear()
        if client.wait(counts, 'counts')['dropped'] > before['dropped']:
            break
    else:
        pytest.fail('400 frames at full speed, and none was dropped')
    settled = client.wait(lambda: (c := counts()) and c['received'] == (
        c['segmented'] + c['dropped'] + c['rejected'] + c['failed']) and c, 'settled counts')
    assert settled['failed'] == 0
    stamps = [(m.header.stamp.sec, m.header.stamp.nanosec) for m in labels]
    assert stamps == sorted(stamps), 'never out of order'
