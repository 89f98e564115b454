"""The cpu method against the reference: every pixel, every column of the table."""

import threading

import numpy as np
import pytest
from examples import examples
from grouping_cases import cases, make_label_space
from hypothesis import given, settings
from same_results import assert_same

from panoptic_ros.benchmarks.heads import make_heads
from panoptic_ros.families import deeplab
from panoptic_ros.families.deeplab.heads import Heads
from panoptic_ros.labels import LabelSpace

pytest.importorskip('numba')


@settings(max_examples=examples(300))
@given(cases())
def test_it_equals_the_reference(case):
    heads, label_space, size, options = case
    assert_same(*(deeplab.decode(heads, label_space, size, method, options, confidence=True)
                  for method in ('cpu', 'reference')))


@pytest.mark.parametrize('instances', [0, 30, 120])
@pytest.mark.parametrize('size', [(128, 256), (257, 513), (375, 1242), (100, 200)])
def test_it_equals_the_reference_on_realistic_heads(instances, size):
    label_space = LabelSpace.load('cityscapes')
    heads = make_heads(label_space, (256, 512), instances, seed=instances)
    result, reference = (
        deeplab.decode(heads, label_space, size, method, confidence=True,
                       options=deeplab.Options(stuff_area=100))
        for method in ('cpu', 'reference'))
    assert_same(result, reference)
    assert instances == 0 or len(result.things) > 0.4 * instances


@pytest.mark.parametrize('seed', range(4))
def test_it_equals_the_reference_on_many_rows_and_columns(seed):
    random = np.random.default_rng(seed)
    label_space = make_label_space([index % 2 == 1 for index in range(9)], 1000)
    cells = random.integers(30, 60), random.integers(33, 80)
    size = tuple(int(count * random.uniform(1, 5)) for count in cells)
    semantic = random.normal(0, 2, (9, cells[0] // 3 + 1, cells[1] // 4 + 1))
    heads = Heads(semantic.repeat(3, 1).repeat(4, 2)[:, :cells[0], :cells[1]].astype(np.float32),
                  random.uniform(0, 1, cells).astype(np.float32) ** 4,
                  random.normal(0, 30, (2, *cells)).astype(np.float32), 4)
    assert_same(*(deeplab.decode(heads, label_space, size, method, confidence=True,
                                 options=deeplab.Options(stuff_area=20, nms_kernel=5))
                  for method in ('cpu', 'reference')))


@pytest.mark.parametrize(('align_corners', 'image_size'), [(True, None), (False, (62, 126))])
def test_peaks_between_the_last_cells_are_found(align_corners, image_size):
    cells = (17, 33) if align_corners else (16, 32)
    center = np.zeros(cells, np.float32)
    center[-2, 5:9], center[-1, 5:9] = (0.2, 0.3, 0.4, 0.5), (0.9, 0.6, 0.3, 0)
    heads = Heads(np.zeros((1, *cells), np.float32), center, np.zeros((2, *cells), np.float32), 4,
                  align_corners, (64, 128), image_size)
    result, reference = (deeplab.decode(heads, make_label_space([True], 1000), None, method)
                         for method in ('cpu', 'reference'))
    assert_same(result, reference)
    assert len(reference.segments) == 2


def test_two_hundred_instances_share_an_image():
    label_space = make_label_space([True], 1000)
    heads = make_heads(label_space, (256, 512), 0)
    y, x = np.mgrid[:64, :128]
    heads.center[:] = np.where((y % 6 == 3) & (x % 6 == 3), 0.5 + x / 1000, 0)
    heads.offset[:] = 4 * np.stack([3 - y % 6, 3 - x % 6])
    result, reference = (deeplab.decode(heads, label_space, None, method, confidence=True)
                         for method in ('cpu', 'reference'))
    assert_same(result, reference)
    assert 100 < len(result.segments) <= 200


def test_calls_from_several_threads_do_not_disturb_each_other():
    label_space = LabelSpace.load('cityscapes')
    inputs = [make_heads(label_space, (128, 256), 8, seed) for seed in range(4)]
    expected = [deeplab.decode(heads, label_space).labels for heads in inputs]
    wrong = []

    def work(heads, labels):
        for _ in range(20):
            if not np.array_equal(deeplab.decode(heads, label_space).labels, labels):
                wrong.append(labels)

    threads = [threading.Thread(target=work, args=pair)
               for pair in zip(inputs, expected, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_results_are_the_caller_s_and_heads_stay_as_they_were():
    label_space = LabelSpace.load('cityscapes')
    heads = make_heads(label_space, (64, 128), 3)
    before = [array.copy() for array in (heads.semantic, heads.center, heads.offset)]
    first = deeplab.decode(heads, label_space)
    kept = first.labels.copy()
    deeplab.decode(make_heads(label_space, (64, 128), 9, seed=5), label_space)
    np.testing.assert_array_equal(first.labels, kept)
    assert first.labels.flags.writeable
    for array, copy in zip((heads.semantic, heads.center, heads.offset), before, strict=True):
        np.testing.assert_array_equal(array, copy)


def test_heads_may_be_views_and_read_only():
    label_space = LabelSpace.load('cityscapes')
    heads = make_heads(label_space, (64, 128), 5)
    channels_last = np.ascontiguousarray(heads.semantic.transpose(1, 2, 0))
    channels_last.setflags(write=False)
    view = Heads(channels_last.transpose(2, 0, 1), heads.center.T.copy().T,
                 heads.offset[:, ::-1].copy()[:, ::-1])
    np.testing.assert_array_equal(deeplab.decode(view, label_space).labels,
                                  deeplab.decode(heads, label_space).labels)


def test_repeated_calls_give_the_same_scores():
    label_space = LabelSpace.load('cityscapes')
    heads = make_heads(label_space, (256, 512), 30)
    scores = [deeplab.decode(heads, label_space).segments.score for _ in range(5)]
    assert all(np.array_equal(score, scores[0]) for score in scores)


@pytest.mark.parametrize('slope', [(0, 1), (1, 0), (1, 2), (-1, 1), (1, -2)])
@pytest.mark.parametrize('image_size', [(41, 83), (44, 84), (38, 128), (64, 70)])
def test_heat_that_rises_into_the_padding_ends_at_the_edge_of_the_image(slope, image_size):
    """The pixel at the edge is the hottest: those beyond it are no pixels of the image."""
    y, x = np.mgrid[:16, :32]
    heat = 0.5 + (slope[0] * y + slope[1] * x) / 200
    heads = Heads(np.ones((1, 16, 32), np.float32), heat.astype(np.float32),
                  np.zeros((2, 16, 32), np.float32), image_size=image_size)
    space = make_label_space([True], 1000)
    options = deeplab.Options(nms_kernel=15)    # sees farther than the flat pixels reach
    for size in (image_size, (2 * image_size[0] + 1, 3 * image_size[1])):
        results = [deeplab.decode(heads, space, size, method, options, confidence=True)
                   for method in ('cpu', 'reference')]
        assert_same(*results)
        assert len(results[0].things) == 1
