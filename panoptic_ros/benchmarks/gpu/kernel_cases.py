"""
Every kernel of the package on a few cases, also as a program for compute-sanitizer.

Images of odd sizes come together.  They are resized, and decoded with their confidence from
float32 and float16 outputs.  The labels must be those of the reference.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from ... import families
from ...device import Device, DeviceError, Module
from ...engine.build import compile_kernels
from ...families.deeplab.kernel_sources import KERNELS
from ...pipelines.cuda_batch import Batch
from .drawn import DrawnEngine, draw

CASES = (((128, 256), 30, 'float32'), ((128, 256), 30, 'float16'), ((96, 160), 200, 'float32'),
         ((96, 160), 0, 'float16'))
"""Size of the network's input, instances, type of the outputs."""
CAMERAS = ((128, 256), (67, 131), (201, 90))
BEGUN = 'the GPU can be used'
"""What the program prints before it runs a kernel."""


def check(device: Device, kernels: Module) -> Iterator[dict[str, Any]]:
    """
    Run the cases; yield for each the number of pixels that differ from the reference.

    Raises
    ------
    DeviceError
        The GPU fails.

    """
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (*size, 3)).astype(np.uint8) for size in CAMERAS]
    for size, instances, kind in CASES:
        drawn = draw(size, instances, kind, len(CAMERAS))
        engine, family = DrawnEngine(device, drawn), families.find(drawn.metadata.family)
        options = family.options(stuff_area=64)
        batch = Batch(device, engine, kernels, family, CAMERAS, options, confidence=True)
        batch.fill(images)
        batch.run(with_graph=False)
        pixels = sum(int((panoptic.labels != drawn.reference(options, camera, image)).sum())
                     for image, (camera, panoptic) in enumerate(
                         zip(CAMERAS, batch.results(), strict=True)))
        batch.close()
        engine.close()
        yield {'case': f'{size[0]}x{size[1]}, {instances} instances, {kind}',
               'pixels_differing': pixels}


def main() -> int:
    """Run the cases; return 0 if all labels are right."""
    try:
        device = Device.open()
        device.put(np.zeros(1)).free()
    except DeviceError as error:
        print(error, file=sys.stderr)
        return 1
    print(BEGUN, flush=True)
    wrong = 0
    for row in check(device, device.load(compile_kernels(KERNELS, device.target))):
        wrong += row['pixels_differing']
        print(f'{row["case"]}: {row["pixels_differing"]} pixels differ', flush=True)
    device.close()
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
