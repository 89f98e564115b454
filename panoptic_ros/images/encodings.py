"""The encodings of camera images, and how each becomes BGR."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from .errors import ImageError


@dataclass(frozen=True)
class Encoding:
    """
    How the pixels of an image are written, by a name of ``sensor_msgs/image_encodings.hpp``.

    Samples of more than 8 bits are words of 16 bits, with the value at their low end.
    """

    name: str
    channels: int
    """Samples of each pixel in a row."""
    conversion: int | None = None
    """OpenCV's code that converts 8-bit samples to BGR; None when they are BGR already."""
    bits: int = 8
    """Bits of a sample."""
    block: tuple[int, int] = (1, 1)
    """Columns and rows of the block of pixels that shares a colour."""

    @property
    def row_bytes(self) -> int:
        """Bytes of a pixel in its row."""
        return self.channels * (2 if self.bits > 8 else 1)

    @property
    def is_mosaic(self) -> bool:
        """Whether each pixel has a sample of one colour only."""
        return self.name.startswith('bayer_')

    @property
    def is_planar(self) -> bool:
        """Whether half as many rows of colour follow all the rows of brightness."""
        return self.block[1] > 1

    def to_bgr(self, samples: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
        """Return samples, (H, W, channels) of uint8 or uint16, as (H, W, 3) uint8 in BGR."""
        samples = to_8_bits(samples, self.bits)
        if self.conversion is None:
            return samples
        return np.asarray(cv2.cvtColor(samples, self.conversion), np.uint8)


_COLORS: dict[str, tuple[int, int | None]] = {
    'bgr': (3, None), 'rgb': (3, cv2.COLOR_RGB2BGR),
    'bgra': (4, cv2.COLOR_BGRA2BGR), 'rgba': (4, cv2.COLOR_RGBA2BGR),
    'mono': (1, cv2.COLOR_GRAY2BGR),
    # ROS names a mosaic by its first pixels, OpenCV by those from the second row and column on
    'bayer_rggb': (1, cv2.COLOR_BayerBG2BGR), 'bayer_bggr': (1, cv2.COLOR_BayerRG2BGR),
    'bayer_gbrg': (1, cv2.COLOR_BayerGR2BGR), 'bayer_grbg': (1, cv2.COLOR_BayerGB2BGR)}

_KNOWN = {encoding.name: encoding for encoding in (
    *(Encoding(f'{color}8', *how) for color, how in _COLORS.items()),
    Encoding('8UC3', 3), Encoding('8UC1', 1, cv2.COLOR_GRAY2BGR),
    *(Encoding(f'{color}16', *how, bits=16) for color, how in _COLORS.items()),
    *(Encoding(f'{color}12', *how, bits=12) for color, how in _COLORS.items() if how[0] == 1),
    *(Encoding(name, 2, cv2.COLOR_YUV2BGR_UYVY, block=(2, 1)) for name in ('yuv422', 'uyvy')),
    *(Encoding(name, 2, cv2.COLOR_YUV2BGR_YUY2, block=(2, 1)) for name in ('yuv422_yuy2', 'yuyv')),
    Encoding('nv12', 1, cv2.COLOR_YUV2BGR_NV12, block=(2, 2)),
    Encoding('nv21', 1, cv2.COLOR_YUV2BGR_NV21, block=(2, 2)))}

ENCODINGS = tuple(_KNOWN)
"""The encodings of ``sensor_msgs/Image`` that are taken."""

_DEPTH = ('16UC1', '32FC1')
"""The encodings of depth images in REP 118."""

_MATRIX = re.compile(r'(8|16|32|64)[USF]C\d*')
"""OpenCV's names, which do not say what the channels are."""

_NOT_TAKEN = re.compile(f'{_MATRIX.pattern}|nv24')
"""ROS's names of encodings that are not taken; any other name may be a driver's own."""


def find(name: str) -> Encoding:
    """
    Return the encoding of that name.

    Raises
    ------
    ImageError
        The encoding is not supported; the text says so when it is depth.

    """
    if name in _DEPTH:
        raise ImageError('encoding', f'encoding {name!r} is depth: take a topic of colour or '
                                     'grey images')
    if name not in _KNOWN:
        raise ImageError('encoding', f'encoding {name!r} is not supported: publish one of '
                                     f'{", ".join(ENCODINGS)}')
    return _KNOWN[name]


def find_in_file(name: str) -> Encoding | None:
    """
    Return the encoding that a name means for pixels in a file; None when the file must tell.

    Raises
    ------
    ImageError
        The name is an encoding of ROS that is not supported.

    """
    encoding = find(name) if name in _KNOWN or _NOT_TAKEN.fullmatch(name) else None
    return encoding if encoding is not None and encoding.block == (1, 1) else None


def to_8_bits(samples: npt.NDArray[Any], bits: int = 16) -> npt.NDArray[np.uint8]:
    """
    Return the upper 8 bits of samples.

    A camera of 12 bits may leave the upper four bits of its 16-bit words empty, and the message
    does not say so. When no word of an image reaches 4096, the words are therefore taken as 12
    bits; otherwise the image would be almost black. This has a side effect: when a camera of 16
    bits sees nothing brighter than a sixteenth of its range, that image is brightened.

    Parameters
    ----------
    samples
        uint8, which are returned as they are, or uint16 in any byte order.
    bits
        Bits of a sample: 12 or 16.

    """
    if samples.dtype == np.uint8:
        return samples
    words = samples.astype(np.uint16, copy=False)
    if bits == 16 and words.max() < 1 << 12:
        bits = 12
    elif bits < 16:
        words = np.minimum(words, (1 << bits) - 1)
    return (words >> (bits - 8)).astype(np.uint8)
