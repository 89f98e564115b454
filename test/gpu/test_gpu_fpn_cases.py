"""The kernels for detections on the GPU against the reference, on what hypothesis draws."""

import effort
import gpu_machine
import pytest

pytest.importorskip('hypothesis', reason='pip install hypothesis')

from detection_cases import cases
from detection_decoding import decode_on
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from same_results import assert_same

from panoptic_ros.families import fpn
from panoptic_ros.families.fpn.kernel_sources import KERNELS

pytestmark = pytest.mark.gpu


@pytest.fixture(scope='module')
def decode(device):
    return decode_on(device, device.load(gpu_machine.cubin_for(device.target, KERNELS)))


@settings(max_examples=examples(effort.EXAMPLES))
@given(cases(), st.sampled_from([1, 2, 4, 8]), st.booleans())
def test_the_kernels_for_detections_equal_the_reference(decode, case, warps, confidence):
    detections, label_space, size, options = case
    result, = decode([detections], label_space, [size], options, warps, confidence)
    assert_same(result, fpn.decode(detections, label_space, size, 'reference', options,
                                     confidence))
