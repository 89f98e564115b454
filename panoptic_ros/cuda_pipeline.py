"""From camera images to panoptic results on a GPU: one upload, one graph, one download."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from . import overlay
from .device import Device, DeviceError, Graph, Module
from .engine.protocol import DeviceEngine
from .grouping import GroupingOptions
from .grouping.cuda import Cameras, CudaGrouping, DeviceHeads
from .panoptic import Panoptic

_PICTURES = {'confidence': 'confidence', 'semantic': 'semantic_image',
             'instance': 'instance_image', 'overlay': 'overlay'}
_KEPT_SHARE = 8         # one part in so many of the GPU's memory
_LOG = logging.getLogger(__name__)


class CudaPipeline:
    """
    Keeps everything between the camera's bytes and the labels in the memory of the GPU.

    What a frame needs is allocated, and its work recorded as a CUDA graph, for the first frames of
    its size; from then on a frame costs a copy into page-locked memory, the launch of the graph,
    and the copy of its labels out.  So it is for each combination of cameras that come together,
    kept until they fill an eighth of the GPU's memory.  All calls come from the thread that opened
    the device.

    Parameters
    ----------
    device
        The GPU; the pipeline closes it.
    engine
        The network on it.
    kernels
        The kernels of ``grouping``, compiled for it.
    graph
        Whether to record a graph; without, each frame enqueues its work anew.

    """

    stages = ('upload', 'network', 'grouping', 'download')
    """To page-locked memory, launch and copy to the GPU; resize and network; grouping and copy of
    the labels; making of the results."""

    def __init__(self, device: Device, engine: DeviceEngine, kernels: Module,
                 graph: bool = True) -> None:
        self._device, self._engine, self._kernels = device, engine, kernels
        self._with_graph = graph
        self._batches: dict[tuple[Any, ...], _Batch] = {}     # the last used one last
        self.metadata = engine.metadata
        self.description = engine.description
        self.batch = engine.batch
        self.about: dict[str, str] = {'GPU': device.name}
        self._most_bytes = device.memory()[1] // _KEPT_SHARE

    def __call__(self, images: Sequence[npt.NDArray[np.uint8]], options: GroupingOptions,
                 pictures: frozenset[str], opacity: float,
                 times: dict[str, float] | None = None) -> list[Panoptic]:
        """
        Segment images, as many at a time as the engine takes; see ``Segmenter``.

        Raises
        ------
        DeviceError
            The GPU fails or has not enough memory; after a ``sticky`` one only ``close`` works.

        """
        results: list[Panoptic] = []
        for first in range(0, len(images), self._engine.batch):
            results += self._segment(images[first:first + self._engine.batch], options, pictures,
                                     opacity, times)
        return results

    def warm_up(self) -> None:
        """Let the network run once with each number of images, for which it may prepare."""
        for count in range(1, self.batch + 1):
            self._engine.enqueue(count)
        self._device.synchronize()

    def memory(self) -> tuple[int, int]:
        """Return the free and total bytes of the GPU's memory."""
        return self._device.memory()

    def close(self) -> None:
        """Release the network, the memory and the device."""
        self._batches.clear()
        try:
            self._engine.close()
        finally:
            self._device.close()

    def _segment(self, images: Sequence[npt.NDArray[np.uint8]], options: GroupingOptions,
                 pictures: frozenset[str], opacity: float,
                 times: dict[str, float] | None) -> list[Panoptic]:
        start = perf_counter()
        # by size, so that it does not matter in which order cameras come
        order = sorted(range(len(images)), key=lambda index: images[index].shape)
        batch = self._batch_for([images[index].shape[:2] for index in order], options, pictures)
        batch.change_options(options, opacity)
        batch.fill([images[index] for index in order])
        batch.run(self._with_graph)
        computed = perf_counter()
        found = dict(zip(order, batch.results(), strict=True))
        results = [found[index] for index in range(len(images))]
        if times is not None:
            network, grouping = batch.seconds()
            upload = computed - start - network - grouping
            for stage, seconds in zip(self.stages, (upload, network, grouping,
                                                    perf_counter() - computed), strict=True):
                times[stage] = times.get(stage, 0.0) + seconds
        return results

    def _batch_for(self, sizes: Sequence[tuple[int, ...]], options: GroupingOptions,
                   pictures: frozenset[str]) -> _Batch:
        key = (*sizes, pictures)
        batch = self._batches.pop(key, None)
        if batch is not None and options.top_k > batch.top_k:
            batch.close()
            batch = None
        if batch is None:
            while self._batches and self._kept_bytes() > self._most_bytes:
                self._batches.pop(next(iter(self._batches))).close()
            try:
                batch = self._make(sizes, options, pictures)
            except DeviceError as error:
                if error.sticky or not self._batches:
                    raise
                while self._batches:        # it may fit without the others
                    self._batches.popitem()[1].close()
                batch = self._make(sizes, options, pictures)
        self._batches[key] = batch
        return batch

    def _kept_bytes(self) -> int:
        return sum(batch.nbytes for batch in self._batches.values())

    def _make(self, sizes: Sequence[tuple[int, ...]], options: GroupingOptions,
              pictures: frozenset[str]) -> _Batch:
        with self._device.all_or_nothing():
            return _Batch(self._device, self._engine, self._kernels,
                          [(height, width) for height, width in sizes], options, pictures)


