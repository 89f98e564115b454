"""The kernels, compiled for every architecture that they are for; what they occupy there."""

import pytest
from gpu_plans import cubin_for

from panoptic_ros.device import kernel_resources

pytestmark = pytest.mark.compile

TARGETS = ('sm_75', 'sm_80', 'sm_86', 'sm_87', 'sm_89', 'sm_90', 'sm_100', 'sm_110', 'sm_120')
NAMES = {'resize_images', 'measure_confidence',
         *(f'{kernel}_{head}' for head in ('float', 'half')
           for kernel in ('read_heads', 'assign_patches', 'settle_pixels', 'paint_labels'))}


@pytest.mark.parametrize('target', TARGETS)
def test_the_kernels_compile_and_spill_nothing(target):
    resources = kernel_resources(cubin_for(target))
    print(f'\n{target:26} registers  shared  local')
    for name, kernel in sorted(resources.items()):
        print(f'{name:26} {kernel.registers:9} {kernel.shared:7} {kernel.local:6}')
    assert set(resources) == NAMES
    for name, kernel in resources.items():
        assert kernel.local == 0, name
        assert kernel.registers <= 80, f'{name}: fewer than 3 blocks at a time'
        assert kernel.shared <= 16 << 10, name
