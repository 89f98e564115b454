"""Files made so that what is counted before decoding differs from what is decoded."""

import struct
import zlib

import cv2
import numpy as np
import pytest

from panoptic_ros.images import ImageError, decode, jpeg


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


@pytest.mark.parametrize('kind', [b'IHDR', b'PLTE'])
def test_a_damaged_chunk_is_no_image(kind):
    def chunk(kind, content):
        return struct.pack('>I', len(content)) + kind + content + struct.pack(
            '>I', zlib.crc32(kind + content))

    head = chunk(b'IHDR', struct.pack('>IIBBBBB', 4, 4, 8, 3, 0, 0, 0))
    data = bytearray(b'\x89PNG\r\n\x1a\n' + head
                     + chunk(b'PLTE', bytes(768)) + chunk(b'IDAT', zlib.compress(bytes(20)))
                     + chunk(b'IEND', b''))
    assert decode(memoryview(data)).shape == (4, 4, 3)
    length = int.from_bytes(data[data.index(kind) - 4:data.index(kind)], 'big')
    data[data.index(kind) + 4 + (0 if kind == b'PLTE' else length)] ^= 0x40
    with pytest.raises(ImageError, match='no image'):
        decode(memoryview(data))
