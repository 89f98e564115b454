"""
Run every kernel of the package on a few cases, for a sanitizer to watch: ``gpu_cases.py``.

Small images of odd sizes, float32 and float16 heads, several cameras at once, pictures and
resizing; the labels must be those of the reference.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from panoptic_ros import LabelSpace, overlay
from panoptic_ros.benchmarks.heads import make_heads
from panoptic_ros.device import Device, DeviceError, compile_kernels
from panoptic_ros.families import deeplab
from panoptic_ros.families.deeplab.cuda import Cameras, CudaGrouping, DeviceHeads
from panoptic_ros.families.deeplab.heads import Heads
from panoptic_ros.families.deeplab.kernel_sources import KERNELS
from panoptic_ros.families.deeplab.workspace import PICTURES

CASES = (((128, 256), 30, np.float32, 8), ((128, 256), 30, np.float16, 8),
         ((96, 160), 200, np.float32, 1), ((96, 160), 0, np.float16, 3))
"""Size of the network's input, instances, type of the heads, warps of a block."""
CAMERAS = ((128, 256), (67, 131), (201, 90))


def main() -> int:
    """Run the cases; return 0 if all labels are right."""
    try:
        device = Device.open()
    except DeviceError as error:
        print(f'gpu_cases: {error}', file=sys.stderr)
        return 1
    space = LabelSpace.load('cityscapes')
    wrong = 0
    try:
        kernels = device.load(compile_kernels(KERNELS, device.target))
        for size, instances, kind, warps in CASES:
            differing = run(device, kernels, space, size, instances, np.dtype(kind), warps)
            wrong += differing
            print(f'{size[0]}x{size[1]}, {instances} instances, {np.dtype(kind)}, {warps} warps: '
                  f'{differing} pixels differ', flush=True)
    finally:
        device.close()
    return 1 if wrong else 0


def run(device: Device, kernels: Any, space: LabelSpace, size: tuple[int, int], instances: int,
        kind: np.dtype[Any], warps: int) -> int:
    """Group the heads for all cameras; return how many labels are wrong."""
    made = [make_heads(space, size, instances, seed=seed) for seed in range(len(CAMERAS))]
    batch = [Heads(h.semantic.astype(kind), h.center.astype(kind), h.offset.astype(kind))
             for h in made]
    options = deeplab.Options(stuff_area=64)
    random = np.random.default_rng(0)
    arrays = [device.put(np.stack([h.semantic for h in batch])),
              device.put(np.stack([h.center[None] for h in batch])),
              device.put(np.stack([h.offset for h in batch]))]
    images = [device.put(random.integers(0, 256, (*camera, 3)).astype(np.uint8))
              for camera in CAMERAS]
    network_input = device.empty((len(batch), *size, 3), np.uint8)
    on_device = DeviceHeads(arrays[0], arrays[1], arrays[2], batch[0].grid)
    work = CudaGrouping(device, kernels, on_device, space, CAMERAS, options,
                        frozenset(PICTURES), Cameras(images, network_input),
                        overlay.label_colors(space), warps)
    work.enqueue_resize()
    work.enqueue()
    work.enqueue_download()
    device.synchronize()
    differing = 0
    for image, (heads, camera) in enumerate(zip(batch, CAMERAS, strict=True)):
        reference = deeplab.decode(heads, space, camera, 'reference', options)
        differing += int((work.result(image).labels != reference.labels).sum())
    work.close()
    for array in (*arrays, *images, network_input):
        array.free()
    return differing


if __name__ == '__main__':
    sys.exit(main())
