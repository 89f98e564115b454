"""
The grouping on a GPU: the results of ``reference``, from device memory to device memory.

Four kernels (``kernels/*.cuh``) work on all images of a batch at once.  Most patches, the pixels
between the same four cells, are decided as a whole: where the cells agree on their class, and only
one centre can be the nearest to whatever the offsets point to.  The pixels of the others are
looked at one by one.  Whatever is summed is summed as integers, so that the result does not depend
on the order in which the device works.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ...labels import UNLABELED, LabelSpace
from ...panoptic import Panoptic
from ...segments.grid import Grid
from ...segments.tallies import Tallies
from ...segments.upsampling import Axis, cell_step
from .codes import INSTANCE
from .options import Options
from .task import FAR, TASK
from .workspace import Workspace

if TYPE_CHECKING:
    from ...device import Device, DeviceArray, Module

_SETTLED_CELLS = 40     # patches for each warp that settles the open ones, of which few are


@dataclass(frozen=True)
class DeviceHeads:
    """The heads of a batch in device memory, float32 or float16."""

    semantic: DeviceArray
    """[N, C, h, w] logits."""
    center: DeviceArray
    """[N, 1, h, w] heatmap."""
    offset: DeviceArray
    """[N, 2, h, w] as (dy, dx) in pixels of the network's input."""
    grid: Grid
    """Where the cells lie on the network's input."""


@dataclass(frozen=True)
class Cameras:
    """The images of a batch in device memory, where the network's input is made from them."""

    images: Sequence[DeviceArray]
    """uint8 (H, W, 3), BGR, each of its own size, one for each image of labels."""
    network_input: DeviceArray
    """uint8 [N, h, w, 3]."""


