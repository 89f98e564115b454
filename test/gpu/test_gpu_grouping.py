"""Our kernels on the GPU against the reference: every pixel, every column."""

import cv2
import numpy as np
import pytest
from device_grouping import assert_equals_reference, group_batch
from gpu_machine import scaled

from panoptic_ros.benchmarks.heads import make_heads
from panoptic_ros.engine.fitting import fit
from panoptic_ros.families import deeplab
from panoptic_ros.families.deeplab.heads import Heads
from panoptic_ros.pipelines.resizing import Resizer

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize('dtype', [np.float32, np.float16])
@pytest.mark.parametrize('instances', [0, 30, 200])
@pytest.mark.parametrize('size', [(128, 256), (257, 513), (375, 1242), (100, 200)])
def test_realistic_heads(device, kernels, cityscapes, size, instances, dtype):
    size = scaled(size)
    made = make_heads(cityscapes, scaled((256, 512)), instances, seed=instances)
    heads = Heads(*(a.astype(dtype) for a in (made.semantic, made.center, made.offset)))
    options = deeplab.Options(stuff_area=100)
    result, = group_batch(device, kernels, [heads], cityscapes, [size], options)
    assert_equals_reference(result, heads, cityscapes, size, options)


@pytest.mark.parametrize('warps', [1, 2, 3, 8])
def test_every_size_of_block(device, kernels, cityscapes, warps):
    heads, size = make_heads(cityscapes, (128, 256), 60), (131, 300)
    options = deeplab.Options(top_k=30)         # fewer than there are
    result, = group_batch(device, kernels, [heads], cityscapes, [size], options, warps)
    assert_equals_reference(result, heads, cityscapes, size, options)


def test_a_batch_of_cameras_of_several_sizes(device, kernels, cityscapes):
    sizes = [(256, 512), (90, 333), (400, 250), (1, 1)]
    batch = [make_heads(cityscapes, (128, 256), 10 * n, seed=n) for n in range(len(sizes))]
    options = deeplab.Options(stuff_area=50)
    results = group_batch(device, kernels, batch, cityscapes, sizes, options)
    for heads, size, result in zip(batch, sizes, results, strict=True):
        assert_equals_reference(result, heads, cityscapes, size, options)


@pytest.mark.parametrize('top_k', [1, 17, 200, 1000])
def test_more_peaks_than_are_taken(device, kernels, cityscapes, top_k):
    random, size = np.random.default_rng(top_k), scaled((256, 512))
    heads = make_heads(cityscapes, size, 20)
    center = (np.floor(random.random(heads.center.shape) * 10) / 10).astype(np.float32)
    noisy = Heads(heads.semantic, center, heads.offset)
    options = deeplab.Options(top_k=top_k, nms_kernel=3)
    result, = group_batch(device, kernels, [noisy], cityscapes, [size], options)
    assert_equals_reference(result, noisy, cityscapes, size, options)


def test_the_same_heads_give_the_same_result_each_time(device, kernels, cityscapes):
    """Blocks run in another order each time; nothing that is summed may depend on it."""
    heads, size = make_heads(cityscapes, scaled((256, 512)), 100), scaled((512, 1024))
    first, *others = (
        group_batch(device, kernels, [heads], cityscapes, [size], deeplab.Options())[0]
        for _ in range(5))
    for other in others:
        np.testing.assert_array_equal(other.labels, first.labels)
        np.testing.assert_array_equal(other.segments.score, first.segments.score)
        np.testing.assert_array_equal(other.confidence, first.confidence)


@pytest.mark.parametrize('camera', [(64, 128), (100, 201), (192, 384), (40, 300), (30, 50)])
def test_resizing(device, kernels, camera):
    random, size = np.random.default_rng(3), (64, 128)
    image = cv2.GaussianBlur(random.integers(0, 256, (*camera, 3)).astype(np.uint8), (0, 0), 1)
    network_input, on_device = device.empty((1, *size, 3), np.uint8), device.put(image)
    resizer = Resizer(device, kernels, [on_device], [camera], network_input)
    resizer.enqueue()
    resized = np.empty(network_input.shape, np.uint8)
    device.download(network_input, resized)
    device.synchronize()
    assert abs(resized[0].astype(int) - fit(image, size)).max() <= 1
    resizer.close()
    for array in (network_input, on_device):
        array.free()
