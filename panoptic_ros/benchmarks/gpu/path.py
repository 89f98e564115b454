"""The whole path on a GPU from images to labels, both in page-locked memory, and its parts."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ...device import Device, DeviceArray, Module
from ...engine.protocol import DeviceEngine
from ...pipelines.contract import family_of, recommended
from ...pipelines.cuda import CudaPipeline
from ...pipelines.cuda_batch import Batch
from .drawn import Drawn
from .probes import forget, record
from .stopwatch import Side, Stopwatch

Images = Sequence[npt.NDArray[np.uint8]]


class PathBench(NamedTuple):
    """
    The network on the GPU and the stopwatch that measures it.

    Measuring raises DeviceError if the GPU fails.
    """

    device: Device
    engine: DeviceEngine
    kernels: Module
    """The kernels of the model's family."""
    stopwatch: Stopwatch
    rounds: int

    def path(self, image: npt.NDArray[np.uint8]) -> dict[str, Any]:
        """Measure one camera's whole path beside its parts, with and without a graph."""
        batch = self._filled([image])
        parts = {'whole': [batch.enqueue], 'engine': [batch.infer],
                 'decoder': [batch.resize, batch.decode],
                 'copies': [batch.upload, batch.download],
                 'upload': [batch.upload], 'download': [batch.download]}
        graphs = {name: record(self.device, *enqueue) for name, enqueue in parts.items()}
        times = self.stopwatch.medians({name: graph.launch for name, graph in graphs.items()},
                                       self.rounds)
        batch.run(with_graph=False)
        outputs = {name: self._fetch(array) for name, array in self.engine.outputs.items()}
        metadata = self.engine.metadata
        result, = batch.results()
        reference = Drawn(metadata, outputs).reference(recommended(metadata), image.shape[:2])
        forget(self.device, *graphs.values())
        batch.close()
        beside = times['engine'] + times['copies']
        return {
            'camera': list(image.shape[:2]), 'outputs': str(next(iter(outputs.values())).dtype),
            'found_instances': len(result.things), 'ms': times,
            'pixels_differing': int((result.labels != reference).sum()),
            'over_engine_and_copies': times['whole'] / beside - 1,
            'frame_ms': self._frame_times(image)}

    def cameras(self, images: Images, counts: Sequence[int]) -> list[dict[str, Any]]:
        """Measure batches of cameras; one too large for the engine is reported, not measured."""
        most = self.engine.batch
        rows: list[dict[str, Any]] = [
            {'cameras': count, 'not_measured': f'the engine takes {most} images at most'}
            for count in counts if count > most]
        batches = {count: self._filled(images[:count]) for count in counts if count <= most}
        graphs = {(count, name): record(self.device, enqueue)
                  for count, batch in batches.items()
                  for name, enqueue in (('whole', batch.enqueue), ('engine', batch.infer))}
        sides: dict[str, Side] = {f'{n} {name}': graph.launch
                                  for (n, name), graph in graphs.items()}
        times = self.stopwatch.medians(sides, self.rounds)
        forget(self.device, *graphs.values())
        for count, batch in batches.items():
            batch.close()
            whole = times[f'{count} whole']
            rows.append({'cameras': count, 'batch_ms': whole, 'camera_ms': whole / count,
                         'engine_ms': times[f'{count} engine'],
                         'frames_per_second': 1e3 * count / whole})
        return sorted(rows, key=lambda row: int(row['cameras']))

    def _filled(self, images: Images) -> Batch:
        """Return a batch that was run once without a graph, which must precede recording."""
        metadata = self.engine.metadata
        batch = Batch(self.device, self.engine, self.kernels, family_of(metadata),
                      [(image.shape[0], image.shape[1]) for image in images],
                      recommended(metadata))
        batch.fill(images)
        batch.run(with_graph=False)
        return batch

    def _fetch(self, array: DeviceArray) -> npt.NDArray[Any]:
        values = np.empty(array.shape, array.dtype)
        self.device.download(array, values)
        self.device.synchronize()
        return values

    def _frame_times(self, image: npt.NDArray[np.uint8]) -> dict[str, float]:
        """Return the host's milliseconds from an image in any memory to its ``Panoptic``."""
        options = recommended(self.engine.metadata)
        pipelines = {name: CudaPipeline(self.device, self.engine, self.kernels, graph=graph)
                     for name, graph in (('graph', True), ('anew', False))}
        times: dict[str, list[float]] = {name: [] for name in pipelines}
        for number in range(-self.stopwatch.warm_up, self.rounds):
            for name, pipeline in pipelines.items():
                start = perf_counter()
                pipeline([image], options, False)
                if number >= 0:
                    times[name].append(1e3 * (perf_counter() - start))
        for pipeline in pipelines.values():
            pipeline.forget_sizes()
        return {name: float(np.median(values)) for name, values in times.items()}
