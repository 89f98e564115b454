"""The network's input on a GPU, made from camera images of other sizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..segments.grid import filled

if TYPE_CHECKING:
    from ..device import Device, DeviceArray, Module

RESIZING = np.dtype([*((name, np.uint64) for name in ('camera', 'network_input')),
                     *((name, np.int32) for name in ('height', 'width', 'input_height',
                                                     'input_width', 'filled_height',
                                                     'filled_width')),
                     ('padding', np.uint8, 3)], align=True)
"""The kernel's description of one image: the fields of ``Resizing`` in ``resizing.cuh``."""

_BLOCK = 32, 8      # RESIZE_COLUMNS and RESIZE_ROWS of the kernel


class Resizer:
    """
    Resizes the images of a batch as ``engine.fitting`` does, always between the same memory.

    Parameters
    ----------
    device, kernels
        The GPU, opened by this thread, and kernels for it, among them ``resize_images``.
    cameras
        Each image's pixels in device memory, uint8 in the order B, G, R.
    sizes
        (height, width) of each image.
    network_input
        The network's input in device memory, uint8 [N, h, w, 3].
    padding
        ``ModelMetadata.padding``; see ``engine.fitting.fit``.

    Raises
    ------
    DeviceError
        The device has not enough memory.

    """

    def __init__(self, device: Device, kernels: Module, cameras: Sequence[DeviceArray],
                 sizes: Sequence[tuple[int, int]], network_input: DeviceArray,
                 padding: tuple[int, ...] = ()) -> None:
        self._device, self._kernels, self._count = device, kernels, len(sizes)
        self._input_size = network_input.shape[1], network_input.shape[2]
        way = 'pad' if padding else 'stretch'
        tasks = np.zeros(len(sizes), RESIZING)
        tasks['camera'] = [camera.pointer for camera in cameras]
        each = network_input.nbytes // network_input.shape[0]
        tasks['network_input'] = [network_input.pointer + image * each
                                  for image in range(len(sizes))]
        tasks['height'], tasks['width'] = np.transpose(sizes)
        tasks['input_height'], tasks['input_width'] = self._input_size
        tasks['filled_height'], tasks['filled_width'] = np.transpose(
            [filled(size, self._input_size, way) for size in sizes])
        tasks['padding'] = padding or 0
        self._tasks = device.put(tasks)

    @property
    def nbytes(self) -> int:
        """Bytes of device memory."""
        return self._tasks.nbytes

    def enqueue(self) -> None:
        """Enqueue the resize of camera images to the network's input; a graph can capture it."""
        height, width = self._input_size
        columns, rows = _BLOCK
        self._kernels.launch('resize_images', (-(-width // columns), -(-height // rows),
                                               self._count), (*_BLOCK, 1), self._tasks)

    def close(self) -> None:
        """Release the memory."""
        self._device.free(self._tasks)
