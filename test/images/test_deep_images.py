"""Raw images of more than 8 bits, and those whose colors follow their brightness."""

from types import SimpleNamespace

import cv2
import numpy as np
import odd_files
import pytest

from panoptic_ros.images import ImageError, Limits, to_bgr

BGR = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
SMOOTH = cv2.resize(BGR[:4, :4], (24, 16), interpolation=cv2.INTER_LINEAR)
GRAY = BGR[..., 0]
PATTERNS = ('rggb', 'bggr', 'gbrg', 'grbg')


def message(encoding, samples, big=False, padding=0):
    height, width = samples.shape[:2]
    if samples.dtype == np.uint16:
        samples = samples.astype('>u2' if big else '<u2')
    rows = np.ascontiguousarray(samples).view(np.uint8).reshape(height, -1)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=173)
    return SimpleNamespace(encoding=encoding, height=height, width=width, is_bigendian=int(big),
                           step=rows.shape[1], data=rows.tobytes())


def words(pixels, shift=8):
    return pixels.astype(np.uint16) << shift


@pytest.mark.parametrize('padding', [0, 1, 6])
@pytest.mark.parametrize('big', [False, True])
def test_words_in_either_order(big, padding):
    gray = np.repeat(GRAY[..., None], 3, axis=2)
    for samples in (words(GRAY), words(GRAY) | GRAY, words(GRAY) | 255, words(GRAY, 4)):
        found = to_bgr(message('mono16', samples, big, padding))
        np.testing.assert_array_equal(found, gray)
    np.testing.assert_array_equal(to_bgr(message('mono12', words(GRAY, 4), big, padding)), gray)


@pytest.mark.parametrize('big', [False, True])
@pytest.mark.parametrize(('encoding', 'pixels'), [
    ('bgr16', BGR), ('rgb16', BGR[..., ::-1]), ('bgra16', np.dstack([BGR, GRAY])),
    ('rgba16', np.dstack([BGR[..., ::-1], GRAY]))])
def test_deep_colors(encoding, pixels, big):
    np.testing.assert_array_equal(to_bgr(message(encoding, words(pixels), big)), BGR)


@pytest.mark.parametrize('big', [False, True])
@pytest.mark.parametrize('pattern', PATTERNS)
def test_deep_mosaics_are_those_of_8_bits(pattern, big):
    samples = odd_files.mosaic(SMOOTH, pattern)
    expected = to_bgr(message(f'bayer_{pattern}8', samples))
    for encoding, shift in (('bayer_{}16', 8), ('bayer_{}16', 4), ('bayer_{}12', 4)):
        found = to_bgr(message(encoding.format(pattern), words(samples, shift), big))
        np.testing.assert_array_equal(found, expected)


def test_words_that_leave_four_bits_empty_are_12_bits():
    """The rule looks at the whole image: a word of 4096 makes it one of 16 bits."""
    samples = np.full((2, 4), 0x0800, np.uint16)
    assert to_bgr(message('mono16', samples)).max() == 0x80
    samples[0, 0] = 0x1000
    assert to_bgr(message('mono16', samples)).max() == 0x10
    assert to_bgr(message('mono12', samples)).max() == 255, 'more than 12 bits is white'


@pytest.mark.parametrize(('encoding', 'order'), [('nv12', (0, 1)), ('nv21', (1, 0))])
@pytest.mark.parametrize('padding', [0, 10])
def test_colors_that_follow_the_brightness(encoding, order, padding):
    pixels = np.repeat(np.repeat(SMOOTH[::8, ::8], 8, axis=0), 8, axis=1)
    blue, green, red = pixels.astype(float).transpose(2, 0, 1)
    luma = 16 + 0.257 * red + 0.504 * green + 0.098 * blue
    colors = (128 - 0.148 * red - 0.291 * green + 0.439 * blue,
              128 + 0.439 * red - 0.368 * green - 0.071 * blue)
    both = np.dstack([colors[plane][::2, ::2] for plane in order])
    rows = np.vstack([luma, both.reshape(luma.shape[0] // 2, -1)]).round().astype(np.uint8)
    image = message(encoding, rows, padding=padding)
    image.height = pixels.shape[0]
    found = to_bgr(image)
    assert found.shape == pixels.shape
    assert np.abs(found.astype(int) - pixels).max() <= 2


@pytest.mark.parametrize(('change', 'kind', 'text'), [
    ({'encoding': 'nv12'}, 'data', '48 bytes of data: expected 72, 9 rows of step 8'),
    ({'encoding': 'nv21', 'height': 5}, 'size', '8x5: expected an even width and height'),
    ({'encoding': 'nv12', 'width': 7}, 'size', '7x6: expected an even width and height'),
    ({'encoding': 'mono16'}, 'step', 'step is 8: expected at least 16 bytes'),
    ({'encoding': '16UC1'}, 'encoding', "'16UC1' is depth: take"),
    ({'encoding': '32FC1'}, 'encoding', "'32FC1' is depth: take"),
    ({'encoding': '16UC3'}, 'encoding', "'16UC3' is not supported: publish one of .*bayer_grbg16"),
    ({'height': 4321, 'width': 8192}, 'size', r'8192x4321: expected at most 35389440 pixels')])
def test_faulty_images_are_named(change, kind, text):
    image = message('mono8', GRAY)
    for name, value in change.items():
        setattr(image, name, value)
    with pytest.raises(ImageError, match=text) as caught:
        to_bgr(image)
    assert caught.value.kind == kind


def test_the_largest_image_is_the_callers():
    with pytest.raises(ImageError, match='8x6: expected at most 47 pixels'):
        to_bgr(message('bgr8', BGR), Limits(pixels=47))
    np.testing.assert_array_equal(to_bgr(message('bgr8', BGR), Limits(pixels=48)), BGR)
