"""Our kernels on the GPU against the reference, on the cases that the CPU grouping passes."""

import gpu_machine
import pytest

pytest.importorskip('hypothesis', reason='pip install hypothesis')

from device_grouping import assert_equals_reference, group_batch
from grouping_cases import cases
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytestmark = pytest.mark.gpu


# A fixture of the module: the device is the same for every example.
@settings(deadline=None, max_examples=gpu_machine.EXAMPLES,
          suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cases(), st.sampled_from([1, 2, 3, 8]), st.booleans())
def test_the_kernels_equal_the_reference(device, kernels, case, warps, confidence):
    heads, label_space, size, options = case
    result, = group_batch(device, kernels, [heads], label_space, [size], options, warps,
                          confidence)
    assert_equals_reference(result, heads, label_space, size, options, confidence)
