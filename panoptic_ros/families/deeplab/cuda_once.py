"""The grouping of one image on a GPU; the heads come from the host."""

from __future__ import annotations

from functools import lru_cache

from ...device import Device, compile_kernels
from ...labels import LabelSpace
from ...panoptic import Panoptic
from ...segments.kernel_sources import SHARED
from .cuda import CudaDecoder, DeviceHeads
from .heads import Heads
from .kernel_sources import KERNELS
from .options import Options


def decode(heads: Heads, label_space: LabelSpace, size: tuple[int, int],
           options: Options, confidence: bool) -> Panoptic:
    """Open a GPU and group heads as ``reference`` does; see ``deeplab.decode``."""
    device = Device.open()
    try:
        kernels = device.load(_compiled(device.target))
        semantic, center, offset = (device.put(head) for head in (
            heads.semantic[None], heads.center[None, None], heads.offset[None]))
        on_device = DeviceHeads(semantic, center, offset, [heads.grid])
        work = CudaDecoder(device, kernels, on_device, label_space, [size], options, confidence)
        work.enqueue()
        work.enqueue_download()
        device.synchronize()
        return work.result(0)
    finally:
        device.close()


_compiled = lru_cache(lambda target: compile_kernels(KERNELS, target, (SHARED,)))
