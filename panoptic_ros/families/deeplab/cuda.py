"""
The grouping on a GPU: the results of ``reference``, from device memory to device memory.

Four kernels (``kernels/*.cuh``) work on all images of a batch at once.  A patch is the pixels
between the same four cells.  Most patches are decided as a whole: the cells agree on their class,
and only one centre can be the nearest to the places that the offsets point to.  The pixels of the
other patches are decided one by one.  All sums are sums of integers, so the result does not depend
on the order in which the device works.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...labels import LabelSpace
from ...panoptic import Panoptic
from ...segments.device_canvas import DeviceCanvas, Own
from ...segments.grid import Grid
from .options import Options
from .task import MOST_CENTERS, TASK

if TYPE_CHECKING:
    from ...device import Device, DeviceArray, Module

_SETTLED_CELLS = 40     # patches for each warp of settle_pixels; only few of them are undecided


@dataclass(frozen=True)
class DeviceHeads:
    """The heads of a batch in device memory, float32 or float16."""

    semantic: DeviceArray
    """[N, C, h, w] logits."""
    center: DeviceArray
    """[N, 1, h, w] heatmap."""
    offset: DeviceArray
    """[N, 2, h, w] as (dy, dx) in pixels of the network's input."""
    grids: Sequence[Grid]
    """For each image that is decoded, where the cells lie on the network's input."""


class CudaDecoder:
    """
    Decodes a batch of heads, which always has the same memory; see ``family.DeviceDecoder``.

    Parameters
    ----------
    device
        The GPU, opened by this thread.
    kernels
        ``kernels/kernels.cu``, compiled for the GPU.
    heads
        The memory that the network writes.
    label_space
        The network's classes.
    sizes
        (height, width) of the label image of each image, at most as many as the heads' batch.
    options
        The thresholds.
    confidence
        Whether to compute ``Panoptic.confidence`` as well.

    Raises
    ------
    DeviceError
        The device has not enough memory.

    """

    warps = 8
    """Warps of a block, from 1 to 8; the results do not depend on it."""

    def __init__(self, device: Device, kernels: Module, heads: DeviceHeads,
                 label_space: LabelSpace, sizes: Sequence[tuple[int, int]], options: Options,
                 confidence: bool = False) -> None:
        self.options = options
        self._kernels, self._heads, self._confidence = kernels, heads, confidence
        self._top_k = options.top_k     # the largest top_k that the memory serves
        cells, classes = heads.grids[0].cells, len(label_space)
        center = ((MOST_CENTERS,), np.float32)
        own = Own(TASK,
                  [{'cell_code': (cells, np.uint16), 'peaks': (size, np.int32),
                    'center_y': center, 'center_x': center} for size in sizes],
                  [{'peak_count': ((1,), np.int32), 'finished': ((2,), np.uint32),
                    'votes': ((options.top_k, classes), np.int32)} for _ in sizes],
                  options.top_k)
        self._canvas = DeviceCanvas(device, heads.grids, label_space, sizes, own, confidence)
        self._canvas.take(heads, ('semantic', 'center', 'offset'))
        for task, size, grid in zip(self._canvas.tasks, sizes, heads.grids, strict=True):
            task['y_scale'], task['x_scale'] = (
                np.float32(pixels / part) for pixels, part in zip(size, grid.part, strict=True))
        self.change_options(options)

    @property
    def nbytes(self) -> int:
        """Bytes of device memory."""
        return self._canvas.nbytes

    def serves(self, options: Options) -> bool:
        """Return whether the memory is enough for other thresholds."""
        return options.top_k <= self._top_k

    def change_options(self, options: Options) -> None:
        """
        Use other thresholds from the next images on; captured graphs stay valid.

        Raises
        ------
        ValueError
            ``top_k`` is larger than the memory serves.

        """
        if not self.serves(options):
            raise ValueError(f'top_k is {options.top_k}: this decoder was made for at most '
                             f'{self._top_k}; make another')
        tasks, self.options = self._canvas.tasks, options
        tasks['threshold'], tasks['radius'] = options.center_threshold, options.nms_kernel // 2
        tasks['top_k'] = options.top_k
        tasks['canvas']['stuff_area'] = min(options.stuff_area, 2**31 - 1)
        self._canvas.upload()

    def enqueue(self) -> None:
        """Enqueue the decoding of the heads; a graph can capture it."""
        rows, columns = self._heads.grids[0].cells
        head = 'float' if self._heads.center.dtype == np.float32 else 'half'
        across, down, block = -(-columns // 32), -(-rows // self.warps), (32, self.warps)
        shares = -(-rows * columns // (self.warps * _SETTLED_CELLS))
        self._canvas.clear()
        for name, grid in (('read_heads', (across, down)), ('assign_patches', (across, down)),
                           ('settle_pixels', (shares, 1)), ('paint_labels', (2 * across, down))):
            self._canvas.launch(self._kernels, f'{name}_{head}', grid, block)
        if self._confidence:
            self._canvas.measure_confidence(self._kernels)

    def enqueue_download(self) -> None:
        """Enqueue the copy of the results to the host; a graph can capture it."""
        self._canvas.enqueue_download()

    def result(self, image: int) -> Panoptic:
        """Return the downloaded result of one image; the device must be synchronised before."""
        return self._canvas.result(image)

    def close(self) -> None:
        """Release the memory, on the device and on the host."""
        self._canvas.close()
