"""What every family's decoder has on a GPU: memory, tasks of the kernels, results."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..labels import LabelSpace
from ..panoptic import Panoptic
from .canvas import FAR, TALLY
from .codes import INSTANCE
from .grid import Grid
from .tallies import Tallies
from .upsampling import Axis, cell_step
from .workspace import Arrays, Contents, Workspace

if TYPE_CHECKING:
    from ..device import Device, DeviceArray, Module


class Own(NamedTuple):
    """What a family's kernels need beside the canvas."""

    task: np.dtype[Any]
    """What they know about an image: ``canvas`` of type ``CANVAS``, and fields of their own."""
    scratch: Sequence[Arrays]
    """For each image what they write, by the names of the task's fields."""
    zeroed: Sequence[Arrays]
    """The same, zero when the first kernel starts."""
    most_instances: int
    """In an image."""


class DeviceCanvas:
    """
    The canvases of a batch in device memory, always the same, and the tasks that they are part of.

    Parameters
    ----------
    device
        The GPU, opened by this thread.
    grids
        For each image, where the network's cells lie on its input; all have the same cells.  None:
        the family has other patches or none.  Then what the canvas says about cells is left to the
        family, and ``own`` has the memory.
    label_space
        The classes.
    sizes
        (height, width) of each image's labels.
    own
        What else the family needs.
    confidence
        Whether there is room for ``Panoptic.confidence``.

    Raises
    ------
    DeviceError
        The device has not enough memory.

    """

    def __init__(self, device: Device, grids: Sequence[Grid] | None, label_space: LabelSpace,
                 sizes: Sequence[tuple[int, int]], own: Own, confidence: bool) -> None:
        self.sizes = tuple(sizes)
        self._device, self._label_space = device, label_space
        self._workspace = Workspace([
            _contents(grids[image] if grids else None, len(label_space), size, own, confidence,
                      image)
            for image, size in enumerate(sizes)])
        self._memory = device.empty((self._workspace.size,), np.uint8)
        self._summed = self._memory.part(self._workspace.zero_start, self._workspace.zero_end)
        self._results = self._memory.part(self._workspace.result_start, self._workspace.size)
        self._received = device.pinned((self._workspace.result_size,), np.uint8)
        self._is_thing = device.put(label_space.is_thing.astype(np.uint8))
        self._axes = {place: device.put(_axes(*place))
                      for place in set(zip(grids or (), sizes, strict=False))}
        self.tasks: npt.NDArray[Any] = device.pinned((len(sizes),), own.task)
        """One for each image; ``upload`` brings what is written here to the kernels."""
        self._device_tasks = device.empty((len(sizes),), own.task)
        self.tasks[:] = np.zeros((), own.task)
        for image in range(len(sizes)):
            self._describe(image)
            if grids is not None:
                self._place(image, grids[image])

    @property
    def nbytes(self) -> int:
        """Bytes of device memory."""
        return sum(array.nbytes for array in self._arrays())

    def take(self, outputs: object, names: Sequence[str]) -> None:
        """Tell each image's task where its part lies of the batches that the network writes."""
        for name in names:
            batch: DeviceArray = getattr(outputs, name)
            self.tasks[name] = batch.pointer + np.arange(len(self.tasks), dtype=np.uint64) * (
                np.uint64(batch.nbytes // batch.shape[0]))

    def upload(self) -> None:
        """Bring the tasks to the device, and wait: they may be changed again at once."""
        self._device.upload(self._device_tasks, self.tasks)
        self._device.synchronize()

    def clear(self) -> None:
        """Enqueue the zeros that kernels begin with; it can be captured."""
        self._device.zero(self._summed)

    def launch(self, kernels: Module, name: str, grid: tuple[int, int],
               block: tuple[int, int]) -> None:
        """Enqueue a kernel that takes tasks, for all images; it can be captured."""
        kernels.launch(name, (*grid, len(self.sizes)), (*block, 1), self._device_tasks)

    def measure_confidence(self, kernels: Module) -> None:
        """Enqueue the confidence of all pixels; it can be captured."""
        height, width = (max(size[axis] for size in self.sizes) for axis in (0, 1))
        self.launch(kernels, 'measure_confidence', (-(-width // 32), -(-height // 8)), (32, 8))

    def enqueue_download(self) -> None:
        """Bring the results to the host; asynchronous, can be captured."""
        self._device.download(self._results, self._received)

    def result(self, image: int) -> Panoptic:
        """Return the result of one image, downloaded, once the device has been synchronised."""
        classes = len(self._label_space)
        found = {name: place.view(self._received, self._workspace.result_start)
                 for name, place in self._workspace.images[image].items()
                 if place.start >= self._workspace.result_start}
        count = int(found['instance_count'][0])
        tallies = found['tallies'][:classes + count]
        label = np.concatenate([found['label_of'][:classes],
                                found['label_of'][INSTANCE:INSTANCE + count]])
        corners = [FAR - tallies['from_x0'], FAR - tallies['from_y0'], tallies['x1'],
                   tallies['y1']]
        sums = Tallies(tallies['area'].astype(np.int64),
                       np.stack([tallies['sum_x'], tallies['sum_y']], 1).astype(np.int64),
                       np.stack(corners, 1).astype(np.int32),
                       tallies['probability'].astype(np.int64))
        score = np.concatenate([np.ones(classes, np.float32), found['score'][:count]])
        confidence = found['confidence'].copy() if 'confidence' in found else None
        return Panoptic(found['labels'].copy(), sums.segments(label, score, self._label_space),
                        self._label_space, confidence)

    def close(self) -> None:
        """Release the memory, on the device and on the host."""
        for array in self._arrays():
            self._device.free(array)
        for pinned in (self._received, self.tasks):
            self._device.free(pinned)

    def _arrays(self) -> list[DeviceArray]:
        return [self._memory, self._device_tasks, self._is_thing, *self._axes.values()]

    def _describe(self, image: int) -> None:
        """Write what the memory, the size and the classes say of an image into its task."""
        task, space = self.tasks[image], self._label_space
        canvas = task['canvas']
        for name, place in self._workspace.images[image].items():
            owner = canvas if name in canvas.dtype.names else task
            owner[name] = self._memory.pointer + place.start
        canvas['is_thing'], canvas['classes'] = self._is_thing.pointer, len(space)
        canvas['height'], canvas['width'] = self.sizes[image]
        canvas['label_divisor'], canvas['max_instances'] = space.label_divisor, space.max_instances

    def _place(self, image: int, grid: Grid) -> None:
        """Write where the cells lie in an image into its task."""
        canvas, size = self.tasks[image]['canvas'], self.sizes[image]
        axes = self._axes[grid, size].pointer
        rows, columns = grid.cells
        for name, cells in (('row_start', rows), ('column_start', columns),
                            ('row_nearest', rows), ('column_nearest', columns)):
            canvas[name] = axes
            axes += 4 * (cells + 1)
        canvas['rows'], canvas['columns'] = rows, columns
        canvas['image_rows'], canvas['image_columns'] = grid.image_cells
        canvas['patch_height'], canvas['patch_width'] = (
            np.diff(axis.starts).max() for axis in Axis.both(grid, size))
        canvas['shift'] = grid.shift
        for axis, pixels, part in zip('yx', size, grid.part, strict=True):
            canvas[f'{axis}_step'] = cell_step(part, pixels, grid.stride)


def _contents(grid: Grid | None, classes: int, size: tuple[int, int], own: Own,
              confidence: bool, image: int) -> Contents:
    codes = INSTANCE + own.most_instances
    of_cells: Arrays = {} if grid is None else {
        'probability': (grid.cells, np.int32), 'patch_code': (grid.cells, np.uint16),
        'open_patches': (grid.cells, np.uint32)}
    return Contents(
        {**of_cells, 'class_of': ((codes,), np.uint16), **own.scratch[image]},
        {'open_count': ((1,), np.int32), **own.zeroed[image]},
        {'tallies': ((classes + own.most_instances,), TALLY)},
        {'instance_count': ((1,), np.int32), 'score': ((own.most_instances,), np.float32),
         'label_of': ((codes,), np.uint16), 'labels': (size, np.uint16),
         **({'confidence': (size, np.uint8)} if confidence else {})})


def _axes(grid: Grid, size: tuple[int, int]) -> npt.NDArray[np.int32]:
    """Return where patches start and cells become the nearest, (4 * cells + 4); see ``Canvas``."""
    axes = Axis.both(grid, size)
    return np.concatenate([*(axis.starts for axis in axes), *(axis.cell_starts for axis in axes)])
