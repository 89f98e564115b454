"""Image messages to arrays, whatever library made the messages, and arrays to files."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

MAX_PIXELS = 1 << 26
"""The largest image that is taken: 64 megapixels, say 8192x8192."""

_TO_BGR = {
    'bgr8': (3, None), '8UC3': (3, None),
    'rgb8': (3, cv2.COLOR_RGB2BGR),
    'bgra8': (4, cv2.COLOR_BGRA2BGR),
    'rgba8': (4, cv2.COLOR_RGBA2BGR),
    'mono8': (1, cv2.COLOR_GRAY2BGR), '8UC1': (1, cv2.COLOR_GRAY2BGR),
    # ROS names a mosaic by its first pixels, OpenCV by those from the second row and column on
    'bayer_rggb8': (1, cv2.COLOR_BayerBG2BGR), 'bayer_bggr8': (1, cv2.COLOR_BayerRG2BGR),
    'bayer_gbrg8': (1, cv2.COLOR_BayerGR2BGR), 'bayer_grbg8': (1, cv2.COLOR_BayerGB2BGR),
    'yuv422': (2, cv2.COLOR_YUV2BGR_UYVY), 'uyvy': (2, cv2.COLOR_YUV2BGR_UYVY),
    'yuv422_yuy2': (2, cv2.COLOR_YUV2BGR_YUY2), 'yuyv': (2, cv2.COLOR_YUV2BGR_YUY2)}

ENCODINGS = tuple(_TO_BGR)
"""The encodings of ``sensor_msgs/Image`` that are taken."""

_JPEG, _JPEG_END = b'\xff\xd8\xff', b'\xff\xd9'
_PNG, _PNG_END = b'\x89PNG\r\n\x1a\n', b'IEND'
_TAIL = 4096
"""Bytes at the end in which a complete file has its end marker: some drivers pad with zeros."""

_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""The markers of ITU-T T.81 that begin a frame and so say its size."""


class ImageError(ValueError):
    """
    A camera message that holds no usable image.

    ``kind`` is the sort of fault, the same from frame to frame while the text may change.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


class ImageMessage(Protocol):
    """The fields of ``sensor_msgs/Image`` that pixels need."""

    height: int
    width: int
    encoding: str
    step: int
    data: Any


class CompressedImageMessage(Protocol):
    """The fields of ``sensor_msgs/CompressedImage`` that pixels need."""

    format: str
    data: Any


def to_bgr(message: ImageMessage) -> npt.NDArray[np.uint8]:
    """
    Return the pixels of an image message as (H, W, 3) uint8 in BGR.

    A BGR image is a view of the message's own memory, so nothing is copied; rows may lie
    ``step`` bytes apart.

    Raises
    ------
    ImageError
        The encoding is not supported, or size, step and data contradict each other.

    """
    width, height, step = message.width, message.height, message.step
    if message.encoding not in _TO_BGR:
        raise ImageError('encoding', f'encoding {message.encoding!r} is not supported: publish '
                                     f'one of {", ".join(ENCODINGS)}')
    channels, conversion = _TO_BGR[message.encoding]
    _check_size(width, height)
    if channels == 2 and width % 2:
        raise ImageError('size', f'the image is {width}x{height}: expected an even width, as two '
                                 f'pixels of {message.encoding} share their color')
    if step < width * channels:
        raise ImageError('step', f'step is {step}: expected at least {width * channels} bytes, '
                                 f'{width} pixels of {message.encoding}')
    if len(message.data) != step * height:
        raise ImageError('data', f'{len(message.data)} bytes of data: expected {step * height}, '
                                 f'{height} rows of step {step}')
    rows = np.frombuffer(message.data, np.uint8).reshape(height, step)
    pixels = rows[:, :width * channels].reshape(height, width, channels)
    return pixels if conversion is None else np.asarray(cv2.cvtColor(pixels, conversion), np.uint8)


def decompress(message: CompressedImageMessage) -> npt.NDArray[np.uint8]:
    """
    Decode a compressed image message to (H, W, 3) uint8 in BGR.

    The size that the file announces is checked before it is decoded.  Rotation tags are ignored,
    as the camera's calibration belongs to the stored pixels.

    Raises
    ------
    ImageError
        The data are neither JPEG nor PNG, or cut off, or corrupt, or of an absurd size.

    """
    data = memoryview(message.data)
    _check_size(*_announce(data, message.format))
    if is_cut_off(data):
        raise ImageError('data', f'{len(data)} bytes of format {message.format!r} without the end '
                                 'marker: the image is truncated')
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8),
                              cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise _undecodable(data, message.format) from error
    if pixels is None:
        raise _undecodable(data, message.format)
    return np.asarray(pixels, np.uint8)


def is_cut_off(data: bytes | memoryview) -> bool:
    """Tell whether a JPEG or PNG file lacks its end marker; of other files nothing is known."""
    head, tail = bytes(data[:len(_PNG)]), bytes(data[-_TAIL:])
    return ((head.startswith(_JPEG) and _JPEG_END not in tail)
            or (head.startswith(_PNG) and _PNG_END not in tail))


def encode(pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16], extension: str,
           flags: Sequence[int]) -> npt.NDArray[np.uint8]:
    """
    Return the bytes of a ``.png`` or ``.jpg`` file that holds the pixels, (N,) uint8.

    Raises
    ------
    ValueError
        OpenCV has no such encoder.

    """
    done, data = cv2.imencode(extension, pixels, flags)
    if not done:
        raise ValueError(f'OpenCV cannot encode {pixels.dtype} {pixels.shape} as {extension}: '
                         'install an OpenCV with that codec')
    return np.asarray(data, np.uint8).ravel()


def _check_size(width: int, height: int) -> None:
    if not width or not height:
        raise ImageError('empty', f'the image is {width}x{height}: expected at least one pixel')
    if width * height > MAX_PIXELS:
        raise ImageError('size', f'the image is {width}x{height}: expected at most {MAX_PIXELS} '
                                 'pixels')


def _announce(data: memoryview, name: str) -> tuple[int, int]:
    """Return the (width, height) that a file's header says."""
    head = data[:24].tobytes()
    if head.startswith(_PNG) and len(head) == 24:
        return _big_endian(head[16:20]), _big_endian(head[20:24])
    if head.startswith(_JPEG):
        position = 2
        while position + 9 <= len(data) and data[position] == 0xFF:
            marker = data[position + 1]
            if marker == 0xFF:      # padding
                position += 1
            elif marker in _JPEG_FRAMES:
                return (_big_endian(data[position + 7:position + 9]),
                        _big_endian(data[position + 5:position + 7]))
            else:
                position += 2 + _big_endian(data[position + 2:position + 4])
    raise _undecodable(data, name)


def _undecodable(data: memoryview, name: str) -> ImageError:
    return ImageError('decode', f'{len(data)} bytes of format {name!r} are no image: publish '
                                'JPEG or PNG')


def _big_endian(digits: bytes | memoryview) -> int:
    return int.from_bytes(digits, 'big')
