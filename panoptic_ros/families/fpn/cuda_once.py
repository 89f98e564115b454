"""The decoding of one image's detections on a GPU; they come from the host."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from ...device import Device, compile_kernels
from ...labels import LabelSpace
from ...panoptic import Panoptic
from ...segments.kernel_sources import SHARED
from .cuda import CudaDecoder, DeviceDetections
from .detections import Detections
from .kernel_sources import KERNELS
from .options import Options


def decode(detections: Detections, label_space: LabelSpace, size: tuple[int, int],
           options: Options, confidence: bool) -> Panoptic:
    """Open a GPU and decode detections as ``reference`` does; see ``fpn.decode``."""
    detections = with_a_row(detections)
    outputs = (detections.semantic, detections.boxes, detections.scores, detections.masks)
    kind = np.result_type(*outputs)         # the kernels take one type for all
    device = Device.open()
    try:
        kernels = device.load(_compiled(device.target))
        semantic, boxes, scores, masks = (device.put(array[None].astype(kind, copy=False))
                                          for array in outputs)
        on_device = DeviceDetections(semantic, boxes, scores, device.put(detections.classes[None]),
                                     masks, detections.input_size, [detections.part])
        work = CudaDecoder(device, kernels, on_device, label_space, [size], options, confidence)
        work.enqueue()
        work.enqueue_download()
        device.synchronize()
        return work.result(0)
    finally:
        device.close()


def with_a_row(detections: Detections) -> Detections:
    """Return detections with an empty row if there are none: no device holds an empty array."""
    if len(detections.scores):
        return detections
    boxes, scores, classes, masks = (
        np.zeros((1, *array.shape[1:]), array.dtype) for array in (
            detections.boxes, detections.scores, detections.classes, detections.masks))
    return replace(detections, boxes=boxes, scores=scores, classes=classes, masks=masks)


_compiled = lru_cache(lambda target: compile_kernels(KERNELS, target, (SHARED,)))
