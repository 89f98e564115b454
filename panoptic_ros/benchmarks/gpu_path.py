"""The whole path on a GPU, from images to labels, both in page-locked memory, and its parts."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from ..device import Device, DeviceArray, Module
from ..engine.protocol import DeviceEngine
from ..families import deeplab
from ..panoptic import Panoptic
from ..pipelines.cuda import CudaPipeline
from ..pipelines.cuda_batch import Batch
from .gpu_probes import forget, record
from .gpu_stopwatch import Side, Stopwatch

Images = Sequence[npt.NDArray[np.uint8]]


def measure_path(device: Device, engine: DeviceEngine, kernels: Module, stopwatch: Stopwatch,
                 image: npt.NDArray[np.uint8], rounds: int) -> dict[str, Any]:
    """
    Measure one camera's whole path beside its parts, with and without a graph.

    Raises
    ------
    DeviceError
        The GPU fails.

    """
    batch = _filled(device, engine, kernels, [image])
    result, = batch.results()
    parts = {'whole': [batch.enqueue], 'engine': [batch.infer],
             'grouping': [batch.resize, batch.group],
             'copies': [batch.upload, batch.download],
             'upload': [batch.upload], 'download': [batch.download]}
    graphs = {name: record(device, *enqueue) for name, enqueue in parts.items()}
    times = stopwatch.medians({name: graph.launch for name, graph in graphs.items()}, rounds)
    batch.run(with_graph=False)
    differing = _differing_pixels(device, engine, batch.results())
    unheld = stopwatch.medians({'graph': graphs['whole'].launch, 'anew': batch.enqueue}, rounds,
                               held=False)
    forget(device, *graphs.values())
    batch.close()
    frame = _frame_times(device, engine, kernels, image, rounds, stopwatch.warm_up)
    beside = times['engine'] + times['copies']
    return {
        'camera': list(image.shape[:2]), 'heads': str(engine.semantic.dtype),
        'found_instances': len(result.things), 'pixels_differing': differing, 'ms': times,
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
    batches, sides = [], {}
    for count in counts:
        if count > engine.batch:
            rows.append({'cameras': count, 'not_measured': f'the engine takes {engine.batch} '
                                                           'images at most'})
            continue
        batch = _filled(device, engine, kernels, [images[n % len(images)]
                                                  for n in range(count)])
        batches.append((count, batch))
        for name, enqueue in (('whole', batch.enqueue), ('engine', batch.infer)):
            sides[count, name] = record(device, enqueue)
    launches: dict[str, Side] = {f'{n} {name}': graph.launch
                                 for (n, name), graph in sides.items()}
    times = stopwatch.medians(launches, rounds)
    forget(device, *sides.values())
    for count, batch in batches:
        batch.close()
        whole = times[f'{count} whole']
        rows.append({'cameras': count, 'batch_ms': whole, 'camera_ms': whole / count,
                     'engine_ms': times[f'{count} engine'],
                     'frames_per_second': 1e3 * count / whole})
    return sorted(rows, key=lambda row: int(row['cameras']))


def _filled(device: Device, engine: DeviceEngine, kernels: Module, images: Images) -> Batch:
    """Return the work on images, done once without a graph: what is recorded needs that."""
    batch = Batch(device, engine, kernels, [(image.shape[0], image.shape[1]) for image in images],
                  deeplab.Options(**engine.metadata.grouping))
    batch.fill(images)
    batch.run(with_graph=False)
    return batch


def _differing_pixels(device: Device, engine: DeviceEngine, results: Sequence[Panoptic]) -> int:
    """Return in how many pixels results differ from the reference, on the heads of the engine."""
    def fetch(array: DeviceArray) -> npt.NDArray[Any]:
        values = np.empty(array.shape, array.dtype)
        device.download(array, values)
        device.synchronize()
        return values

    arrays = [fetch(array) for array in (engine.semantic, engine.center, engine.offset)]
    pixels = 0
    for image, result in enumerate(results):
        semantic, center, offset = (array[image] for array in arrays)
        heads = engine.metadata.heads(semantic, center[0], offset)
        size = result.labels.shape[0], result.labels.shape[1]
        reference = deeplab.decode(heads, engine.metadata.label_space, size, 'reference',
                                   deeplab.Options(**engine.metadata.grouping))
        pixels += int((result.labels != reference.labels).sum())
    return pixels


def _frame_times(device: Device, engine: DeviceEngine, kernels: Module,
                 image: npt.NDArray[np.uint8], rounds: int, warm_up: int) -> dict[str, float]:
    """Return the host's milliseconds from an image in any memory to its ``Panoptic``."""
    options = deeplab.Options(**engine.metadata.grouping)
    pipelines = {'graph': CudaPipeline(device, engine, kernels, graph=True),
                 'anew': CudaPipeline(device, engine, kernels, graph=False)}
    times: dict[str, list[float]] = {name: [] for name in pipelines}
    for number in range(-warm_up, rounds):
        for name, pipeline in pipelines.items():
            start = perf_counter()
            pipeline([image], options, frozenset(), 0.5)
            if number >= 0:
                times[name].append(1e3 * (perf_counter() - start))
    for pipeline in pipelines.values():
        pipeline.forget_sizes()
    return {name: float(np.median(values)) for name, values in times.items()}
