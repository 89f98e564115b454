"""The whole path on a GPU, from images to labels, both in page-locked memory, and its parts."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from .. import grouping
from ..cuda_pipeline import CudaPipeline
from ..device import Device, DeviceArray, Module
from ..engine.protocol import DeviceEngine
from ..grouping import GroupingOptions
from ..grouping.cuda import Cameras, CudaGrouping, DeviceHeads
from ..panoptic import Panoptic
from .gpu_probes import forget, record
from .gpu_stopwatch import Side, Stopwatch
from .gpu_taps import DeviceTap

Images = Sequence[npt.NDArray[np.uint8]]


class DevicePath:
    """
    The work of one batch, in parts that can be enqueued and recorded alone.

    Parameters
    ----------
    device, engine, kernels
        The GPU, the network on it, and the kernels of ``grouping``.
    images
        uint8 (H, W, 3), BGR, one of each camera; all of one size.

    Raises
    ------
    DeviceError
        The device has not enough memory.

    """

    def __init__(self, device: Device, engine: DeviceEngine, kernels: Module,
                 images: Images) -> None:
        self._device, self._engine, self._count = device, engine, len(images)
        self._tap = DeviceTap(device)
        size = images[0].shape[0], images[0].shape[1]
        self._resizes = size != engine.metadata.input_size
        self._owned = (device.empty((len(images), *size, 3), np.uint8) if self._resizes
                       else None)
        self._target = self._owned or engine.image.part(0, len(images))
        self._pinned = device.pinned(self._target.shape, np.uint8)
        self._pinned[:] = images
        self._options = GroupingOptions(**engine.metadata.grouping)
        self._grouping = CudaGrouping(
            cast('Device', self._tap), kernels,
            DeviceHeads(engine.semantic, engine.center, engine.offset, engine.metadata.grid),
            engine.metadata.label_space, [size] * len(images), self._options,
            cameras=Cameras([self._target[n] for n in range(len(images))], engine.image))

    def run(self) -> list[Panoptic]:
        """Run once without a graph, which everything to be recorded needs; return the results."""
        self.whole()
        self._device.synchronize()
        return [self._grouping.result(image) for image in range(self._count)]

    def upload(self) -> None:
        """Bring the images to the device."""
        self._device.upload(self._target, self._pinned)

    def network(self) -> None:
        """Run the network on what stands in its input."""
        self._engine.enqueue(self._count)

    def group(self) -> None:
        """Make the network's input from the camera images, and group; without any copy."""
        self._tap.downloads = False
        if self._resizes:
            self._grouping.enqueue_resize()
        self._grouping.enqueue()
        self._tap.downloads = True

    def download(self) -> None:
        """Bring labels and tables to the host."""
        self._tap.repeat_download()

    def whole(self) -> None:
        """Do all of it, in the order of a frame."""
        self.upload()
        if self._resizes:
            self._grouping.enqueue_resize()
        self.network()
        self._grouping.enqueue()

    def copies(self) -> None:
        """Do nothing but the two copies."""
        self.upload()
        self.download()

    def differing(self, results: Sequence[Panoptic]) -> int:
        """Return in how many pixels results differ from the reference, on the same heads."""
        arrays = [self._fetch(a) for a in (
            self._engine.semantic, self._engine.center, self._engine.offset)]
        pixels = 0
        for image, result in enumerate(results):
            semantic, center, offset = (a[image] for a in arrays)
            heads = self._engine.metadata.heads(semantic, center[0], offset)
            size = result.labels.shape[0], result.labels.shape[1]
            reference = grouping.group(heads, self._engine.metadata.label_space, size,
                                       'reference', self._options)
            pixels += int((result.labels != reference.labels).sum())
        return pixels

    def close(self) -> None:
        """Release the memory."""
        self._grouping.close()
        self._device.free(self._pinned)
        if self._owned is not None:
            self._owned.free()

    def _fetch(self, array: DeviceArray) -> npt.NDArray[Any]:
        values = np.empty(array.shape, array.dtype)
        self._device.download(array, values)
        self._device.synchronize()
        return values


