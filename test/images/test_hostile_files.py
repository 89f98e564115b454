"""Files made so that what is counted before decoding differs from what is decoded."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from panoptic_ros.images import ImageError, decode, encode, jpeg, png


def segment(marker, content):
    return bytes([0xFF, marker]) + struct.pack('>H', len(content) + 2) + content


def test_scans_behind_a_reserved_marker_are_counted():
    """libjpeg goes on to the next marker, whatever length seems to follow FF 05."""
    columns = rows = 32
    scan = segment(0xDA, bytes([1, 1, 0, 1, 63, 0]))
    hidden = scan * 100 + b'\xff\xd9'
    data = b''.join((
        b'\xff\xd8', segment(0xDB, b'\0' + b'\1' * 64),
        segment(0xC2, struct.pack('>BHHB', 8, rows * 8, columns * 8, 1) + bytes([1, 0x11, 0])),
        *(segment(0xC4, bytes([table, 1, *[0] * 15, 0])) for table in (0, 0x10)),
        segment(0xDD, struct.pack('>H', columns)), segment(0xDA, bytes([1, 1, 0, 0, 0, 0])),
        bytes(rows * columns // 8 + 8), b'\xff\x05', struct.pack('>H', len(hidden) + 2), hidden,
        b'\xff\xd9'))
    with pytest.raises(ImageError, match='101 scans'):
        decode(memoryview(data))


def test_a_marker_between_pieces_is_found(monkeypatch):
    file = cv2.imencode('.jpg', np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    for piece in range(1, 40):
        monkeypatch.setattr(jpeg, '_PIECE', piece)
        assert jpeg.announce(memoryview(file)).end == len(file)


def chunk(kind, content):
    return struct.pack('>I', len(content)) + kind + content + struct.pack(
        '>I', zlib.crc32(kind + content))


@pytest.mark.parametrize(('color', 'depth'), [(6, 255), (2, 4), (3, 16), (0, 3), (5, 8)])
def test_samples_of_bits_that_no_png_has_are_not_inflated(color, depth, monkeypatch):
    """8192x4320 pixels of 4 samples of 255 bits would be 4.5 GB, of a file of 4 MB."""
    pixels = chunk(b'IDAT', zlib.compress(bytes(5_000_000), 9))
    data = (b'\x89PNG\r\n\x1a\n' + chunk(b'IHDR', struct.pack(
        '>IIBBBBB', 256, 256, depth, color, 0, 0, 0)) + pixels + chunk(b'IEND', b''))
    monkeypatch.setattr(png.zlib, 'decompressobj', lambda: pytest.fail('it inflates'))
    with pytest.raises(ImageError, match='no image'):
        decode(memoryview(data))


@pytest.mark.parametrize('kind', [b'IHDR', b'PLTE'])
def test_a_damaged_chunk_is_no_image(kind):
    head = chunk(b'IHDR', struct.pack('>IIBBBBB', 4, 4, 8, 3, 0, 0, 0))
    data = bytearray(b'\x89PNG\r\n\x1a\n' + head
                     + chunk(b'PLTE', bytes(768)) + chunk(b'IDAT', zlib.compress(bytes(20)))
                     + chunk(b'IEND', b''))
    assert decode(memoryview(data)).shape == (4, 4, 3)
    length = int.from_bytes(data[data.index(kind) - 4:data.index(kind)], 'big')
    data[data.index(kind) + 4 + (0 if kind == b'PLTE' else length)] ^= 0x40
    with pytest.raises(ImageError, match='no image'):
        decode(memoryview(data))


def test_an_image_that_no_jpeg_can_hold_is_told_by_its_size():
    wide = np.zeros((1, 65501, 3), np.uint8)
    with pytest.raises(ValueError, match='65501x1 cannot become a JPEG: expected sides of 65500'):
        encode(wide, '.jpg')
    assert len(encode(wide[:, :65500], '.jpg')) > 0
    assert len(encode(wide, '.png')) > 0
