"""
Every kernel of the package on a few cases, also as a program for compute-sanitizer.

Images of odd sizes come together.  They are resized, and decoded with their confidence from
float32 and float16 outputs.  The labels must be those of the reference.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np

from ... import families
from ...device import Device, DeviceError, Module
from ...engine.build import compile_kernels
from ...pipelines.cuda_batch import Batch
from .drawn import DRAW, DrawnEngine

CASES = (((128, 256), 30, 'float32'), ((128, 256), 30, 'float16'), ((96, 160), 200, 'float32'),
         ((96, 160), 0, 'float16'))
"""Size of the network's input, instances, queries or detections, type of the outputs."""
OPTIONS: Mapping[str, Mapping[str, Any]] = {'deeplab': {'stuff_area': 64},
                                            'fpn': {'stuff_area': 64}, 'masks': {}}
"""The options of each family."""
CAMERAS = ((128, 256), (67, 131), (201, 90))
BEGUN = 'the GPU can be used'
"""What the program prints before it runs a kernel."""


def check(device: Device, kernels: Mapping[str, Module]) -> Iterator[dict[str, Any]]:
    """
    Run the cases of each family; yield for each how many pixels differ from the reference.

    Parameters
    ----------
    device, kernels
        The GPU, and the compiled kernels by their family.

    Raises
    ------
    DeviceError
        The GPU fails.

    """
    random = np.random.default_rng(0)
    images = [random.integers(0, 256, (*size, 3)).astype(np.uint8) for size in CAMERAS]
    for name, (size, count, kind) in product(kernels, CASES):
        count = max(count, int(name != 'deeplab'))  # no network has no query, or no detection
        drawn, family = DRAW[name](size, count, kind, len(CAMERAS)), families.find(name)
        engine, options = DrawnEngine(device, drawn), family.options(**OPTIONS[name])
        batch = Batch(device, engine, kernels[name], family, CAMERAS, options, confidence=True)
        batch.fill(images)
        batch.run(with_graph=False)
        pixels = sum(int((panoptic.labels != drawn.reference(options, camera, image)).sum())
                     for image, (camera, panoptic) in enumerate(
                         zip(CAMERAS, batch.results(), strict=True)))
        batch.close()
        engine.close()
        yield {'case': f'{name}, {size[0]}x{size[1]}, {count} instances, {kind}',
               'pixels_differing': pixels}


def compile_all(target: str) -> dict[str, bytes]:
    """Return the compiled kernels of each family; raises as ``device.compile_kernels``."""
    return {name: compile_kernels(families.find(name).kernels, target) for name in DRAW}


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
    cubins = compile_all(device.target)
    for row in check(device, {name: device.load(cubin) for name, cubin in cubins.items()}):
        wrong += row['pixels_differing']
        print(f'{row["case"]}: {row["pixels_differing"]} pixels differ', flush=True)
    device.close()
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
