"""Two interpolations in a row, in device memory; ``locations.cuh`` has the same fields."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .upsampling import Axis

if TYPE_CHECKING:
    from ..device import Device

LOCATION = np.dtype([('cell', np.int32), ('weight', np.float32, (3,))])
"""Where a pixel lies along an axis: its first cell, the weights of that and the next two."""


class DeviceAxis:
    """
    An axis of the upsampling in device memory.

    Raises
    ------
    DeviceError
        The device has not enough memory.

    """

    def __init__(self, device: Device, axis: Axis) -> None:
        locations = np.empty(len(axis.lower), LOCATION)
        locations['cell'], locations['weight'] = axis.lower, axis.weights.T
        self._device = device
        self.starts = device.put(axis.starts)
        """[cells + 1] as in ``Axis``."""
        self.locations = device.put(locations)
        """[pixels] of ``LOCATION``."""

    @property
    def nbytes(self) -> int:
        """Bytes of device memory."""
        return self.starts.nbytes + self.locations.nbytes

    def close(self) -> None:
        """Release the memory."""
        self._device.free(self.starts)
        self._device.free(self.locations)
