"""From camera images to panoptic results on a GPU: one upload, one graph, one download."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, suppress
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from ..device import Device, DeviceError, Module
from ..engine.protocol import DeviceEngine
from ..panoptic import Panoptic
from .contract import family_of
from .cuda_batch import Batch
from .protocol import Segmented

_KEPT_SHARE = 8         # batches may keep this part of the GPU's memory: one eighth


class CudaPipeline:
    """
    Keeps everything between a camera's bytes and its labels on the GPU; see ``Pipeline``.

    The first frame of a size allocates memory, and the second one records the work as a CUDA
    graph.  From then on a frame costs a copy into page-locked memory, the launch of the graph, and
    the copy of its labels out.  Images that come together share one batch, so each combination of
    sizes has memory and a graph of its own.  These are kept until they fill an eighth of the GPU's
    memory.  All calls come from the thread that opened the device.

    Parameters
    ----------
    device
        The GPU; the pipeline closes it.
    engine
        The network on it.
    kernels
        The kernels of the model's family, compiled for the GPU.
    graph
        Whether to record graphs; without a graph, each frame enqueues its work anew.

    Raises
    ------
    ModelError
        The model's family is unknown.

    """

    stages = ('upload', 'network', 'grouping', 'download')
    """
    The stages of a call, in order.

    ``upload`` is the copy into page-locked memory, the launch, and the copy to the GPU.
    ``network`` includes the resize.  ``grouping`` includes the copy of the labels to the host.
    ``download`` is the making of the results.
    """

    def __init__(self, device: Device, engine: DeviceEngine, kernels: Module,
                 graph: bool = True) -> None:
        self._device, self._engine, self._kernels = device, engine, kernels
        self._with_graph = graph
        self._batches: dict[tuple[Any, ...], Batch] = {}     # the last used one last
        self.metadata = engine.metadata
        self.family = family_of(engine.metadata)
        self.description, self.reason = engine.description, ''
        self.batch = engine.batch
        self.about: dict[str, str] = {'GPU': device.name}
        self._most_bytes = device.memory()[1] // _KEPT_SHARE

    def __call__(self, images: Sequence[npt.NDArray[np.uint8]], options: Any,
                 confidence: bool) -> Segmented:
        """Segment images, as many at a time as the engine takes; see ``Pipeline``."""
        found = Segmented([], dict.fromkeys(self.stages, 0.0))
        for first in range(0, len(images), self.batch):
            together = images[first:first + self.batch]
            found.panoptics.extend(self._segment(together, options, confidence, found.seconds))
        return found

    def warm_up(self) -> None:
        """Run the network once with each number of images, so that it can prepare for each."""
        for count in range(1, self.batch + 1):
            self._engine.enqueue(count)
        self._device.synchronize()

    def memory(self) -> tuple[int, int]:
        """Return the free and total bytes of the GPU's memory."""
        return self._device.memory()

    def close(self) -> None:
        """Release the network, the memory and the device."""
        with ExitStack() as last_first:
            last_first.callback(self._device.close)
            last_first.callback(self._engine.close)
            if not self._device.lost:       # graphs are released before the engine they recorded
                with suppress(DeviceError):
                    self.forget_sizes()

    def forget_sizes(self) -> None:
        """Release the memory and the graphs of all sizes of images."""
        while self._batches:
            self._batches.popitem()[1].close()

    def _segment(self, images: Sequence[npt.NDArray[np.uint8]], options: Any, confidence: bool,
                 seconds: dict[str, float]) -> list[Panoptic]:
        start = perf_counter()
        # Images are sorted by size, so the order of the cameras does not matter.
        order = sorted(range(len(images)), key=lambda index: images[index].shape)
        batch = self._batch_for([images[index].shape[:2] for index in order], options, confidence)
        batch.change_options(options)
        batch.fill([images[index] for index in order])
        batch.run(self._with_graph)
        computed = perf_counter()
        found = dict(zip(order, batch.results(), strict=True))
        results = [found[index] for index in range(len(images))]
        network, decoder = batch.seconds()
        lasted = (computed - start - network - decoder, network, decoder,
                  perf_counter() - computed)
        for stage, each in zip(self.stages, lasted, strict=True):
            seconds[stage] += each
        return results

    def _batch_for(self, sizes: Sequence[tuple[int, ...]], options: Any,
                   confidence: bool) -> Batch:
        key = (*sizes, confidence)
        batch = self._batches.pop(key, None)
        if batch is not None and not batch.serves(options):
            batch.close()
            batch = None
        if batch is None:
            while self._batches and self._kept_bytes() > self._most_bytes:
                self._batches.pop(next(iter(self._batches))).close()
            try:
                batch = self._make(sizes, options, confidence)
            except DeviceError as error:
                if error.sticky or not self._batches:
                    raise
                self.forget_sizes()         # without the other batches this one may fit
                batch = self._make(sizes, options, confidence)
        self._batches[key] = batch
        return batch

    def _kept_bytes(self) -> int:
        return sum(batch.nbytes for batch in self._batches.values())

    def _make(self, sizes: Sequence[tuple[int, ...]], options: Any, confidence: bool) -> Batch:
        with self._device.all_or_nothing():
            return Batch(self._device, self._engine, self._kernels, self.family,
                         [(height, width) for height, width in sizes], options, confidence)
