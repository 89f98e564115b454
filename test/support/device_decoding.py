"""Decoding heads on any device, real or doubled."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from panoptic_ros.device import Device, Module
from panoptic_ros.families import deeplab
from panoptic_ros.families.deeplab.cuda import CudaDecoder, DeviceHeads
from panoptic_ros.families.deeplab.heads import Heads
from panoptic_ros.labels import LabelSpace
from panoptic_ros.panoptic import Panoptic


def bring(device: Device, batch: Sequence[Heads]) -> DeviceHeads:
    """Bring heads of one shape to a device."""
    arrays = ([heads.semantic for heads in batch], [heads.center[None] for heads in batch],
              [heads.offset for heads in batch])
    return DeviceHeads(*(device.put(np.stack(each)) for each in arrays),
                       [heads.grid for heads in batch])


def decode_on(device: Device, kernels: Module) -> Callable[..., list[Panoptic]]:
    """Return a function that decodes heads of one shape on a device, and frees everything."""
    def decode(batch: Sequence[Heads], label_space: LabelSpace, sizes: Sequence[tuple[int, int]],
               options: deeplab.Options, warps: int = 8, confidence: bool = True
               ) -> list[Panoptic]:
        heads = bring(device, batch)
        work = CudaDecoder(device, kernels, heads, label_space, sizes, options, confidence)
        work.warps = warps
        work.enqueue()
        work.enqueue_download()
        device.synchronize()
        results = [work.result(image) for image in range(len(batch))]
        work.close()
        for array in (heads.semantic, heads.center, heads.offset):
            device.free(array)
        return results
    return decode
