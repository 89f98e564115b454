"""Our kernels on the GPU against the reference, on the heads that hypothesis draws."""

import effort
import pytest

pytest.importorskip('hypothesis', reason='pip install hypothesis')

from device_decoding import decode_on
from examples import examples
from grouping_cases import cases
from hypothesis import given, settings
from hypothesis import strategies as st
from same_results import assert_same

from panoptic_ros.families import deeplab

pytestmark = pytest.mark.gpu


@pytest.fixture(scope='module')
def decode(device, kernels):
    return decode_on(device, kernels)


@settings(max_examples=examples(effort.EXAMPLES))
@given(cases(), st.sampled_from([1, 2, 3, 8]), st.booleans())
def test_the_kernels_equal_the_reference(decode, case, warps, confidence):
    heads, label_space, size, options = case
    result, = decode([heads], label_space, [size], options, warps, confidence)
    assert_same(result, deeplab.decode(heads, label_space, size, 'reference', options,
                                       confidence))
