"""Compressed image messages to arrays, whatever library made the messages."""

from __future__ import annotations

from typing import Any, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from . import encodings
from .codec import decode
from .encodings import Encoding
from .errors import ImageError
from .limits import Limits


class CompressedImageMessage(Protocol):
    """The fields of ``sensor_msgs/CompressedImage`` that pixels need."""

    format: str
    data: Any


def decompress(message: CompressedImageMessage,
               limits: Limits | None = None) -> npt.NDArray[np.uint8]:
    """
    Decode a compressed image message to (H, W, 3) uint8 in BGR.

    Its pixels are what ``stored_encoding`` reads in its format, and become BGR as those of a raw
    image of that encoding do; where the format tells nothing, the file does. What the file
    announces is held against the limits before it is decoded.  Rotation tags are ignored, as the
    camera's calibration belongs to the stored pixels.

    Parameters
    ----------
    message
        A ``sensor_msgs/CompressedImage`` of JPEG or PNG.
    limits
        What is refused before it is decoded.

    Raises
    ------
    ImageError
        The encoding is not supported, or contradicts the file; or the data are neither JPEG nor
        PNG, or cut off, or corrupt, or ask for too much.

    """
    encoding = stored_encoding(message.format)
    data = memoryview(message.data)
    is_mosaic = encoding is not None and encoding.is_mosaic
    pixels = decode(data, cv2.IMREAD_UNCHANGED if is_mosaic else None, limits,
                    name=f'{len(data)} bytes of format {message.format!r}')
    bits = encoding.bits if encoding is not None and encoding.bits > 8 else 16
    pixels = encodings.to_8_bits(pixels, bits)
    if pixels.ndim == 3:
        if is_mosaic:
            raise ImageError('encoding', f'format {message.format!r} is a mosaic, of one channel: '
                                         f'the file has {pixels.shape[2]}')
        order = 'rgb' if encoding is not None and encoding.name.startswith('rgb') else 'bgr'
        return encodings.find(f'{order}a8' if pixels.shape[2] == 4 else f'{order}8').to_bgr(pixels)
    name = encoding.name if encoding is not None and encoding.channels == 1 else 'mono8'
    return encodings.find(name).to_bgr(pixels)


def stored_encoding(message_format: str) -> Encoding | None:
    """
    Return what the pixels in a file are, as the arrays that OpenCV decodes.

    ``compressed_image_transport`` writes ``RAW; CODEC compressed STORED``, where RAW is the
    encoding of the image that it was given, and STORED, if it is there, what it made of that: of
    ``rgb8; jpeg compressed bgr8`` the usual file of colors, of ``mono16; jpeg compressed mono8``
    8 bits, of ``bayer_rggb8; jpeg compressed mono8`` a gray picture. Without STORED the array was
    stored as it was: ``bayer_rggb8; jpeg compressed `` is a mosaic, and the file of ``rgb8; png
    compressed`` has red where others have blue. Where no semicolon is, but a name such as ``png``
    or ``jpeg``, only the name of a mosaic or of depth counts.

    Returns
    -------
    Encoding | None
        None when the file alone tells.

    Raises
    ------
    ImageError
        Pictures of that encoding are not supported; depth is called so.

    """
    raw, semicolon, rest = (part.strip() for part in message_format.partition(';'))
    words = rest.split()
    if 'compressedDepth' in words:
        raise ImageError('encoding', f'format {message_format!r} is depth, no picture: take a '
                                     "topic of the camera's pictures")
    encoding = encodings.find_in_file(raw)
    if not semicolon:
        return encoding if encoding is not None and encoding.is_mosaic else None
    if words[1:2] == ['compressed'] and words[2:]:
        return encodings.find_in_file(words[2])
    return encoding
