"""
Tests of the kernels for queries against the reference: every pixel, every column.

``test_masks_cuda`` runs them on the double of a GPU, ``test_gpu_masks`` on a real one.  Their
fixture ``decode(batch, label_space, sizes, options, warps, confidence)`` returns a result for each
of some queries.
"""

from __future__ import annotations

import numpy as np
import pytest
from effort import scaled
from same_results import assert_same

from panoptic_ros.benchmarks.queries import make_queries
from panoptic_ros.families import masks
from panoptic_ros.families.masks.queries import Queries
from panoptic_ros.labels import LabelSpace


def check(decode, queries, label_space, size, options=None, warps=4):
    """Compare with the reference, and return the result."""
    options = options or masks.Options()
    result, = decode([queries], label_space, [size], options, warps)
    assert_same(result, masks.decode(queries, label_space, size, 'reference', options,
                                     confidence=True))
    return result


def cast(queries, dtype, image_size=None):
    """Return queries of another type, of an image that fills a part of the input."""
    return Queries(queries.classes.astype(dtype), queries.masks.astype(dtype),
                   queries.input_size, image_size)


@pytest.mark.parametrize('kept', [9, 36, 90])
@pytest.mark.parametrize(('part', 'size', 'dtype'), [
    (None, (256, 512), np.float32), (None, (256, 512), np.float16), (None, (270, 480), np.float32),
    ((200, 512), (400, 1024), np.float16), ((256, 341), (480, 640), np.float32),
    (None, (100, 99), np.float32)])
def test_realistic_queries(decode, cityscapes, part, size, dtype, kept):
    queries = cast(make_queries(cityscapes, scaled((256, 512)), kept, seed=kept), dtype,
                   part and scaled(part))
    result = check(decode, queries, cityscapes, scaled(size))
    assert len(result.segments) > kept / 8


@pytest.mark.parametrize('size', [(256, 512), (300, 700)])
def test_three_hundred_queries_of_many_classes(decode, size):
    coco = LabelSpace.load('coco')
    queries = make_queries(coco, (128, 256), 200, 300)
    result = check(decode, queries, coco, scaled(size))
    assert result.segments.class_id.max() >= 96


def test_as_many_classes_as_there_can_be(decode):
    space = LabelSpace.from_dict({'name': 'many', 'label_divisor': 256, 'categories': [
        {'name': str(number), 'dataset_id': number, 'thing': number % 2 == 0,
         'color': (0, 0, number)} for number in range(255)]})
    result = check(decode, make_queries(space, (64, 128), 40), space, (64, 128))
    assert result.segments.class_id.max() >= 200


@pytest.mark.parametrize('warps', [1, 2, 3, 4])
def test_blocks_with_any_number_of_warps(decode, cityscapes, warps):
    queries = make_queries(cityscapes, (128, 256), 60)
    for size in ((128, 256), (200, 333)):
        check(decode, queries, cityscapes, scaled(size), warps=warps)


def test_queries_of_a_batch_of_cameras(decode, cityscapes):
    """Cameras of several sizes, each of which fills another part of the input."""
    sizes = [(128, 256), (90, 333), (400, 250), (1, 1)]
    parts = [None, (70, 256), (128, 80), (128, 128)]
    batch = [cast(make_queries(cityscapes, (128, 256), 10 * n + 5, seed=n), np.float32, part)
             for n, part in enumerate(parts)]
    options = masks.Options(overlap_threshold=0.6)
    for queries, size, result in zip(batch, sizes, decode(batch, cityscapes, sizes, options),
                                     strict=True):
        assert_same(result, masks.decode(queries, cityscapes, size, 'reference', options,
                                         confidence=True))


@pytest.mark.parametrize('count', [70, 400])
@pytest.mark.parametrize('size', [(24, 48), (50, 33)])
def test_queries_that_are_candidates_everywhere(decode, cityscapes, count, size):
    """More than have sums of their own in a block, and more than have bits for each patch."""
    random = np.random.default_rng(count)
    classes = random.normal(0, 0.1, (count, 20))
    classes[np.arange(count), random.integers(0, 19, count)] += 6
    queries = Queries(classes.astype(np.float32),
                      random.normal(0, 3, (count, 6, 12)).astype(np.float32), (24, 48))
    options = masks.Options(overlap_threshold=0.01, object_threshold=0.5)
    result = check(decode, queries, cityscapes, size, options)
    assert len(result.segments) > 20


@pytest.mark.parametrize('options', [
    masks.Options(object_threshold=0, overlap_threshold=0, pixel_threshold=0),
    masks.Options(pixel_threshold=1), masks.Options(overlap_threshold=1),
    masks.Options(object_threshold=1), masks.Options(pixel_threshold=0.9999999)])
def test_thresholds_at_their_limits(decode, cityscapes, options):
    queries = make_queries(cityscapes, (64, 128), 30, 60)
    for size in ((64, 128), (77, 91)):
        check(decode, queries, cityscapes, size, options)


def test_a_share_that_is_exactly_the_threshold(decode, cityscapes):
    """One query owns four of the five columns that its mask covers."""
    classes = np.full((2, 20), -9, np.float32)
    classes[[0, 1], [0, 13]] = 9
    logits = np.full((2, 8, 10), -9, np.float32)
    logits[0, :, :5], logits[1, :, 4:] = 5, 9
    queries = Queries(classes, logits, (8, 10))
    for overlap, found in ((0.8, 2), (0.80000001, 1)):
        result = check(decode, queries, cityscapes, (8, 10),
                       masks.Options(overlap_threshold=overlap))
        assert len(result.segments) == found


@pytest.mark.parametrize('value', [np.nan, np.inf, -np.inf, 0, -200])
def test_masks_of_one_value(decode, cityscapes, value):
    queries = make_queries(cityscapes, (64, 128), 9, 20)
    queries.masks[:] = value
    for size in ((64, 128), (50, 70)):
        check(decode, queries, cityscapes, size)


@pytest.mark.parametrize(('cells', 'full', 'size'), [
    ((1, 1), (1, 1), (1, 1)), ((1, 1), (9, 7), (40, 61)), ((1, 200), (4, 800), (3, 900)),
    ((70, 1), (70, 1), (300, 2)), ((33, 65), (34, 70), (34, 70)), ((9, 9), (70, 300), (500, 40)),
    ((40, 70), (160, 280), (5, 9))])
def test_odd_grids_of_cells(decode, cityscapes, cells, full, size):
    random = np.random.default_rng(0)
    classes = random.normal(0, 0.1, (12, 20))
    classes[np.arange(12), np.arange(12)] += 7
    coarse = random.normal(0, 4, (12, *(side // 3 + 1 for side in cells)))
    logits = np.repeat(np.repeat(coarse, 3, 1), 3, 2)[:, :cells[0], :cells[1]]
    queries = Queries(classes.astype(np.float32), logits.astype(np.float32), full)
    check(decode, queries, cityscapes, size, masks.Options(overlap_threshold=0.1))