class _Batch:
    """Memory and recorded work for images of certain sizes."""

    def __init__(self, device: Device, engine: DeviceEngine, kernels: Module,
                 sizes: Sequence[tuple[int, int]], options: GroupingOptions,
                 pictures: frozenset[str]) -> None:
        self._device, self._engine = device, engine
        self._sizes, self._pictures = tuple(sizes), pictures
        self._graph: Graph | None = None
        self._ran, self._recordable = False, True
        count = len(sizes)
        # images of the network's own size are its input as they are
        self._resizes = any(size != engine.metadata.input_size for size in sizes)
        ends = np.cumsum([3 * height * width for height, width in sizes]).tolist()
        starts = [0, *ends[:-1]]
        self._owned = device.empty((ends[-1],), np.uint8) if self._resizes else None
        if self._owned is not None:
            self._upload = self._owned
            cameras = [self._owned.part(*span) for span in zip(starts, ends, strict=True)]
        else:
            self._upload = engine.image.part(0, count)
            cameras = [engine.image[image] for image in range(count)]
        self._pinned = device.pinned(self._upload.shape, np.uint8)
        flat = self._pinned.reshape(-1)
        self._pixels = [flat[start:end].reshape(*size, 3)
                        for start, end, size in zip(starts, ends, sizes, strict=True)]
        heads = DeviceHeads(engine.semantic, engine.center, engine.offset, engine.metadata.grid)
        space = engine.metadata.label_space
        self._grouping = CudaGrouping(
            device, kernels, heads, space, sizes, options,
            frozenset(_PICTURES[name] for name in pictures), Cameras(cameras, engine.image),
            overlay.label_colors(space) if 'overlay' in pictures else None)
        self._moments = [device.event() for _ in range(3)]
        """After the upload, the network and the grouping."""

    @property
    def top_k(self) -> int:
        return self._grouping.top_k

    @property
    def nbytes(self) -> int:
        return self._grouping.nbytes + (self._owned.nbytes if self._owned else 0)

    def change_options(self, options: GroupingOptions, opacity: float) -> None:
        if (options, opacity) != (self._grouping.options, self._grouping.opacity):
            self._grouping.change_options(options, opacity)

    def fill(self, images: Sequence[npt.NDArray[np.uint8]]) -> None:
        for pixels, image in zip(self._pixels, images, strict=True):
            np.copyto(pixels, image)

    def run(self, with_graph: bool) -> None:
        """Do all that is done on the device, and wait for it."""
        if self._graph is not None:
            self._graph.launch()
        elif with_graph and self._ran and self._recordable:
            self._record()
        else:                   # the first run lets TensorRT set up what cannot be recorded
            self._enqueue()
            self._ran = True
        self._device.synchronize()

    def seconds(self) -> tuple[float, float]:
        """Return how long network and grouping took in the last run."""
        uploaded, inferred, grouped = self._moments
        return (1e-3 * inferred.elapsed_since(uploaded),
                1e-3 * grouped.elapsed_since(inferred))

    def results(self) -> list[Panoptic]:
        found = []
        for image in range(len(self._sizes)):
            pictures = {name: self._grouping.picture(image, _PICTURES[name])
                        for name in self._pictures - {'confidence'}}
            found.append(self._grouping.result(image, pictures))
        return found

    def close(self) -> None:
        if self._graph is not None:
            self._graph.close()
            self._device.disown(self._graph)
        for moment in self._moments:
            moment.close()
            self._device.disown(moment)
        self._grouping.close()
        self._device.free(self._pinned)
        if self._owned is not None:
            self._owned.free()

    def _record(self) -> None:
        try:
            with self._device.capture() as graph:
                self._enqueue()
        except DeviceError as error:
            if error.sticky:
                raise
            _LOG.warning('no CUDA graph: %s; each frame is enqueued anew', error)
            self._recordable = False
            self._enqueue()
            return
        self._graph = graph
        graph.launch()

    def _enqueue(self) -> None:
        uploaded, inferred, grouped = self._moments
        self._device.upload(self._upload, self._pinned)
        uploaded.record()
        if self._resizes:
            self._grouping.enqueue_resize()
        self._engine.enqueue(len(self._sizes))
        inferred.record()
        self._grouping.enqueue()
        grouped.record()
