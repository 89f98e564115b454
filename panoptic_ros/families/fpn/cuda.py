"""
The decoder of detections on a GPU: the results of ``reference``, in device memory.

Its kernels (``kernels/*.cuh``) work on all images of a batch at once.  ``order_detections`` lists
the detections that take part, and ``find_channels`` finds the likeliest channel of each cell.
``paste_masks`` writes the pixels of each mask as bits, in its box.  ``claim_things`` goes through
the detections one after the other, with a block of threads for the words of each mask: it counts
what is painted, and takes the rest.  ``paint_things`` writes that.  ``find_stuff`` finds the
channel of the other pixels; where the cells around a pixel agree, it reads no logit.  Its last
block numbers the segments, and ``label_pixels`` writes their labels.  All sums are sums of
integers, so the result does not depend on the order in which the device works.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from ...labels import LabelSpace
from ...panoptic import Panoptic
from ...segments.codes import UNASSIGNED
from ...segments.device_canvas import DeviceCanvas, Own
from ...segments.locations import DeviceAxis
from ...segments.resampling import Frame, resample
from .detections import NAMES
from .options import Options
from .task import CHOSEN, LINES, TASK, WORD

if TYPE_CHECKING:
    from ...device import Device, DeviceArray, Module


@dataclass(frozen=True)
class DeviceDetections:
    """The detections of a batch in device memory: all float32, or all float16."""

    semantic: DeviceArray
    """[N, S, h, w] logits."""
    boxes: DeviceArray
    """[N, D, 4] in pixels of the network's input."""
    scores: DeviceArray
    """[N, D]"""
    classes: DeviceArray
    """[N, D] int64 or int32."""
    masks: DeviceArray
    """[N, D, side, side] probabilities."""
    input_size: tuple[int, int]
    """The network's input (height, width) in pixels."""
    parts: Sequence[tuple[int, int]]
    """For each image that is decoded, (height, width) of the part of the input that it fills."""


class CudaDecoder:
    """
    Decodes a batch of detections, which always has the same memory; see ``family.DeviceDecoder``.

    Parameters
    ----------
    device
        The GPU, opened by this thread.
    kernels
        ``kernels/kernels.cu``, compiled for the GPU.
    detections
        The memory that the network writes.
    label_space
        The network's classes.
    sizes
        (height, width) of the label image of each image, at most as many as the batch.
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

    def __init__(self, device: Device, kernels: Module, detections: DeviceDetections,
                 label_space: LabelSpace, sizes: Sequence[tuple[int, int]], options: Options,
                 confidence: bool = False) -> None:
        self.options = options
        self._device, self._kernels = device, kernels
        self._type = 'float' if detections.semantic.dtype == np.float32 else 'half'
        self._cells = detections.semantic.shape[2:]
        self._count = detections.masks.shape[1]
        self._canvas = DeviceCanvas(device, None, label_space, sizes, self._own(sizes), confidence)
        # one more: a label space may have no thing
        self._things = device.put(np.array([*label_space.thing_ids, 0], np.uint16))
        self._codes = device.put(np.array([UNASSIGNED, *label_space.stuff_ids], np.uint16))
        frames = [Frame((self._cells[0], self._cells[1]), detections.input_size, part, size)
                  for part, size in zip(detections.parts, sizes, strict=True)]
        axes = {frame: resample(frame) for frame in frames}
        self._axes = {frame: tuple(DeviceAxis(device, axis) for axis in both)
                      for frame, both in axes.items()}
        self._reach = 3 if any(axis.weights[2].any() for both in axes.values()
                               for axis in both) else 2
        self._canvas.take(detections, NAMES)
        for task, frame in zip(self._canvas.tasks, frames, strict=True):
            task['stuff_code'], task['thing_class'] = self._codes.pointer, self._things.pointer
            task['class_bytes'] = detections.classes.dtype.itemsize
            task['channels'] = detections.semantic.shape[1]
            task['things'] = len(label_space.thing_ids)
            task['detections'], task['side'] = self._count, detections.masks.shape[2]
            self._locate(task, frame)
        self.change_options(options)

    @property
    def nbytes(self) -> int:
        """Bytes of device memory."""
        axes = sum(axis.nbytes for axis in chain(*self._axes.values()))
        return self._canvas.nbytes + axes + self._things.nbytes + self._codes.nbytes

    def serves(self, options: Options) -> bool:
        """Return whether the memory is enough for other thresholds: it always is."""
        return True

    def change_options(self, options: Options) -> None:
        """Use other thresholds from the next images on; captured graphs stay valid."""
        tasks, self.options = self._canvas.tasks, options
        tasks['score_threshold'] = options.score_threshold
        tasks['overlap_threshold'] = options.overlap_threshold
        for task in tasks:
            task['canvas']['stuff_area'] = options.stuff_area
        self._canvas.upload()

    def enqueue(self) -> None:
        """Enqueue the decoding of the detections; a graph can capture it."""
        block, launch = (32, self.warps), self._canvas.launch
        height, width = (max(size[axis] for size in self._canvas.sizes) for axis in (0, 1))
        lines, columns = -(-height // (self.warps * LINES)), -(-width // WORD)
        cells = self._cells[0] * self._cells[1]
        self._canvas.clear()
        launch(self._kernels, f'order_detections_{self._type}', (1, 1), block)
        launch(self._kernels, f'find_channels_{self._type}', (-(-cells // (32 * self.warps)), 1),
               block)
        launch(self._kernels, f'paste_masks_{self._type}', (self._count, lines), block)
        launch(self._kernels, 'claim_things', (1, 1), (32, 4 * self.warps))
        launch(self._kernels, 'paint_things', (self._count, lines), block)
        launch(self._kernels, f'find_stuff_{self._reach}_{self._type}', (columns, lines), block)
        launch(self._kernels, 'label_pixels', (columns, lines), block)

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
        for array in (self._things, self._codes):
            self._device.free(array)
        self._canvas.close()

    def _own(self, sizes: Sequence[tuple[int, int]]) -> Own:
        """Return what the kernels need beside the canvas."""
        rows = self._count
        words = [-(-width // WORD) for _, width in sizes]
        return Own(TASK,
                   [{'probability': (self._cells, np.int32), 'channel': (self._cells, np.uint8),
                     'chosen': ((rows,), CHOSEN), 'accepted': ((rows,), np.uint8),
                     'bits': ((rows, size[0], count), np.uint32)}
                    for size, count in zip(sizes, words, strict=True)],
                   [{'painted': ((size[0], count), np.uint32), 'area': ((rows,), np.uint32),
                     'finished': ((1,), np.uint32)}
                    for size, count in zip(sizes, words, strict=True)],
                   rows)

    def _locate(self, task: Any, frame: Frame) -> None:
        """Write where an image's pixels lie between the cells into its task."""
        y, x = self._axes[frame]
        task['row_locations'], task['column_locations'] = y.locations.pointer, x.locations.pointer
        task['row_reach'], task['column_reach'] = (2 if axis.weights[2].any() else 1
                                                   for axis in resample(frame))
        height, width = frame.size
        task['y_scale'], task['x_scale'] = height / frame.filled[0], width / frame.filled[1]
        task['words'] = -(-width // WORD)
        task['canvas']['rows'], task['canvas']['columns'] = frame.cells
