"""
Tests of the kernels against the reference: every pixel, every column.

``test_cuda`` runs them on the double of a GPU, ``test_gpu_decoder`` on a real one.  Their fixture
``decode(batch, label_space, sizes, options, warps)`` returns a result for each of some heads.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from effort import scaled
from same_results import assert_same

from panoptic_ros.benchmarks.heads import make_heads
from panoptic_ros.families import deeplab
from panoptic_ros.families.deeplab.heads import Heads
from panoptic_ros.labels import LabelSpace


def check(decode, heads, label_space, size, options, warps=8):
    """Compare with the reference, and return the result."""
    result, = decode([heads], label_space, [size], options, warps)
    assert_same(result, deeplab.decode(heads, label_space, size, 'reference', options,
                                       confidence=True))
    return result


def cast(heads, dtype, center=None):
    """Return heads of another type, or with another heatmap."""
    arrays = heads.semantic, heads.center if center is None else center, heads.offset
    return Heads(*(array.astype(dtype) for array in arrays))


@pytest.mark.parametrize('instances', [0, 30, 200])
@pytest.mark.parametrize(('size', 'dtype'), [
    ((128, 256), np.float32), ((257, 513), np.float32), ((257, 513), np.float16),
    ((375, 1242), np.float32), ((100, 200), np.float16)])
def test_realistic_heads(decode, cityscapes, size, dtype, instances):
    heads = cast(make_heads(cityscapes, scaled((256, 512)), instances, seed=instances), dtype)
    result = check(decode, heads, cityscapes, scaled(size), deeplab.Options(stuff_area=100))
    if size == (257, 513):
        assert len(result.things) >= instances // 8


def test_the_least_area_of_stuff_is_enough(decode, cityscapes):
    heads, size = make_heads(cityscapes, (64, 128), 3), (64, 128)
    stuff = deeplab.decode(heads, cityscapes, options=deeplab.Options(stuff_area=0)).stuff
    for area, label in zip(stuff.area, stuff.label, strict=True):
        for least, kept in ((area, True), (area + 1, False)):
            result, = decode([heads], cityscapes, [size], deeplab.Options(stuff_area=int(least)))
            assert (label in result.segments.label) == kept


@pytest.mark.parametrize('size', [(128, 256), (200, 340)])
def test_more_classes_than_a_warp_has_lanes(decode, size):
    coco = LabelSpace.load('coco')
    heads = make_heads(coco, (128, 256), 40)
    result = check(decode, heads, coco, size, deeplab.Options(stuff_area=20))
    assert result.segments.class_id.max() >= 96


@pytest.mark.parametrize('warps', [1, 2, 3, 8])
def test_blocks_of_any_size(decode, cityscapes, warps):
    heads, size = make_heads(cityscapes, scaled((256, 512)), 150), scaled((333, 512))
    for options in (deeplab.Options(), deeplab.Options(top_k=40)):      # fewer than there are
        check(decode, heads, cityscapes, size, options, warps)


def test_a_batch_of_cameras_of_several_sizes(decode, cityscapes):
    sizes = [(256, 512), (90, 333), (400, 250), (1, 1), (256, 512)]
    batch = [make_heads(cityscapes, (128, 256), 10 * n, seed=n) for n in range(len(sizes))]
    batch[-1] = replace(batch[-1], image_size=(101, 202))       # the others fill the whole input
    batch[2] = replace(batch[2], image_size=(128, 80))
    options = deeplab.Options(stuff_area=50)
    for heads, size, result in zip(batch, sizes, decode(batch, cityscapes, sizes, options),
                                   strict=True):
        assert_same(result, deeplab.decode(heads, cityscapes, size, 'reference', options,
                                           confidence=True))


@pytest.mark.parametrize('top_k', [1, 2, 17, 200, 1000])
def test_more_peaks_than_are_taken(decode, cityscapes, top_k):
    """A heatmap of noise, in steps so that many are equal to the last that is taken."""
    random = np.random.default_rng(top_k)
    size = (256, 512) if top_k == 1000 else scaled((256, 512))
    heads = make_heads(cityscapes, size, 20)
    for steps in (10, 1000):
        center = np.floor(random.random(heads.center.shape) * steps) / steps
        check(decode, cast(heads, np.float32, center), cityscapes, size,
              deeplab.Options(top_k=top_k, nms_kernel=3))


@pytest.mark.parametrize('nms_kernel', [1, 3, 7])
def test_a_plateau_of_every_pixel(decode, cityscapes, nms_kernel):
    heads = make_heads(cityscapes, (64, 128), 5)
    result = check(decode, cast(heads, np.float32, np.full_like(heads.center, 0.5)), cityscapes,
                   (64, 128), deeplab.Options(top_k=1000, nms_kernel=nms_kernel))
    assert (len(result.things) > 0) == (nms_kernel > 1)
