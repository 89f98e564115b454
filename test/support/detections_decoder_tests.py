"""
Tests of the kernels for detections against the reference: every pixel, every column.

``test_fpn_cuda`` runs them on the double of a GPU, ``test_gpu_fpn`` on a real one.  Their fixture
``decode(batch, label_space, sizes, options, warps, confidence)`` returns a result for each of some
images.
"""

from __future__ import annotations

import numpy as np
import pytest
from effort import scaled
from same_results import assert_same

from panoptic_ros.benchmarks.detections import make_detections
from panoptic_ros.families import fpn
from panoptic_ros.families.fpn.detections import Detections
from panoptic_ros.labels import LabelSpace


def check(decode, detections, label_space, size, options=None, warps=8):
    """Compare with the reference, and return the result."""
    options = options or fpn.Options()
    result, = decode([detections], label_space, [size], options, warps)
    assert_same(result, fpn.decode(detections, label_space, size, 'reference', options,
                                   confidence=True))
    return result


def cast(detections, dtype, image_size=None):
    """Return detections of another type, of an image that fills a part of the input."""
    return Detections(*(getattr(detections, name).astype(dtype)
                        for name in ('semantic', 'boxes', 'scores')), detections.classes,
                      detections.masks.astype(dtype), detections.input_size, image_size)


@pytest.mark.parametrize(('part', 'size', 'dtype', 'kept'), [
    (None, (256, 512), np.float32, 60), (None, (256, 512), np.float16, 20),
    ((256, 341), (480, 640), np.float32, 60), (None, (100, 99), np.float32, 5)])
def test_realistic_detections(decode, part, size, dtype, kept):
    coco = LabelSpace.load('coco')
    detections = cast(make_detections(coco, scaled((256, 512)), kept, 60, seed=kept), dtype,
                      part and scaled(part))
    result = check(decode, detections, coco, scaled(size), fpn.Options(stuff_area=100))
    assert len(result.things) > kept / 8
    assert len(result.stuff) > 1


def test_detections_of_a_batch_of_cameras(decode, cityscapes):
    """Cameras of several sizes, each of which fills another part of the input."""
    sizes = [(128, 256), (90, 333), (400, 250), (1, 1)]
    parts = [None, (70, 256), (128, 80), (128, 128)]
    batch = [cast(make_detections(cityscapes, (128, 256), 10 * n, 30, seed=n), np.float32, part)
             for n, part in enumerate(parts)]
    options = fpn.Options(stuff_area=50)
    for detections, size, result in zip(batch, sizes, decode(batch, cityscapes, sizes, options),
                                        strict=True):
        assert_same(result, fpn.decode(detections, cityscapes, size, 'reference', options,
                                       confidence=True))


def test_a_thousand_detections_of_one_score(decode, cityscapes):
    drawn = make_detections(cityscapes, (40, 64), 1000, 1000)
    drawn.scores[:] = 0.75
    result = check(decode, drawn, cityscapes, (40, 64), fpn.Options(overlap_threshold=0.9))
    assert len(result.things) > 20


def test_a_share_that_is_exactly_the_threshold(decode, cityscapes):
    """Half of the second mask is painted before."""
    semantic = np.zeros((12, 2, 4), np.float32)
    boxes = np.array([[0, 0, 8, 8], [4, 0, 12, 8]], np.float32)
    detections = Detections(semantic, boxes, np.array([0.9, 0.8], np.float32), np.zeros(2, int),
                            np.ones((2, 4, 4), np.float32), (8, 16))
    for overlap, found in ((0.5, 2), (0.4999999, 1)):
        result = check(decode, detections, cityscapes, (8, 16),
                       fpn.Options(overlap_threshold=overlap))
        assert len(result.segments) == found
