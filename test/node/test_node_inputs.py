"""What the node makes of camera images, good and bad, as a process of its own over DDS."""

from array import array

import numpy as np
import pytest
import tiny_model
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
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


def test_size_and_encoding_may_change_between_frames(client, camera, labels, segmenter):
    for height, width in ((64, 128), (480, 640), (37, 61), (64, 128)):
        scene = tiny_model.scene((height, width))
        message = image_message(scene[..., ::-1], 'rgb8', client.header())
        answer = client.exchange(message, camera, labels)
        assert np.array_equal(pixels_of(answer), segmenter(scene).labels)


FAULTS = {
    'encoding': ({'encoding': 'bayer_rggb8'}, "encoding 'bayer_rggb8' is not supported"),
    'truncated': ({'data': array('B', bytes(1000))}, '1000 bytes of data: expected 46080'),
    'empty': ({'width': 0, 'height': 0, 'step': 0, 'data': array('B')}, 'the image is 0x0'),
    'step': ({'step': 3}, 'step is 3: expected at least 480'),
    'absurd': ({'width': 2**31, 'height': 2**31, 'step': 2**31}, 'the image is 2147483648x21'),
}


@pytest.mark.parametrize('fault', FAULTS)
def test_a_faulty_image_is_named_and_the_next_one_served(client, node, camera, labels, fault):
    changes, text = FAULTS[fault]
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics')
    bad = image_message(SCENE, 'bgr8', client.header())
    for name, value in changes.items():
        setattr(bad, name, value)
    line = node.line_count
    client.repeat(bad, camera, lambda: any(
        status.level == DiagnosticStatus.ERROR and text in status.message
        for message in diagnostics for status in message.status
        if status.name == 'panoptic_node: camera'), 'diagnosis')
    assert f'image on {camera} rejected' in node.wait_for_output(text[:20], line)
    good = image_message(SCENE, 'bgr8', client.header())
    client.exchange(good, camera, labels)
    client.repeat(good, camera, lambda: client.status(diagnostics, 'camera').level
                  == DiagnosticStatus.OK, 'recovery')
    assert not [m for m in labels if m.header == bad.header]


def test_the_newest_frame_wins_and_every_frame_is_accounted_for(client, camera, node, labels):
    """Faster than the node can serve, at 1280x720 with every output wanted."""
    for topic in ('semantic', 'instance', 'confidence', 'overlay'):
        client.subscribe(Image, f'/panoptic_node/{topic}', matched=False)
    diagnostics = client.subscribe(DiagnosticArray, '/diagnostics')
    scene = tiny_model.scene((720, 1280))

    def counts():
        values = client.status(diagnostics, 'frames').values
        return {value.key: int(value.value) for value in values}

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