class CudaGrouping:
    """
    Groups a batch of heads, always the same device memory: made once for a stream of frames.

    Parameters
    ----------
    device
        The GPU, opened by this thread.
    kernels
        ``kernels/kernels.cu``, compiled for it.
    heads
        Where the network writes.
    label_space
        Its classes.
    sizes
        (height, width) of the label image of each image, at most as many as the heads' batch.
    options
        The thresholds.
    pictures
        Those of ``workspace.PICTURES`` that are wanted; an overlay needs cameras and colors.
    cameras
        The camera images, when the kernels are to make the network's input from them.
    colors
        (65536, 3) B, G, R of each label.
    warps
        Warps of a block, from 1 to 8.

    Raises
    ------
    DeviceError
        The device has not enough memory.

    """

    def __init__(self, device: Device, kernels: Module, heads: DeviceHeads,
                 label_space: LabelSpace, sizes: Sequence[tuple[int, int]],
                 options: Options, pictures: frozenset[str] = frozenset(),
                 cameras: Cameras | None = None, colors: npt.NDArray[np.uint8] | None = None,
                 warps: int = 8) -> None:
        self.sizes = tuple(sizes)
        self.pictures = pictures
        self.options, self.opacity = options, 0.5
        self.top_k = options.top_k
        """The largest that the memory serves."""
        self._device, self._kernels, self._heads = device, kernels, heads
        self._label_space, self._cameras, self._warps = label_space, cameras, warps
        rows, columns = heads.center.shape[2:]
        self._workspace = Workspace(sizes, (rows, columns), len(label_space), options.top_k,
                                    pictures)
        self._memory = device.empty((self._workspace.size,), np.uint8)
        self._summed = self._memory.part(self._workspace.zero_start, self._workspace.zero_end)
        self._results = self._memory.part(self._workspace.result_start, self._workspace.size)
        self._received = device.pinned((self._workspace.result_size,), np.uint8)
        self._tables = {'is_thing': device.put(label_space.is_thing.astype(np.uint8))}
        self._axes = {size: device.put(_axes(heads.grid, size)) for size in set(sizes)}
        if colors is not None:
            self._tables['colors'] = device.put(colors)
        self._host_tasks = device.pinned((len(sizes),), TASK)
        self._host_tasks[:] = [self._task(image) for image in range(len(sizes))]
        self._tasks = device.empty((len(sizes),), TASK)
        self._upload_tasks()

    @property
    def nbytes(self) -> int:
        """Bytes of device memory."""
        return sum(array.nbytes for array in (
            self._memory, *self._tables.values(), *self._axes.values()))

    def change_options(self, options: Options, opacity: float = 0.5) -> None:
        """
        Take other thresholds from the next frame on; captured graphs stay valid.

        Raises
        ------
        ValueError
            ``top_k`` is larger than the one that the memory was made for.

        """
        if options.top_k > self.top_k:
            raise ValueError(f'top_k is {options.top_k}: this grouping was made for at most '
                             f'{self.top_k}; make another')
        self.options, self.opacity = options, opacity
        self._upload_tasks()

    def enqueue_resize(self) -> None:
        """Make the network's input from the camera images; asynchronous, can be captured."""
        assert self._cameras is not None
        height, width = self._cameras.network_input.shape[1:3]
        self._launch('resize_images', (-(-width // 32), -(-height // 8)), (32, 8))

    def enqueue(self) -> None:
        """Group the heads; asynchronous, can be captured."""
        rows, columns = self._heads.center.shape[2:]
        head = 'float' if self._heads.center.dtype == np.float32 else 'half'
        warps = self._warps
        across, down, block = -(-columns // 32), -(-rows // warps), (32, warps)
        self._device.zero(self._summed)
        self._launch(f'read_heads_{head}', (across, down), block)
        self._launch(f'assign_patches_{head}', (across, down), block)
        self._launch(f'settle_pixels_{head}',
                     (-(-rows * columns // (warps * _SETTLED_CELLS)), 1), block)
        self._launch(f'paint_labels_{head}', (2 * across, down), block)
        if self.pictures:
            height, width = (max(size[axis] for size in self.sizes) for axis in (0, 1))
            self._launch('draw_pictures', (-(-width // 32), -(-height // warps)), block)

    def enqueue_download(self) -> None:
        """Bring the results to the host; asynchronous, can be captured."""
        self._device.download(self._results, self._received)

    def result(self, image: int, pictures: Mapping[str, npt.NDArray[np.generic]] | None = None
               ) -> Panoptic:
        """Return the result of one image, downloaded, once the device has been synchronised."""
        read = self._read
        count = int(read(image, 'center_count')[0])
        tallies = read(image, 'tallies')[:len(self._label_space) + count]
        label_of = read(image, 'label_of')
        label = np.concatenate([label_of[:len(self._label_space)],
                                label_of[INSTANCE:INSTANCE + count]])
        area = np.where(label == UNLABELED, 0, tallies['area'].astype(np.int64))
        corners = [FAR - tallies['from_x0'], FAR - tallies['from_y0'], tallies['x1'],
                   tallies['y1']]
        sums = Tallies(area,
                       np.stack([tallies['sum_x'], tallies['sum_y']], 1).astype(np.int64),
                       np.stack(corners, 1).astype(np.int32),
                       tallies['probability'].astype(np.int64))
        heat = np.concatenate([np.ones(len(self._label_space), np.float32),
                               read(image, 'heat')[:count]])
        confidence = self.picture(image, 'confidence') if 'confidence' in self.pictures else None
        return Panoptic(read(image, 'labels').copy(),
                        sums.segments(label, heat, self._label_space), self._label_space,
                        confidence, pictures or {})

    def picture(self, image: int, name: str) -> npt.NDArray[Any]:
        """Return one of the pictures that were asked for, in memory of its own."""
        return self._read(image, name).copy()

    def close(self) -> None:
        """Release the memory, on the device and on the host."""
        for array in (self._memory, self._tasks, *self._tables.values(), *self._axes.values()):
            self._device.free(array)
        for pinned in (self._received, self._host_tasks):
            self._device.free(pinned)

    def _read(self, image: int, name: str) -> npt.NDArray[Any]:
        return self._workspace.images[image][name].view(self._received,
                                                        self._workspace.result_start)

    def _launch(self, name: str, grid: tuple[int, int], block: tuple[int, int]) -> None:
        self._kernels.launch(name, (*grid, len(self.sizes)), (*block, 1), self._tasks)

    def _upload_tasks(self) -> None:
        tasks, options = self._host_tasks, self.options
        tasks['threshold'], tasks['radius'] = options.center_threshold, options.nms_kernel // 2
        tasks['top_k'], tasks['stuff_area'] = options.top_k, min(options.stuff_area, 2**31 - 1)
        tasks['opacity'] = self.opacity
        self._device.upload(self._tasks, tasks)
        self._device.synchronize()      # they may be changed again before the next frame

    def _task(self, image: int) -> npt.NDArray[Any]:
        task = np.zeros((), TASK)
        heads, size, space = self._heads, self.sizes[image], self._label_space
        for name in ('semantic', 'center', 'offset'):
            array: DeviceArray = getattr(heads, name)
            task[name] = array.pointer + image * (array.nbytes // array.shape[0])
        for name, place in self._workspace.images[image].items():
            task[name] = self._memory.pointer + place.start
        for name, table in self._tables.items():
            task[name] = table.pointer
        if self._cameras is not None:
            network = self._cameras.network_input
            task['camera'] = self._cameras.images[image].pointer
            task['network_input'] = network.pointer + image * (network.nbytes // network.shape[0])
        rows, columns = heads.center.shape[2:]
        task['classes'], task['rows'], task['columns'] = len(space), rows, columns
        task['height'], task['width'] = size
        task['step'] = 3 * size[1]
        grid = heads.grid
        axes = self._axes[size].pointer
        for name, cells in (('row_start', rows), ('column_start', columns),
                            ('row_nearest', rows), ('column_nearest', columns)):
            task[name] = axes
            axes += 4 * (cells + 1)
        task['patch_height'], task['patch_width'] = (
            np.diff(axis.starts).max() for axis in Axis.both(grid, size))
        task['input_height'], task['input_width'] = grid.input_size
        task['shift'] = grid.shift
        for axis, pixels, full in zip('yx', size, grid.input_size, strict=True):
            task[f'{axis}_step'] = cell_step(full, pixels, grid.stride)
            task[f'{axis}_scale'] = np.float32(pixels / full)
        task['label_divisor'], task['max_instances'] = space.label_divisor, space.max_instances
        return task


def _axes(grid: Grid, size: tuple[int, int]) -> npt.NDArray[np.int32]:
    """Return where patches start and cells become the nearest, (4 * cells + 4), see ``Task``."""
    axes = Axis.both(grid, size)
    return np.concatenate([*(axis.starts for axis in axes), *(axis.cell_starts for axis in axes)])
