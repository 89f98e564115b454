"""The kernels for detections on the GPU against the reference."""

import gpu_machine
import numpy as np
import pytest
from detection_decoding import decode_on
from detections_decoder_tests import *  # noqa: F403

from panoptic_ros.benchmarks.detections import make_detections
from panoptic_ros.families import fpn
from panoptic_ros.families.fpn.kernel_sources import KERNELS

pytestmark = pytest.mark.gpu


@pytest.fixture(scope='module')
def decode(device):
    return decode_on(device, device.load(gpu_machine.cubin_for(device.target, KERNELS)))


def test_the_same_detections_give_the_same_result_each_time(decode, cityscapes):
    detections, size = make_detections(cityscapes, (128, 256), 60), (128, 256)
    first, *others = (decode([detections], cityscapes, [size], fpn.Options())[0] for _ in range(5))
    for other in others:
        np.testing.assert_array_equal(other.labels, first.labels)
        np.testing.assert_array_equal(other.confidence, first.confidence)
        for column in ('label', 'area', 'box', 'centroid', 'score'):
            np.testing.assert_array_equal(getattr(other.segments, column),
                                          getattr(first.segments, column))
