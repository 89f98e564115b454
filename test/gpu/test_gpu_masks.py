"""The kernels for queries on the GPU against the reference."""

import gpu_machine
import numpy as np
import pytest
from queries_decoder_tests import *  # noqa: F403
from query_decoding import decode_on

from panoptic_ros.benchmarks.queries import make_queries
from panoptic_ros.families import masks
from panoptic_ros.families.masks.kernel_sources import KERNELS

pytestmark = pytest.mark.gpu


@pytest.fixture(scope='module')
def decode(device):
    return decode_on(device, device.load(gpu_machine.cubin_for(device.target, KERNELS)))


def test_the_same_queries_give_the_same_result_each_time(decode, cityscapes):
    queries, size = make_queries(cityscapes, (128, 256), 60), (128, 256)
    first, *others = (decode([queries], cityscapes, [size], masks.Options())[0] for _ in range(5))
    for other in others:
        np.testing.assert_array_equal(other.labels, first.labels)
        np.testing.assert_array_equal(other.confidence, first.confidence)
        for column in ('label', 'area', 'box', 'centroid', 'score'):
            np.testing.assert_array_equal(getattr(other.segments, column),
                                          getattr(first.segments, column))
