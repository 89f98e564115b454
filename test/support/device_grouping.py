"""Grouping on any device, real or doubled, beside the reference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from same_results import assert_same

from panoptic_ros.families import deeplab
from panoptic_ros.families.deeplab.cuda import CudaDecoder, DeviceHeads
from panoptic_ros.families.deeplab.heads import Heads
from panoptic_ros.labels import LabelSpace
from panoptic_ros.panoptic import Panoptic


def bring(device, batch: Sequence[Heads]) -> DeviceHeads:
    """Bring heads of one shape to a device."""
    arrays = ([heads.semantic for heads in batch], [heads.center[None] for heads in batch],
              [heads.offset for heads in batch])
    return DeviceHeads(*(device.put(np.stack(each)) for each in arrays), batch[0].grid)


def group_batch(device, kernels, batch: Sequence[Heads], label_space: LabelSpace,
                sizes: Sequence[tuple[int, int]], options: deeplab.Options,
                warps: int = 8, confidence: bool = True) -> list[Panoptic]:
    """Group heads of one shape by the kernels; return a result for each; free everything."""
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


def assert_equals_reference(result: Panoptic, heads: Heads, label_space: LabelSpace,
                            size: tuple[int, int], options: deeplab.Options,
                            confidence: bool = True) -> None:
    """Compare every pixel and every column; scores and confidence within rounding."""
    assert_same(result, deeplab.decode(heads, label_space, size, 'reference', options,
                                       confidence))