def measure_path(device: Device, engine: DeviceEngine, kernels: Module, stopwatch: Stopwatch,
                 image: npt.NDArray[np.uint8], rounds: int) -> dict[str, Any]:
    """
    Measure one camera's whole path beside its parts, with and without a graph.

    Raises
    ------
    DeviceError
        The GPU fails.

    """
    path = DevicePath(device, engine, kernels, [image])
    results = path.run()
    parts = {'whole': path.whole, 'engine': path.network, 'grouping': path.group,
             'copies': path.copies, 'upload': path.upload, 'download': path.download}
    graphs = {name: record(device, enqueue) for name, enqueue in parts.items()}
    times = stopwatch.medians({name: graph.launch for name, graph in graphs.items()}, rounds)
    differing = path.differing(path.run())
    unheld = stopwatch.medians({'graph': graphs['whole'].launch, 'anew': path.whole}, rounds,
                               held=False)
    forget(device, *graphs.values())
    path.close()
    frame = _frame_times(device, engine, kernels, image, rounds, stopwatch.warm_up)
    beside = times['engine'] + times['copies']
    return {
        'camera': list(image.shape[:2]), 'heads': str(engine.semantic.dtype),
        'found_instances': len(results[0].things), 'pixels_differing': differing, 'ms': times,
        'over_engine_and_copies': times['whole'] / beside - 1,
        'graph': {'device_ms': unheld, 'frame_ms': frame,
                  'device_ratio': unheld['anew'] / unheld['graph'],
                  'frame_ratio': frame['anew'] / frame['graph']}}


def measure_cameras(device: Device, engine: DeviceEngine, kernels: Module, stopwatch: Stopwatch,
                    images: Images, counts: Sequence[int], rounds: int) -> list[dict[str, Any]]:
    """
    Measure batches of cameras; those larger than the engine's are named and left out.

    Raises
    ------
    DeviceError
        The GPU fails.

    """
    rows: list[dict[str, Any]] = []
    paths, sides = [], {}
    for count in counts:
        if count > engine.batch:
            rows.append({'cameras': count, 'not_measured': f'the engine takes {engine.batch} '
                                                           'images at most'})
            continue
        path = DevicePath(device, engine, kernels, [images[n % len(images)]
                                                    for n in range(count)])
        path.run()
        paths.append((count, path))
        for name, enqueue in (('whole', path.whole), ('engine', path.network)):
            sides[count, name] = record(device, enqueue)
    launches: dict[str, Side] = {f'{n} {name}': graph.launch
                                 for (n, name), graph in sides.items()}
    times = stopwatch.medians(launches, rounds)
    forget(device, *sides.values())
    for count, path in paths:
        path.close()
        whole = times[f'{count} whole']
        rows.append({'cameras': count, 'batch_ms': whole, 'camera_ms': whole / count,
                     'engine_ms': times[f'{count} engine'],
                     'frames_per_second': 1e3 * count / whole})
    return sorted(rows, key=lambda row: int(row['cameras']))


def _frame_times(device: Device, engine: DeviceEngine, kernels: Module,
                 image: npt.NDArray[np.uint8], rounds: int, warm_up: int) -> dict[str, float]:
    """Return the host's milliseconds from an image in any memory to its ``Panoptic``."""
    options = GroupingOptions(**engine.metadata.grouping)
    pipelines = {'graph': CudaPipeline(device, engine, kernels, graph=True),
                 'anew': CudaPipeline(device, engine, kernels, graph=False)}
    times: dict[str, list[float]] = {name: [] for name in pipelines}
    for number in range(-warm_up, rounds):
        for name, pipeline in pipelines.items():
            start = perf_counter()
            pipeline([image], options, frozenset(), 0.5)
            if number >= 0:
                times[name].append(1e3 * (perf_counter() - start))
    return {name: float(np.median(values)) for name, values in times.items()}
