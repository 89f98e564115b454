"""Our kernels on the GPU against the reference, and the resizing against OpenCV."""

import cv2
import effort
import numpy as np
import pytest
from decoder_tests import *  # noqa: F403
from device_decoding import decode_on

from panoptic_ros.benchmarks.heads import make_heads
from panoptic_ros.engine.fitting import fit
from panoptic_ros.families import deeplab
from panoptic_ros.pipelines.resizing import Resizer

pytestmark = pytest.mark.gpu


@pytest.fixture(scope='module')
def decode(device, kernels):
    return decode_on(device, kernels)


def test_the_same_heads_give_the_same_result_each_time(decode, cityscapes):
    """Blocks run in another order each time; nothing that is summed may depend on it."""
    heads = make_heads(cityscapes, effort.scaled((256, 512)), 100)
    first, *others = (decode([heads], cityscapes, [effort.scaled((512, 1024))],
                             deeplab.Options())[0] for _ in range(5))
    for other in others:
        np.testing.assert_array_equal(other.labels, first.labels)
        np.testing.assert_array_equal(other.segments.score, first.segments.score)
        np.testing.assert_array_equal(other.confidence, first.confidence)


@pytest.mark.parametrize('padding', [(), (104, 116, 124)])
@pytest.mark.parametrize('camera', [(64, 128), (100, 201), (192, 384), (40, 300), (30, 50)])
def test_resizing(device, kernels, camera, padding):
    random, size = np.random.default_rng(3), (64, 128)
    image = cv2.GaussianBlur(random.integers(0, 256, (*camera, 3)).astype(np.uint8), (0, 0), 1)
    network_input, on_device = device.empty((1, *size, 3), np.uint8), device.put(image)
    resizer = Resizer(device, kernels, [on_device], [camera], network_input, padding)
    resizer.enqueue()
    resized = np.empty(network_input.shape, np.uint8)
    device.download(network_input, resized)
    device.synchronize()
    assert abs(resized[0].astype(int) - fit(image, size, padding)).max() <= 1
    resizer.close()
    for array in (network_input, on_device):
        array.free()
