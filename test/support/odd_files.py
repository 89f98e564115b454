"""Image files that no camera should send, and good ones that look odd."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np

JPEG_END = b'\xff\xd9'


def jpeg(pixels, progressive=False, restart=0):
    """A JPEG file of pixels."""
    flags = (cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive), cv2.IMWRITE_JPEG_RST_INTERVAL,
             restart)
    return cv2.imencode('.jpg', pixels, flags)[1].tobytes()


def png(pixels):
    """A PNG file of pixels."""
    return cv2.imencode('.png', pixels)[1].tobytes()


def with_segment(data, marker, content):
    """A JPEG with an application's segment behind its start."""
    return (data[:2] + bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, 'big') + content
            + data[2:])


def with_thumbnail(data):
    """A JPEG with a whole JPEG in its Exif segment."""
    small = jpeg(np.zeros((8, 8, 3), np.uint8))
    return with_segment(data, 0xE1, b'Exif\0\0' + small)


def with_scans(data, count):
    """A progressive JPEG with so many more scans, each as short as its last one."""
    last = data.rfind(b'\xff\xda')
    return data[:-2] + data[last:-2] * count + JPEG_END


def resized(data, width, height):
    """An image file that announces another size."""
    if data.startswith(b'\x89PNG'):
        header = b'IHDR' + struct.pack('>II', width, height) + data[24:29]
        return data[:12] + header + struct.pack('>I', zlib.crc32(header)) + data[33:]
    frame = max(data.find(b'\xff\xc0'), data.find(b'\xff\xc2'))
    return data[:frame + 5] + struct.pack('>HH', height, width) + data[frame + 9:]


def chunk(kind, content):
    """A chunk of a PNG."""
    return (struct.pack('>I', len(content)) + kind + content
            + struct.pack('>I', zlib.crc32(kind + content)))


def png_of(width, height, content, bits=8, color=0):
    """A PNG with anything for its compressed pixels."""
    return (b'\x89PNG\r\n\x1a\n'
            + chunk(b'IHDR', struct.pack('>IIBBBBB', width, height, bits, color, 0, 0, 0))
            + chunk(b'IDAT', content) + chunk(b'IEND', b''))


def mosaic(pixels, pattern):
    """The (H, W) samples of BGR pixels under a filter such as 'rggb'."""
    samples = np.empty(pixels.shape[:2], pixels.dtype)
    for position, color in enumerate(pattern):
        place = (slice(position // 2, None, 2), slice(position % 2, None, 2))
        samples[place] = pixels[..., 'bgr'.index(color)][place]
    return samples
