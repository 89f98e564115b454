"""The kernels, compiled for the oldest and newest architecture; what they occupy there."""

import pytest
from gpu_plans import cubin_for

from panoptic_ros.device import kernel_resources
from panoptic_ros.families.masks.kernel_sources import KERNELS

pytestmark = pytest.mark.compile

TARGETS = ('sm_75', 'sm_89', 'sm_120')
"""Those between are compiled for by deeplab/test_kernel_compilation.py, with the same tail."""
REGISTERS = {'decide_pixels_2': 96, 'decide_pixels_3': 128}
"""So that five and four blocks of 128 threads work at a time."""
NAMES = {'resize_images', 'write_labels',
         *(f'{kernel}_{output}' for output in ('float', 'half')
           for kernel in ('keep_queries', *REGISTERS))}


@pytest.mark.parametrize('target', TARGETS)
def test_the_kernels_of_masks_compile_and_spill_nothing(target):
    resources = kernel_resources(cubin_for(target, KERNELS))
    print(f'\n{target:26} registers  shared  local')
    for name, kernel in sorted(resources.items()):
        print(f'{name:26} {kernel.registers:9} {kernel.shared:7} {kernel.local:6}')
    assert set(resources) == NAMES
    for name, kernel in resources.items():
        assert kernel.local == 0, name
        assert kernel.registers <= REGISTERS.get(name.rpartition('_')[0], 80), name
        assert kernel.shared <= 16 << 10, name
