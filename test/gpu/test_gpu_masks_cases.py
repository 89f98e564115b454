"""The kernels for queries on the GPU against the reference, on what hypothesis draws."""

import effort
import gpu_machine
import pytest

pytest.importorskip('hypothesis', reason='pip install hypothesis')

from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from query_cases import cases
from query_decoding import decode_on
from same_results import assert_same

from panoptic_ros.families import masks
from panoptic_ros.families.masks.kernel_sources import KERNELS

pytestmark = pytest.mark.gpu


@pytest.fixture(scope='module')
def decode(device):
    return decode_on(device, device.load(gpu_machine.cubin_for(device.target, KERNELS)))


@settings(max_examples=examples(effort.EXAMPLES))
@given(cases(), st.sampled_from([1, 2, 3, 4]), st.booleans())
def test_the_kernels_for_queries_equal_the_reference(decode, case, warps, confidence):
    queries, label_space, size, options = case
    result, = decode([queries], label_space, [size], options, warps, confidence)
    assert_same(result, masks.decode(queries, label_space, size, 'reference', options,
                                     confidence))
