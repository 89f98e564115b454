"""Arrays to image messages without any work per element."""

from __future__ import annotations

import sys
from array import array

import numpy as np
import numpy.typing as npt
from sensor_msgs.msg import Image


def fill(message: Image, pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16]) -> None:
    """
    Put pixels, (H, W) or (H, W, channels), into a message that is reused from frame to frame.

    Its memory is reused while the size stays; the encoding and the header are the caller's.
    """
    if len(message.data) != pixels.nbytes:
        # a new array from bytes: rosidl checks any other type element by element
        message.data = array('B', bytes(pixels.nbytes))
    message.height, message.width = pixels.shape[:2]
    message.step = pixels.nbytes // pixels.shape[0]
    message.is_bigendian = int(sys.byteorder == 'big')
    native = pixels.dtype.newbyteorder('=')
    np.copyto(np.frombuffer(message.data, native).reshape(pixels.shape), pixels)
