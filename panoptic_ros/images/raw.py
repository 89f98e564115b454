"""Image messages to arrays, whatever library made the messages."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from . import encodings
from .errors import ImageError
from .limits import Limits


class ImageMessage(Protocol):
    """The fields of ``sensor_msgs/Image`` that reading the pixels needs."""

    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: Any


def to_bgr(message: ImageMessage, limits: Limits | None = None) -> npt.NDArray[np.uint8]:
    """
    Return the pixels of an image message as (H, W, 3) uint8 in BGR.

    A BGR image is returned as a view of the message's own memory, without a copy. Rows may lie
    ``step`` bytes apart. The colours of nv12 and nv21 follow in rows of the same step.

    Parameters
    ----------
    message
        A ``sensor_msgs/Image``.
    limits
        An image beyond them is refused before memory is taken.

    Raises
    ------
    ImageError
        The encoding is not supported, the image is too large, or size, step and data contradict
        each other.

    """
    width, height, step = message.width, message.height, message.step
    encoding = encodings.find(message.encoding)
    (limits or Limits()).check_size(width, height)
    columns, lines = encoding.block
    if width % columns or height % lines:
        even = 'width' if lines == 1 else 'width and height'
        raise ImageError('size', f'the image is {width}x{height}: expected an even {even}, as '
                                 f'{"two" if lines == 1 else "four"} pixels of {encoding.name} '
                                 'share their color')
    row_bytes = width * encoding.row_bytes
    if step < row_bytes:
        raise ImageError('step', f'step is {step}: expected at least {row_bytes} bytes, '
                                 f'{width} pixels of {encoding.name}')
    rows = height * 3 // 2 if encoding.is_planar else height
    if len(message.data) != step * rows:
        raise ImageError('data', f'{len(message.data)} bytes of data: expected {step * rows}, '
                                 f'{rows} rows of step {step}')
    samples = np.frombuffer(message.data, np.uint8).reshape(rows, step)[:, :row_bytes]
    if encoding.bits > 8:
        samples = np.ascontiguousarray(samples).view('>u2' if message.is_bigendian else '<u2')
    return encoding.to_bgr(samples.reshape(rows, width, encoding.channels))
