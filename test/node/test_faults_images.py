"""Images that no camera should send: named, counted, and no harm to any other; docs/faults.md."""

import re
import zlib
from array import array

import cv2
import numpy as np
import odd_files
import pytest
import tiny_model
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from faults import FAULTS
from rclpy.serialization import serialize_message
from ros_harness import compressed_message, image_message, pixels_of
from sensor_msgs.msg import Image

from panoptic_ros import Segmenter
from panoptic_ros.images import to_bgr

pytestmark = pytest.mark.ros

SCENE = tiny_model.scene((96, 160))
RAW, COMPRESSED = '/faulty/front/image', '/faulty/rear/image/compressed'
JPEG = compressed_message(SCENE, 'jpg', None).data
PNG = compressed_message(SCENE, 'png', None).data
HALF = len(PNG) // 2
MOSAIC = odd_files.mosaic(SCENE, 'rggb')
FRAME_OF_65535 = array('B', b'\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03' + bytes(20))


@pytest.fixture
def labels(client, faulty):
    """The label images of both cameras, by the topic of their images."""
    return {RAW: client.subscribe(Image, '/faulty/node/front/panoptic'),
            COMPRESSED: client.subscribe(Image, '/faulty/node/rear/panoptic')}


@pytest.fixture
def good(client, labels):
    """A function that has a good image answered."""
    def good(topic):
        message = (image_message(SCENE, 'bgr8', client.header()) if topic == RAW
                   else compressed_message(SCENE, 'png', client.header()))
        client.exchange(message, topic, labels[topic])
    return good


@pytest.fixture
def provoke(client, faulty, good, labels):
    """A function that sends what is bad until it is said, while all else is served."""
    def provoke(name, send, topic):
        fault, other = FAULTS[name], COMPRESSED if topic == RAW else RAW
        diagnostics = client.subscribe(DiagnosticArray, '/diagnostics')
        good(topic)
        line, answers = faulty.line_count, len(labels[topic])

        def said():
            send()
            return (fault.diagnosed(diagnostics, 'faulty/node')
                    and re.search(fault.log, ''.join(faulty.output.splitlines(True)[line:])))

        client.wait(said, f'word of {name}')
        good(other)
        assert len(labels[topic]) == answers, 'an answer to what cannot be read'
        good(topic)
        assert client.status(diagnostics, 'engine', 'faulty/node').level == DiagnosticStatus.OK
        return diagnostics
    return provoke


@pytest.mark.parametrize(('name', 'changes'), [
    ('image of 0x0', {'width': 0, 'height': 0, 'step': 0, 'data': array('B')}),
    ('image of an absurd size', {'width': 2**31, 'height': 2**31, 'step': 2**31}),
    ('truncated image', {'data': array('B', bytes(1000))}),
    ('wrong step', {'step': 3}),
    ('encoding that is not known', {'encoding': 'nv24'})])
def test_a_bad_image_is_named(client, provoke, name, changes):
    bad = image_message(SCENE, 'bgr8', client.header())
    for field, value in changes.items():
        setattr(bad, field, value)
    provoke(name, lambda: client.publisher(Image, RAW).publish(bad), RAW)


def test_a_message_that_is_cut_off_is_named(client, provoke, good):
    message = serialize_message(image_message(SCENE, 'bgr8', client.header()))[:1000]
    diagnostics = provoke('message cut off within its fields',
                          lambda: client.publisher(Image, RAW).publish(message), RAW)
    client.wait(lambda: good(RAW) or client.status(
        diagnostics, 'camera front', 'faulty/node').level == DiagnosticStatus.OK, 'recovery')


