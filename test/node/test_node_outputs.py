"""What comes out of the node, as a process of its own over DDS."""

import cv2
import numpy as np
import pytest
import tiny_model
from ros_harness import LATCHED, compressed_pixels_of, image_message, pixels_of
from sensor_msgs.msg import CompressedImage, Image
from vision_msgs.msg import Detection2DArray, LabelInfo

from panoptic_ros import Segmenter, overlay

pytestmark = pytest.mark.ros

OPTIONAL = {'semantic': 'mono8', 'instance': '16UC1', 'confidence': 'mono8', 'overlay': 'bgr8'}


@pytest.fixture(scope='module')
def image():
    return tiny_model.scene((128, 256))


@pytest.fixture(scope='module')
def expected(tiny_onnx, image):
    return Segmenter.open(tiny_onnx)(image, confidence=True)


@pytest.fixture(scope='module')
def pictures(image, expected):
    return {'panoptic': expected.labels, 'semantic': expected.semantic(),
            'instance': expected.instances(), 'confidence': expected.confidence,
            'overlay': overlay.draw(image, expected)}


@pytest.fixture
def message(client, image):
    return image_message(image, 'bgr8', client.header())


def test_labels_are_the_segmenters_under_the_cameras_header(client, camera, message, expected):
    labels = client.subscribe(Image, '/panoptic_node/panoptic')
    answer = client.exchange(message, camera, labels)
    assert answer.header == message.header
    assert (answer.encoding, answer.step, answer.is_bigendian) == ('16UC1', 512, 0)
    assert np.array_equal(pixels_of(answer), expected.labels)


def test_objects_are_the_things_of_the_label_image(client, camera, message, expected):
    labels = client.subscribe(Image, '/panoptic_node/panoptic')
    objects = client.subscribe(Detection2DArray, '/panoptic_node/objects')
    found = client.exchange(message, camera, objects)
    pixels = pixels_of(client.wait(
        lambda: next((m for m in labels if m.header == message.header), None), 'labels'))
    things = expected.things
    assert [int(d.id) for d in found.detections] == things.label.tolist()
    names = expected.label_space.names
    for detection, class_id, score in zip(found.detections, things.class_id, things.score,
                                          strict=True):
        y, x = np.nonzero(pixels == int(detection.id))
        box, center = detection.bbox, detection.bbox.center
        assert detection.header == message.header
        assert center.position.x - box.size_x / 2 == x.min()
        assert center.position.x + box.size_x / 2 == x.max() + 1
        assert center.position.y - box.size_y / 2 == y.min()
        assert center.position.y + box.size_y / 2 == y.max() + 1
        assert center.theta == 0
        hypothesis, = (result.hypothesis for result in detection.results)
        assert hypothesis.class_id == names[class_id]
        assert hypothesis.score == pytest.approx(score)
    assert sorted(d.results[0].hypothesis.class_id for d in found.detections) == [
        'car', 'car', 'person']


def test_things_keep_their_ids_from_image_to_image(client, camera, image):
    """The left one of two cars leaves: the other keeps its id, or is the first."""
    objects = client.subscribe(Detection2DArray, '/panoptic_node/objects')
    alone = image.copy()
    alone[:, 16:100] = image[:, :1]
    stamp = client.header().stamp.sec
    try:
        ids = []
        for step, (scene, tracking) in enumerate(((image, True), (alone, True), (alone, False))):
            assert client.set_parameter('/panoptic_node', 'tracking', tracking) == (True, '')
            header = client.header()
            header.stamp.sec, header.stamp.nanosec = stamp, 100_000_000 * step
            found = client.exchange(image_message(scene, 'bgr8', header), camera, objects)
            ids += [d.id for d in found.detections if d.bbox.center.position.x > 150
                    and d.results[0].hypothesis.class_id == 'car']
        first, second, third = ids
        assert first == second != third == '13001'
    finally:
        assert client.set_parameter('/panoptic_node', 'tracking', False)[0]


def test_late_joiners_get_the_classes(client, camera, cityscapes):
    infos = client.subscribe(LabelInfo, '/panoptic_node/label_info', LATCHED)
    info = infos.wait(lambda _: True)
    assert [(c.class_id, c.class_name) for c in info.class_map] == list(
        enumerate(cityscapes.names))
    assert len(infos) == 1


@pytest.mark.parametrize('topic', OPTIONAL)
def test_optional_outputs(client, camera, message, pictures, topic):
    answers = client.subscribe(Image, f'/panoptic_node/{topic}')
    answer = client.exchange(message, camera, answers)
    assert answer.encoding == OPTIONAL[topic]
    assert np.array_equal(pixels_of(answer), pictures[topic])


@pytest.mark.parametrize('topic', ['panoptic', 'semantic', 'instance', 'confidence'])
def test_compressed_labels_lose_nothing(client, camera, message, pictures, topic):
    answers = client.subscribe(CompressedImage, f'/panoptic_node/{topic}/compressed')
    answer = client.exchange(message, camera, answers)
    encoding = OPTIONAL.get(topic, '16UC1')
    assert answer.format == f'{encoding}; png compressed {encoding}'
    assert np.array_equal(compressed_pixels_of(answer), pictures[topic])


def test_compressed_overlay(client, camera, message, pictures):
    answers = client.subscribe(CompressedImage, '/panoptic_node/overlay/compressed')
    answer = client.exchange(message, camera, answers)
    assert answer.format == 'bgr8; jpeg compressed bgr8'
    picture = pictures['overlay']
    decoded = compressed_pixels_of(answer)
    assert cv2.PSNR(decoded, picture) > 25


def test_parameters_change_the_next_frame(client, camera, message, image, expected):
    overlays = client.subscribe(Image, '/panoptic_node/overlay')
    labels = client.subscribe(Image, '/panoptic_node/panoptic')
    node = '/panoptic_node'
    try:
        assert client.set_parameter(node, 'overlay_opacity', 0.0) == (True, '')
        assert client.set_parameter(node, 'deeplab.stuff_area', 10**7) == (True, '')
        answer = client.exchange(message, camera, labels)
        assert set(np.unique(pixels_of(answer))) == {*expected.things.label, 65535}
        picture = pixels_of(client.wait(
            lambda: next((m for m in overlays if m.header == message.header), None), 'overlay'))
        same = (picture == image).all(2).mean()
        assert same > 0.8, 'all but outlines and captions'
    finally:
        assert client.set_parameter(node, 'overlay_opacity', 0.5)[0]
        assert client.set_parameter(node, 'deeplab.stuff_area', -1)[0]
    again = image_message(image, 'bgr8', client.header())
    assert np.array_equal(pixels_of(client.exchange(again, camera, labels)), expected.labels)
