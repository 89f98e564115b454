"""What the format of a compressed message says of its pixels."""

from types import SimpleNamespace

import cv2
import numpy as np
import odd_files
import pytest

from panoptic_ros.images import ImageError, decompress, stored_encoding, to_bgr

PATCH = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
SCENE = cv2.resize(PATCH, (64, 48), interpolation=cv2.INTER_LINEAR)
RED_FIRST = np.ascontiguousarray(SCENE[..., ::-1])
GRAY = cv2.cvtColor(SCENE, cv2.COLOR_BGR2GRAY)
WORDS = SCENE.astype(np.uint16) * 257
PATTERNS = ('rggb', 'bggr', 'gbrg', 'grbg')


def compressed(message_format, pixels, extension='png'):
    data = cv2.imencode(f'.{extension}', pixels)[1].tobytes()
    return SimpleNamespace(format=message_format, data=data)


def raw(encoding, pixels):
    pixels = np.ascontiguousarray(pixels)
    return SimpleNamespace(
        encoding=encoding, height=pixels.shape[0], width=pixels.shape[1], is_bigendian=0,
        step=pixels.nbytes // pixels.shape[0], data=pixels.tobytes())


@pytest.mark.parametrize(('message_format', 'pixels'), [
    ('png', SCENE), ('', SCENE), ('jpeg', SCENE), ('rgb8', SCENE), ('driver; its own', SCENE),
    ('bgr8; png compressed bgr8', SCENE), ('rgb8; png compressed bgr8', SCENE),
    ('bgr8; png compressed ', SCENE), ('8UC3; png compressed ', SCENE),
    ('rgb8; png compressed', RED_FIRST), ('rgb8; png compressed rgb8', RED_FIRST),
    ('bgr8; png compressed rgb8', RED_FIRST), ('yuv422_yuy2; png compressed bgr8', SCENE),
    ('uyvy; png compressed ', SCENE), ('nv12; png compressed bgr8', SCENE),
    ('bgra8; png compressed bgra8', np.dstack([SCENE, GRAY])),
    ('rgba8; png compressed rgba8', np.dstack([RED_FIRST, GRAY])),
    ('rgba8; png compressed bgr8', SCENE), ('mono8; png compressed mono8', SCENE),
    ('rgb16; png compressed bgr16', WORDS), ('bgr16; png compressed bgr16', WORDS),
    ('rgb16; png compressed rgb16', WORDS[..., ::-1]), ('png', WORDS), ('', WORDS)])
def test_colors(message_format, pixels):
    found = decompress(compressed(message_format, pixels))
    np.testing.assert_array_equal(found, SCENE)
    assert found.dtype == np.uint8


@pytest.mark.parametrize(('message_format', 'pixels'), [
    ('mono8; png compressed ', GRAY), ('mono8; png compressed mono8', GRAY), ('png', GRAY),
    ('8UC1; png compressed ', GRAY), ('mono16; png compressed ', GRAY.astype(np.uint16) * 257),
    ('mono16; png', GRAY.astype(np.uint16) * 257), ('png', GRAY.astype(np.uint16) * 257),
    ('mono16; png compressed ', GRAY),
    ('mono16; png compressed', GRAY.astype(np.uint16) << 4),
    ('mono16; png compressed mono8', GRAY),
    ('bayer_rggb8; png compressed mono8', GRAY), ('bayer_rggb16; png compressed mono8', GRAY)])
def test_gray(message_format, pixels):
    np.testing.assert_array_equal(decompress(compressed(message_format, pixels)),
                                  cv2.cvtColor(GRAY, cv2.COLOR_GRAY2BGR))


@pytest.mark.parametrize('pattern', PATTERNS)
@pytest.mark.parametrize(('name', 'shape'), [
    ('bayer_{}8; png compressed ', 'bayer_{}8; png compressed bayer_{}8'), ('bayer_{}8', '')])
def test_mosaics_are_those_of_raw_images(pattern, name, shape):
    samples = odd_files.mosaic(SCENE, pattern)
    expected = to_bgr(raw(f'bayer_{pattern}8', samples))
    assert np.abs(expected.astype(int) - SCENE).mean() < 8      # they are colors
    for message_format in filter(None, (name, shape)):
        found = decompress(compressed(message_format.format(pattern, pattern), samples))
        np.testing.assert_array_equal(found, expected)


def test_a_mosaic_in_a_jpeg_has_its_colors():
    message = compressed('bayer_rggb8; jpeg compressed ', odd_files.mosaic(SCENE, 'rggb'), 'jpg')
    assert np.abs(decompress(message).astype(int) - SCENE).mean() < 12
    message.format = 'jpeg'
    assert np.abs(decompress(message).astype(int) - SCENE).mean() > 20, 'the test is blind'


@pytest.mark.parametrize('shift', [0, 4])
def test_deep_mosaics_are_those_of_raw_images(shift):
    samples = odd_files.mosaic(SCENE.astype(np.uint16) << 8 >> shift, 'gbrg')
    found = decompress(compressed('bayer_gbrg16; png compressed ', samples))
    np.testing.assert_array_equal(found, to_bgr(raw('bayer_gbrg16', samples)))
    np.testing.assert_array_equal(found, to_bgr(raw('bayer_gbrg8',
                                                    odd_files.mosaic(SCENE, 'gbrg'))))


@pytest.mark.parametrize('message_format', [
    '16UC1; png compressed ', '16UC1; png compressed', '16UC1; png compressed 16UC1',
    '16UC1; jpeg compressed mono8', '16UC1; compressedDepth png', '16UC1; compressedDepth rvl',
    '16UC1; compressedDepth', '32FC1; compressedDepth png', '16UC1', '32FC1; tiff compressed ',
    'mono16; compressedDepth png', 'mono16; png compressed 16UC1'])
def test_depth_is_refused_by_that_word(message_format):
    data = bytes(12) + odd_files.png(GRAY.astype(np.uint16))
    with pytest.raises(ImageError, match='is depth: take a topic of colour') as refused:
        decompress(SimpleNamespace(format=message_format, data=data))
    assert refused.value.kind == 'encoding'


@pytest.mark.parametrize('message_format', ['32SC1; png compressed ', 'nv24; jpeg compressed '])
def test_what_is_not_supported_raw_is_not_supported_compressed(message_format):
    with pytest.raises(ImageError, match='is not supported: publish one of'):
        stored_encoding(message_format)


def test_a_mosaic_with_three_channels_contradicts_itself():
    with pytest.raises(ImageError, match='is a mosaic, of one channel: the file has 3'):
        decompress(compressed('bayer_rggb8; png compressed ', SCENE))