@pytest.mark.parametrize(('name', 'data', 'message_format'), [
    ('JPEG without its header', JPEG[50:], 'jpeg'),
    ('JPEG cut off', JPEG[:len(JPEG) // 2], 'jpeg'),
    ('JPEG of an absurd size', FRAME_OF_65535, 'jpeg'),
    ('JPEG too short for the size that it claims',
     odd_files.resized(odd_files.jpeg(SCENE), 8192, 4096), 'jpeg'),
    ('JPEG of many scans', odd_files.with_scans(odd_files.jpeg(SCENE, progressive=True), 3000),
     'bgr8; jpeg compressed bgr8'),
    ('PNG that inflates to more than its pixels',
     odd_files.png_of(4, 4, zlib.compress(bytes(60_000_000))), 'png'),
    ('PNG damaged inside', PNG[:HALF] + PNG[HALF + 9:], 'png')])
def test_a_bad_file_is_named(client, provoke, name, data, message_format):
    bad = compressed_message(SCENE, 'jpg', client.header())
    bad.data, bad.format = array('B', data), message_format
    provoke(name, lambda: client.publisher(type(bad), COMPRESSED).publish(bad), COMPRESSED)


def test_a_file_damaged_inside_is_segmented_as_it_decodes(client, faulty, labels):
    assert FAULTS['JPEG damaged inside'].log is None
    line = faulty.line_count
    damaged = compressed_message(SCENE, 'jpg', client.header())
    middle = len(damaged.data) * 3 // 4
    damaged.data = damaged.data[:middle] + array('B', bytes(8)) + damaged.data[middle + 8:]
    answer = client.exchange(damaged, COMPRESSED, labels[COMPRESSED])
    assert pixels_of(answer).shape == SCENE.shape[:2]
    assert 'rejected' not in ''.join(faulty.output.splitlines(keepends=True)[line:])


def test_the_largest_image_is_a_parameter(client, faulty, provoke, labels):
    """Of raw and of compressed images, at any time."""
    name = 'image larger than `max_pixels`'
    pixels = SCENE.shape[0] * SCENE.shape[1]
    assert client.set_parameter('/faulty/node', 'max_pixels', pixels)[0]
    client.exchange(image_message(SCENE, 'bgr8', client.header()), RAW, labels[RAW])
    try:
        assert client.set_parameter('/faulty/node', 'max_pixels', pixels - 1)[0]
        diagnostics = client.subscribe(DiagnosticArray, '/diagnostics')
        publisher = client.publisher(Image, RAW)
        client.wait(lambda: publisher.publish(image_message(SCENE, 'bgr8', client.header()))
                    or FAULTS[name].diagnosed(diagnostics, 'faulty/node'), 'the limit')
        assert re.search(FAULTS[name].log, faulty.output)
    finally:
        assert client.set_parameter('/faulty/node', 'max_pixels', 8192 * 4320)[0]
    client.exchange(image_message(SCENE, 'bgr8', client.header()), RAW, labels[RAW])


@pytest.mark.parametrize(('message_format', 'data', 'same'), [
    ('jpeg', JPEG.tobytes() + bytes(100_000), ('bgr8', None)),
    ('jpeg', JPEG.tobytes() + b'\0\0\0\x18ftypmp42' + PNG.tobytes(), ('bgr8', None)),
    ('png', PNG.tobytes() + bytes(5000), ('bgr8', SCENE)),
    ('bayer_rggb8; png compressed ', odd_files.png(MOSAIC), ('bayer_rggb8', MOSAIC)),
    ('bayer_rggb16; png compressed ', odd_files.png(MOSAIC.astype(np.uint16) << 4),
     ('bayer_rggb8', MOSAIC)),
    ('mono16; png compressed ', odd_files.png(MOSAIC.astype(np.uint16) << 8), ('mono8', MOSAIC))])
def test_what_looks_odd_is_segmented_as_what_it_is(client, faulty, labels, message_format, data,
                                                   same):
    for name in ('JPEG or PNG with something behind it', 'mosaic, or 16 bits, in a JPEG or PNG'):
        assert FAULTS[name].log is None
    line = faulty.line_count
    odd = compressed_message(SCENE, 'jpg', client.header())
    odd.data, odd.format = array('B', data), message_format
    encoding, pixels = same
    if pixels is None:
        pixels = cv2.imdecode(np.frombuffer(JPEG, np.uint8), cv2.IMREAD_COLOR)
    found = client.exchange(odd, COMPRESSED, labels[COMPRESSED])
    expected = client.exchange(image_message(pixels, encoding, client.header()), RAW, labels[RAW])
    assert np.array_equal(pixels_of(found), pixels_of(expected))
    assert 'rejected' not in ''.join(faulty.output.splitlines(keepends=True)[line:])


@pytest.mark.parametrize('encoding', ['bayer_rggb16', 'mono16', 'nv12'])
def test_encodings_that_vehicles_have_are_segmented(client, labels, tiny_onnx, encoding):
    """Big-endian words, too, as the node reads its messages itself."""
    if encoding == 'nv12':
        samples = np.vstack([MOSAIC, np.full_like(MOSAIC[::2], 128)])
        message = image_message(samples, encoding, client.header())
        message.height = MOSAIC.shape[0]
    else:
        message = image_message((MOSAIC.astype('>u2') << 8).astype('>u2').view(np.uint8), encoding,
                                client.header())
        message.width, message.is_bigendian = MOSAIC.shape[1], 1
    image = to_bgr(message)
    assert image.std() > 10, 'there is something to see'
    answer = client.exchange(message, RAW, labels[RAW])
    assert np.array_equal(pixels_of(answer), Segmenter.open(tiny_onnx)(image).labels)


def test_size_and_encoding_may_change_in_the_middle(client, labels, tiny_onnx):
    assert FAULTS['size or encoding changes in the middle'].log is None
    segmenter = Segmenter.open(tiny_onnx)
    for size, encoding in (((64, 128), 'bgr8'), ((480, 640), 'rgb8'), ((37, 61), 'bgra8'),
                           ((64, 128), 'rgb8')):
        scene = tiny_model.scene(size)
        pixels = {'bgr8': scene, 'rgb8': scene[..., ::-1],
                  'bgra8': np.dstack([scene, scene[..., 0]])}[encoding]
        answer = client.exchange(image_message(pixels, encoding, client.header()), RAW,
                                 labels[RAW])
        assert np.array_equal(pixels_of(answer), segmenter(scene).labels)


@pytest.mark.parametrize(('name', 'topic'), [
    ('depth instead of colour', RAW), ('depth in a compressed image', COMPRESSED)])
def test_depth_is_named(client, provoke, name, topic):
    bad = image_message(SCENE[..., 0], '16UC1', client.header())
    if topic == COMPRESSED:
        bad = compressed_message(SCENE, 'png', client.header())
        bad.format = '16UC1; png compressed '
    provoke(name, lambda: client.publisher(type(bad), topic).publish(bad), topic)
