"""Decoding detections on any device, real or doubled."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from panoptic_ros.device import Device, Module
from panoptic_ros.families import fpn
from panoptic_ros.families.fpn.cuda import CudaDecoder, DeviceDetections
from panoptic_ros.families.fpn.cuda_once import with_a_row
from panoptic_ros.families.fpn.detections import NAMES, Detections
from panoptic_ros.labels import LabelSpace
from panoptic_ros.panoptic import Panoptic


def bring(device: Device, batch: Sequence[Detections]) -> DeviceDetections:
    """Bring detections of one shape to a device."""
    batch = [with_a_row(detections) for detections in batch]
    arrays = (device.put(np.stack([getattr(detections, name) for detections in batch]))
              for name in NAMES)
    return DeviceDetections(*arrays, batch[0].input_size,
                            [detections.part for detections in batch])


def decode_on(device: Device, kernels: Module) -> Callable[..., list[Panoptic]]:
    """Return a function that decodes detections of one shape on a device, and frees everything."""
    def decode(batch: Sequence[Detections], label_space: LabelSpace,
               sizes: Sequence[tuple[int, int]], options: fpn.Options, warps: int = 8,
               confidence: bool = True) -> list[Panoptic]:
        detections = bring(device, batch)
        work = CudaDecoder(device, kernels, detections, label_space, sizes, options, confidence)
        work.warps = warps
        work.enqueue()
        work.enqueue_download()
        device.synchronize()
        results = [work.result(image) for image in range(len(batch))]
        work.close()
        for name in NAMES:
            device.free(getattr(detections, name))
        return results
    return decode
