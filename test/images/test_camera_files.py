"""Where JPEG and PNG files end, and what they may ask for."""

import struct
import time
import zlib
from contextlib import suppress
from types import SimpleNamespace

import cv2
import numpy as np
import odd_files
import pytest

from panoptic_ros.images import ImageError, Limits, decompress
from panoptic_ros.images import jpeg as jpeg_room
from panoptic_ros.images import png as png_room

NOISE = np.random.default_rng(0).integers(0, 256, (40, 56, 3), np.uint8)
JPEGS = {'baseline': odd_files.jpeg(NOISE), 'progressive': odd_files.jpeg(NOISE, progressive=True),
         'restarts': odd_files.jpeg(NOISE, restart=1), 'gray': odd_files.jpeg(NOISE[..., 0]),
         'thumbnail': odd_files.with_thumbnail(odd_files.jpeg(NOISE)),
         'padding': odd_files.jpeg(NOISE).replace(b'\xff\xda', b'\xff\xff\xff\xda')}
PNG = odd_files.png(NOISE)
BEHIND = {'nothing': b'', 'zeros': bytes(10_000), 'a film': b'\0\0\0\x18ftypmp42' + PNG * 3,
          'another picture': JPEGS['baseline'], 'ones': b'\xff' * 5000}


def open_file(data, limits=None):
    return decompress(SimpleNamespace(format='', data=data), limits)


def in_time(data, text, kind, seconds=0.5):
    """The file is refused, and long before a decoder would have come to its end."""
    start = time.perf_counter()
    with pytest.raises(ImageError, match=text) as refused:
        open_file(data)
    assert time.perf_counter() - start < seconds
    assert refused.value.kind == kind


@pytest.mark.parametrize('behind', BEHIND)
@pytest.mark.parametrize('name', [*JPEGS, 'png'])
def test_what_lies_behind_the_image_is_not_looked_at(name, behind):
    data = JPEGS.get(name, PNG)
    whole = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(open_file(data + BEHIND[behind]), whole)


@pytest.mark.parametrize('behind', ['nothing', 'zeros', 'another picture'])
@pytest.mark.parametrize('name', [*JPEGS, 'png'])
def test_a_file_that_is_cut_off_is_refused_whatever_follows(name, behind):
    data = JPEGS.get(name, PNG)
    for size in (len(data) * 3 // 4, len(data) - 30, len(data) - (13 if name == 'png' else 2)):
        with pytest.raises(ImageError, match='truncated') as refused:
            open_file(data[:size] + BEHIND[behind])
        assert refused.value.kind == 'data'


def test_the_end_is_found_where_the_decoder_finds_it():
    """An end that stands in a comment is none; one in the pixels is stuffed, and so none."""
    data = odd_files.with_segment(JPEGS['baseline'], 0xFE, b'\xff\xd9' * 100)
    found = jpeg_room.announce(memoryview(data + bytes(9)))
    assert (found.width, found.height, found.complete, found.end) == (56, 40, True, len(data))
    assert jpeg_room.announce(memoryview(JPEGS['progressive'])).scans == 10


def test_scans_are_counted_before_they_are_decoded():
    data = JPEGS['progressive']
    assert open_file(odd_files.with_scans(data, 22)).shape == NOISE.shape       # 32 of them
    for count in (23, 3000, 5000):
        in_time(odd_files.with_scans(data, count), 'the JPEG has .* scans or more: expected at '
                'most 32; write it baseline', 'work')


@pytest.mark.parametrize('progressive', [False, True])
def test_a_jpeg_too_short_for_its_size_is_refused(progressive):
    """A small file that claims 8192x4096 pixels: a block of them takes a bit or two at least."""
    claim = odd_files.resized(odd_files.jpeg(np.zeros((64, 64, 3), np.uint8), progressive), 8192,
                              4096)
    blocks = 8192 * 4096 // 64 * 3 // 2         # half as many for both colors together
    in_time(claim, f'8192x4096 pixels: expected at least {blocks * (1 if progressive else 2) // 8}'
            ', so the image is truncated', 'short')


@pytest.mark.skipif(not hasattr(cv2, 'IMWRITE_JPEG_SAMPLING_FACTOR'),
                    reason='this OpenCV does not choose the sampling of a JPEG')
@pytest.mark.parametrize('size', [(1, 1), (7, 9), (16, 16), (17, 33), (480, 640)])
@pytest.mark.parametrize('progressive', [False, True])
@pytest.mark.parametrize('sampling', [0x411111, 0x221111, 0x211111, 0x121111, 0x111111])
def test_no_jpeg_is_shorter_than_the_least(size, progressive, sampling):
    """Black pixels with tables made for them, the shortest that an encoder writes."""
    for pixels in (np.zeros((*size, 3), np.uint8), np.zeros(size, np.uint8)):
        data = cv2.imencode('.jpg', pixels, (
            cv2.IMWRITE_JPEG_OPTIMIZE, 1, cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive),
            cv2.IMWRITE_JPEG_SAMPLING_FACTOR, sampling))[1].tobytes()
        assert open_file(data).shape == (*size, 3)
        found = jpeg_room.announce(memoryview(data))
        assert found.least <= found.coded
        if size == (480, 640) and not progressive:
            assert found.coded < 1.1 * found.least, 'the bound is exact'


