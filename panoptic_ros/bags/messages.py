"""Messages for a bag, with no ROS on the machine."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from ..messages import IMAGE
from .typestore import typestore


def new(message_type: str, /, **values: Any) -> Any:
    """Return a message that a bag can be written with; every field has to be given."""
    return typestore().types[message_type](**values)


def header(stamp: int, frame_id: str) -> Any:
    """Return a ``std_msgs/Header`` with a stamp in nanoseconds since the epoch."""
    seconds, nanoseconds = divmod(stamp, 1_000_000_000)
    return new('std_msgs/msg/Header', frame_id=frame_id,
               stamp=new('builtin_interfaces/msg/Time', sec=seconds, nanosec=nanoseconds))


def image(pixels: npt.NDArray[np.uint8] | npt.NDArray[np.uint16], encoding: str,
          header: Any) -> Any:
    """Return ``sensor_msgs/Image`` of (H, W) or (H, W, channels) pixels."""
    packed = np.ascontiguousarray(pixels)
    return new(IMAGE, header=header, encoding=encoding, height=packed.shape[0],
               width=packed.shape[1], is_bigendian=0, step=packed.nbytes // packed.shape[0],
               data=packed.reshape(-1).view(np.uint8))
