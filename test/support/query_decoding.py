"""Decoding queries on any device, real or doubled."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from panoptic_ros.device import Device, Module
from panoptic_ros.families import masks
from panoptic_ros.families.masks.cuda import CudaDecoder, DeviceQueries
from panoptic_ros.families.masks.queries import Queries
from panoptic_ros.labels import LabelSpace
from panoptic_ros.panoptic import Panoptic


def bring(device: Device, batch: Sequence[Queries]) -> DeviceQueries:
    """Bring queries of one shape to a device."""
    classes, logits = ([getattr(queries, name) for queries in batch]
                       for name in ('classes', 'masks'))
    return DeviceQueries(device.put(np.stack(classes)), device.put(np.stack(logits)),
                         batch[0].input_size, [queries.part for queries in batch])


def decode_on(device: Device, kernels: Module) -> Callable[..., list[Panoptic]]:
    """Return a function that decodes queries of one shape on a device, and frees everything."""
    def decode(batch: Sequence[Queries], label_space: LabelSpace, sizes: Sequence[tuple[int, int]],
               options: masks.Options, warps: int = 4, confidence: bool = True
               ) -> list[Panoptic]:
        queries = bring(device, batch)
        work = CudaDecoder(device, kernels, queries, label_space, sizes, options, confidence)
        work.warps = warps
        work.enqueue()
        work.enqueue_download()
        device.synchronize()
        results = [work.result(image) for image in range(len(batch))]
        work.close()
        for array in (queries.classes, queries.masks):
            device.free(array)
        return results
    return decode
