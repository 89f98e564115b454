"""
The decoder of mask queries on a GPU: the results of ``reference``, in device memory.

Three kernels (``kernels/*.cuh``) work on all images of a batch at once.  ``keep_queries`` lists
the queries that are kept because of their class.  ``decide_pixels`` reads their masks, once; each
block has a *tile* of patches.  A patch is the pixels between the same cells, and the logits in
these cells bound those of its pixels.  So most patches have one candidate, and most queries are
none in a whole tile.  Only candidates are interpolated.  The last block decides which queries
become segments, and ``write_labels`` writes that.  All sums are sums of integers, so the result
does not depend on the order in which the device works.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from ...labels import LabelSpace
from ...panoptic import Panoptic
from ...segments.device_canvas import DeviceCanvas, Own
from ...segments.locations import DeviceAxis
from ...segments.resampling import Frame, resample
from .cutoff import cutoff_of
from .options import Options
from .task import KEPT, LANES, TASK, TILE_ROWS

if TYPE_CHECKING:
    from ...device import Device, DeviceArray, Module


@dataclass(frozen=True)
class DeviceQueries:
    """The queries of a batch in device memory, each array float32 or float16."""

    classes: DeviceArray
    """[N, Q, C + 1] logits of the classes and of no object."""
    masks: DeviceArray
    """[N, Q, h, w] logits."""
    input_size: tuple[int, int]
    """The network's input (height, width) in pixels."""
    parts: Sequence[tuple[int, int]]
    """For each image that is decoded, (height, width) of the part of the input that it fills."""


class CudaDecoder:
    """
    Decodes a batch of queries, which always has the same memory; see ``family.DeviceDecoder``.

    Parameters
    ----------
    device
        The GPU, opened by this thread.
    kernels
        ``kernels/kernels.cu``, compiled for the GPU.
    queries
        The memory that the network writes.
    label_space
        The network's classes.
    sizes
        (height, width) of the label image of each image, at most as many as the queries' batch.
    options
        The thresholds.
    confidence
        Whether to compute ``Panoptic.confidence`` as well.

    Raises
    ------
    DeviceError
        The device has not enough memory.

    """

    warps = 4
    """Warps of a block, from 1 to 4; the results do not depend on it."""

    def __init__(self, device: Device, kernels: Module, queries: DeviceQueries,
                 label_space: LabelSpace, sizes: Sequence[tuple[int, int]], options: Options,
                 confidence: bool = False) -> None:
        self.options = options
        self._device, self._kernels = device, kernels
        self._types = {name: 'float' if array.dtype == np.float32 else 'half'
                       for name, array in (('classes', queries.classes), ('masks', queries.masks))}
        _, count, rows, columns = queries.masks.shape
        self._count, self._cells = count, (rows, columns)
        own = Own(TASK,
                  [{'patch_code': (self._cells, np.uint16), 'query_class': ((count,), np.int32),
                    'query_score': ((count,), np.float32), 'kept': ((count,), KEPT),
                    'kept_label': ((count,), np.uint16)} for _ in sizes],
                  [{'owned': ((count,), np.uint32), 'covered': ((count,), np.uint32),
                    'finished': ((2,), np.uint32)} for _ in sizes],
                  count)
        self._canvas = DeviceCanvas(device, None, label_space, sizes, own, confidence)
        frames = [Frame(self._cells, queries.input_size, part, size)
                  for part, size in zip(queries.parts, sizes, strict=True)]
        axes = {frame: resample(frame) for frame in frames}
        self._axes = {frame: tuple(DeviceAxis(device, axis) for axis in both)
                      for frame, both in axes.items()}
        self._reach = 3 if any(axis.weights[2].any() for both in axes.values()
                               for axis in both) else 2
        self._canvas.take(queries, ('classes', 'masks'))
        for task, frame in zip(self._canvas.tasks, frames, strict=True):
            task['queries'] = count
            self._locate(task, frame)
        self.change_options(options)

    @property
    def nbytes(self) -> int:
        """Bytes of device memory."""
        return self._canvas.nbytes + sum(axis.nbytes for axis in chain(*self._axes.values()))

    def serves(self, options: Options) -> bool:
        """Return whether the memory is enough for other thresholds: it always is."""
        return True

    def change_options(self, options: Options) -> None:
        """Use other thresholds from the next images on; captured graphs stay valid."""
        tasks, self.options = self._canvas.tasks, options
        tasks['object_threshold'] = options.object_threshold
        tasks['overlap_threshold'] = options.overlap_threshold
        tasks['least_logit'] = cutoff_of(np.float32(options.pixel_threshold))
        self._canvas.upload()

    def enqueue(self) -> None:
        """Enqueue the decoding of the queries; a graph can capture it."""
        (rows, columns), block, launch = self._cells, (32, self.warps), self._canvas.launch
        width = max(width for _, width in self._canvas.sizes)
        self._canvas.clear()
        launch(self._kernels, f'keep_queries_{self._types["classes"]}',
               (-(-self._count // self.warps), 1), block)
        launch(self._kernels, f'decide_pixels_{self._reach}_{self._types["masks"]}',
               (-(-columns // (LANES + 1 - self._reach)), -(-rows // TILE_ROWS)), block)
        launch(self._kernels, 'write_labels', (-(-width // 32), -(-rows // self.warps)), block)

    def enqueue_download(self) -> None:
        """Enqueue the copy of the results to the host; a graph can capture it."""
        self._canvas.enqueue_download()

    def result(self, image: int) -> Panoptic:
        """Return the downloaded result of one image; the device must be synchronised before."""
        return self._canvas.result(image)

    def close(self) -> None:
        """Release the memory, on the device and on the host."""
        for axis in chain(*self._axes.values()):
            axis.close()
        self._canvas.close()

    def _locate(self, task: Any, frame: Frame) -> None:
        """Write where an image's pixels lie between the cells into its task."""
        y, x = self._axes[frame]
        task['row_locations'], task['column_locations'] = y.locations.pointer, x.locations.pointer
        canvas = task['canvas']
        canvas['rows'], canvas['columns'] = frame.cells
        canvas['row_start'], canvas['column_start'] = y.starts.pointer, x.starts.pointer
        canvas['stuff_area'] = 1
