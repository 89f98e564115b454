from array import array

import numpy as np
import pytest
from ros_harness import image_message
from std_msgs.msg import Header

from panoptic_ros.images import ImageError, to_bgr

BGR = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
ENCODED = {
    'bgr8': BGR, '8UC3': BGR, 'rgb8': BGR[..., ::-1],
    'bgra8': np.dstack([BGR, BGR[..., 0]]), 'rgba8': np.dstack([BGR[..., ::-1], BGR[..., 0]])}
HALVES = np.full((8, 12, 3), (10, 80, 200), np.uint8)
HALVES[:, 6:] = 220, 120, 40


@pytest.mark.parametrize('padding', [0, 1, 13])
@pytest.mark.parametrize('encoding', ENCODED)
def test_color(encoding, padding):
    message = image_message(ENCODED[encoding], encoding, Header(), padding)
    assert np.array_equal(to_bgr(message), BGR)


@pytest.mark.parametrize('padding', [0, 3])
@pytest.mark.parametrize('encoding', ['mono8', '8UC1'])
def test_gray(encoding, padding):
    message = image_message(BGR[..., 0], encoding, Header(), padding)
    assert np.array_equal(to_bgr(message), np.repeat(BGR[..., :1], 3, axis=2))


@pytest.mark.parametrize('padding', [0, 3])
@pytest.mark.parametrize('pattern', ['rggb', 'bggr', 'gbrg', 'grbg'])
def test_mosaics(pattern, padding):
    mosaic = np.empty((8, 12), np.uint8)
    for position, color in enumerate(pattern):
        place = (slice(position // 2, None, 2), slice(position % 2, None, 2))
        mosaic[place] = HALVES[..., 'bgr'.index(color)][place]
    found = to_bgr(image_message(mosaic, f'bayer_{pattern}8', Header(), padding))
    assert found.shape == HALVES.shape
    away = np.r_[0:5, 7:12]         # from where the colors change
    assert np.array_equal(found[:, away], HALVES[:, away])


@pytest.mark.parametrize('padding', [0, 3])
@pytest.mark.parametrize(('encoding', 'order'), [
    ('yuv422', (1, 0)), ('uyvy', (1, 0)), ('yuv422_yuy2', (0, 1)), ('yuyv', (0, 1))])
def test_two_pixels_that_share_their_color(encoding, order, padding):
    blue, green, red = HALVES.astype(float).transpose(2, 0, 1)
    luma = 16 + 0.257 * red + 0.504 * green + 0.098 * blue
    u = 128 - 0.148 * red - 0.291 * green + 0.439 * blue
    v = 128 + 0.439 * red - 0.368 * green - 0.071 * blue
    color = np.where(np.arange(12) % 2, v, u)
    pixels = np.dstack([luma, color])[..., order].round().astype(np.uint8)
    found = to_bgr(image_message(pixels, encoding, Header(), padding))
    assert np.abs(found.astype(int) - HALVES).max() <= 2


def test_bgr_is_not_copied():
    message = image_message(BGR, 'bgr8', Header())
    assert np.shares_memory(to_bgr(message), np.frombuffer(message.data, np.uint8))


@pytest.mark.parametrize(('change', 'kind', 'text'), [
    ({'encoding': '32FC1'}, 'encoding', "'32FC1' is depth: take"),
    ({'encoding': '16SC3'}, 'encoding', "'16SC3' is not supported: publish one of"),
    ({'encoding': 'uyvy'}, 'size', 'the image is 7x5: expected an even width'),
    ({'encoding': ''}, 'encoding', "encoding '' is not supported"),
    ({'width': 0}, 'empty', 'the image is 0x5'),
    ({'height': 0}, 'empty', 'the image is 7x0'),
    ({'width': 2**32 - 1, 'step': 2**32 - 1, 'height': 2**32 - 1}, 'size', 'expected at most'),
    ({'step': 20}, 'step', 'step is 20: expected at least 21'),
    ({'step': 0}, 'step', 'step is 0'),
    ({'step': 22}, 'data', '105 bytes of data: expected 110'),
    ({'data': array('B', bytes(50))}, 'data', '50 bytes of data: expected 105'),
    ({'data': array('B')}, 'data', '0 bytes of data')])
def test_faulty_images_are_named(change, kind, text):
    message = image_message(BGR, 'bgr8', Header())
    for name, value in change.items():
        setattr(message, name, value)
    with pytest.raises(ImageError, match=text) as caught:
        to_bgr(message)
    assert caught.value.kind == kind
