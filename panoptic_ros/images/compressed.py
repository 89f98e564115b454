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
    """The fields of ``sensor_msgs/CompressedImage`` that decoding needs."""

    format: str
    data: Any


def decompress(message: CompressedImageMessage,
               limits: Limits | None = None) -> npt.NDArray[np.uint8]:
    """
    Decode a compressed image message to (H, W, 3) uint8 in BGR.

    ``stored_encoding`` reads from the message's format which encoding the stored pixels have. They
    become BGR as the pixels of a raw image of that encoding do. When the format does not tell the
    encoding, the file does. The file's header is compared with the limits before the file is
    decoded. Rotation tags are ignored, because the camera's calibration belongs to the stored
    pixels.

    Parameters
    ----------
    message
        A ``sensor_msgs/CompressedImage`` of JPEG or PNG.
    limits
        An image beyond them is refused before it is decoded.

    Raises
    ------
    ImageError
        The encoding is not supported or contradicts the file. Or the data are neither JPEG nor
        PNG, are cut off or corrupt, or break a limit.

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
    Return the encoding of the array that OpenCV decodes from the message's file.

    ``compressed_image_transport`` writes ``RAW; CODEC compressed STORED``. RAW is the encoding of
    the image that it was given. STORED, if present, is the encoding to which it converted the
    image: ``rgb8; jpeg compressed bgr8`` is the usual colour file, ``mono16; jpeg compressed
    mono8`` has 8 bits, ``bayer_rggb8; jpeg compressed mono8`` is grey. Without STORED, the array
    was stored unchanged: ``bayer_rggb8; jpeg compressed `` is a mosaic, and in the file of ``rgb8;
    png compressed`` red stands where other files have blue. A format without a semicolon is often
    only the name of the file's kind, ``png`` or ``jpeg``; then only the name of a mosaic or of
    depth counts.

    Returns
    -------
    Encoding | None
        None when the format says nothing and the file must tell.

    Raises
    ------
    ImageError
        The encoding is not supported; the text says so when it is depth.

    """
    raw, semicolon, rest = (part.strip() for part in message_format.partition(';'))
    words = rest.split()
    if 'compressedDepth' in words:
        raise ImageError('encoding', f'format {message_format!r} is depth: take a topic of '
                                     'colour or grey images')
    encoding = encodings.find_in_file(raw)
    if not semicolon:
        return encoding if encoding is not None and encoding.is_mosaic else None
    if words[1:2] == ['compressed'] and words[2:]:
        return encodings.find_in_file(words[2])
    return encoding