def test_an_arithmetic_jpeg_is_refused_by_its_kind():
    in_time(JPEGS['baseline'].replace(b'\xff\xc0', b'\xff\xc9', 1), 'of the rare kind SOF9',
            'decode')


def test_a_file_of_segments_is_no_image():
    in_time(b'\xff\xd8' + b'\xff\xe0\0\2' * 1_000_000, 'are no image', 'decode')


@pytest.mark.parametrize('data', [
    odd_files.resized(PNG, 30000, 30000), odd_files.resized(JPEGS['baseline'], 8192, 4321),
    odd_files.resized(JPEGS['progressive'], 65535, 65535), odd_files.resized(PNG, 1 << 31, 1)])
def test_a_size_beyond_the_limit_is_refused(data):
    in_time(data, 'expected at most 35389440 pixels', 'size')


def test_the_largest_image_is_the_callers():
    for data in (PNG, JPEGS['baseline']):
        with pytest.raises(ImageError, match='56x40: expected at most 2239 pixels'):
            open_file(data, Limits(pixels=2239))
        assert open_file(data, Limits(pixels=2240)).shape == (40, 56, 3)


def test_a_png_of_more_pixels_than_it_announces_is_refused():
    """A megabyte of them would inflate to a gigabyte."""
    in_time(odd_files.png_of(4, 4, zlib.compress(bytes(60_000_000))),
            'the PNG inflates to more than the 20 bytes', 'inflate')
    in_time(odd_files.png_of(4, 4, zlib.compress(bytes(19))), 'are no image', 'decode')
    in_time(odd_files.png_of(4, 4, zlib.compress(bytes(20))[:-2]), 'are no image', 'decode')
    assert open_file(odd_files.png_of(4, 4, zlib.compress(bytes(20)))).shape == (4, 4, 3)


def test_more_bytes_than_pixels_can_need_are_refused():
    in_time(odd_files.png_of(4, 4, np.random.default_rng(0).bytes(70_000)),
            '70000 bytes hold 4x4 pixels: expected at most 65792', 'work')


def test_a_png_too_short_for_its_size_is_refused():
    in_time(odd_files.png_of(8192, 4096, zlib.compress(bytes(1000))),
            'expected at least 32517, so the image is truncated', 'short')


@pytest.mark.parametrize(('kind', 'start'), [(b'zTXt', b'a\0\0'), (b'iCCP', b'a\0\0'),
                                             (b'iTXt', b'a\0\1\0\0\0')])
def test_what_a_png_has_beside_its_pixels_is_not_inflated(kind, start):
    bomb = odd_files.chunk(kind, start + zlib.compress(bytes(7_000_000)))
    begin = time.perf_counter()
    np.testing.assert_array_equal(open_file(PNG[:33] + bomb * 500 + PNG[33:]), NOISE)
    assert time.perf_counter() - begin < 1.0, 'they inflate to 3.5 GB'


@pytest.mark.parametrize(('bits', 'color', 'channels'), [
    (1, 0, 1), (2, 0, 1), (4, 0, 1), (8, 0, 1), (16, 0, 1), (8, 2, 3), (16, 2, 3), (8, 4, 2),
    (16, 4, 2), (8, 6, 4), (16, 6, 4)])
@pytest.mark.parametrize('interlaced', [0, 1])
@pytest.mark.parametrize('size', [(1, 1), (3, 5), (4, 1), (9, 17)])
def test_every_kind_of_png(bits, color, channels, interlaced, size):
    """The number of bytes that a size takes is what libpng expects, also in passes."""
    height, width = size
    data = odd_files.png_of(width, height, b'', bits, color)
    header = data[12:29][:-1] + bytes([interlaced])
    data = data[:12] + header + struct.pack('>I', zlib.crc32(header)) + data[33:]
    raw = bytes(png_room._inflated_size(memoryview(data)))
    data = data[:33] + odd_files.chunk(b'IDAT', zlib.compress(raw)) + odd_files.chunk(b'IEND', b'')
    found = open_file(data)
    assert found.shape == (height, width, 3)
    assert not found.any()


def test_a_palette_and_what_is_transparent_are_kept():
    palette = bytes([10, 20, 30, 40, 50, 60])
    data = odd_files.png_of(2, 1, zlib.compress(b'\0\0\1'), 8, 3)
    data = data[:33] + odd_files.chunk(b'PLTE', palette) + data[33:]
    np.testing.assert_array_equal(open_file(data), [[[30, 20, 10], [60, 50, 40]]])


@pytest.mark.parametrize('data', [PNG, JPEGS['baseline'], JPEGS['progressive']])
def test_whatever_is_wrong_with_a_file_is_an_image_error(data):
    random = np.random.default_rng(0)
    for _ in range(150):
        broken = bytearray(data)
        for place in random.integers(0, len(data), 3):
            broken[place] = random.integers(0, 256)
        with suppress(ImageError):
            found = open_file(bytes(broken[:random.integers(0, 2 * len(data))]))
            assert found.dtype == np.uint8
