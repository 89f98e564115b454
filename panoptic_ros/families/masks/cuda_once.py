"""The decoding of one image's queries on a GPU; the queries come from the host."""

from __future__ import annotations

from functools import lru_cache

from ...device import Device, compile_kernels
from ...labels import LabelSpace
from ...panoptic import Panoptic
from ...segments.kernel_sources import SHARED
from .cuda import CudaDecoder, DeviceQueries
from .kernel_sources import KERNELS
from .options import Options
from .queries import Queries


def decode(queries: Queries, label_space: LabelSpace, size: tuple[int, int],
           options: Options, confidence: bool) -> Panoptic:
    """Open a GPU and decode queries as ``reference`` does; see ``masks.decode``."""
    device = Device.open()
    try:
        kernels = device.load(_compiled(device.target))
        on_device = DeviceQueries(device.put(queries.classes[None]),
                                  device.put(queries.masks[None]), queries.input_size,
                                  [queries.part])
        work = CudaDecoder(device, kernels, on_device, label_space, [size], options, confidence)
        work.enqueue()
        work.enqueue_download()
        device.synchronize()
        return work.result(0)
    finally:
        device.close()


_compiled = lru_cache(lambda target: compile_kernels(KERNELS, target, (SHARED,)))
