"""The cpu method against the reference: every pixel, every column of the table."""

import numpy as np
import pytest
from detection_cases import cases
from examples import examples
from hypothesis import given, settings
from same_results import assert_same

from panoptic_ros.benchmarks.detections import make_detections
from panoptic_ros.families import fpn
from panoptic_ros.families.fpn.detections import NAMES, Detections
from panoptic_ros.labels import LabelSpace

pytest.importorskip('numba')
from panoptic_ros.families.fpn import bits, pasting

SPACE = LabelSpace.load('cityscapes')


def check(detections, label_space, size=None, options=None):
    """Compare both methods, with and without confidence; return the result."""
    reference = fpn.decode(detections, label_space, size, 'reference', options, confidence=True)
    result = fpn.decode(detections, label_space, size, 'cpu', options, confidence=True)
    assert_same(result, reference)
    np.testing.assert_array_equal(result.confidence, reference.confidence)
    alone = fpn.decode(detections, label_space, size, 'cpu', options)
    assert alone.confidence is None
    np.testing.assert_array_equal(alone.labels, result.labels)
    np.testing.assert_array_equal(alone.segments.score, result.segments.score)
    return result


@settings(max_examples=examples(300))
@given(cases())
def test_it_equals_the_reference(case):
    check(*case)


@pytest.mark.parametrize(('size', 'part'), [
    ((256, 512), None), ((300, 515), (128, 419)), ((90, 333), None)])
@pytest.mark.parametrize(('dtype', 'kept'), [(np.float32, 90), (np.float16, 20)])
def test_it_equals_the_reference_on_realistic_detections(kept, size, part, dtype):
    drawn = make_detections(SPACE, (256, 512), kept, seed=kept)
    detections = Detections(drawn.semantic.astype(dtype), drawn.boxes.astype(dtype),
                            drawn.scores.astype(dtype), drawn.classes, drawn.masks.astype(dtype),
                            (256, 512), part)
    result = check(detections, SPACE, size, fpn.Options(stuff_area=300))
    assert len(result.things) >= kept // 6
    assert len(result.stuff) > 2


@pytest.mark.parametrize('cells', [(1, 1), (3, 2), (64, 100)])
def test_images_that_are_larger_or_smaller_than_their_cells(cells):
    random = np.random.default_rng(0)
    full = tuple(2 * count + 1 for count in cells)
    boxes = np.sort(random.uniform(0, full[0], (9, 2, 2)), axis=1).reshape(9, 4)
    detections = Detections(random.normal(0, 3, (12, *cells)).astype('f4'), boxes.astype('f4'),
                            random.random(9).astype('f4'), random.integers(0, 8, 9),
                            random.random((9, 28, 28)).astype('f4'), full)
    for size in ((300, 150), (1, 700), (5, 3)):
        check(detections, SPACE, size, fpn.Options(stuff_area=9))


def test_masks_that_do_not_fit_into_memory_together(monkeypatch):
    drawn = make_detections(SPACE, (128, 256), 50, 60)
    expected = check(drawn, SPACE, (200, 333))
    monkeypatch.setattr(pasting, '_MOST_WORDS', 300)
    assert_same(check(drawn, SPACE, (200, 333)), expected)


def test_bits_of_words():
    words = np.zeros(5, np.uint64)
    for start, end in ((3, 4), (63, 65), (70, 256), (300, 320)):
        bits.set_bits(words, start, end)
    found = np.unpackbits(words.view(np.uint8), bitorder='little')
    assert np.flatnonzero(found).tolist() == [3, 63, 64, *range(70, 256), *range(300, 320)]
    assert sum(bits.count_bits(word) for word in words) == found.sum()
    assert bits.has_all(words, 70, 256)
    assert not bits.has_all(words, 69, 256)
    assert bits.has_any(words, 299, 301)
    assert not bits.has_any(words, 256, 300)


def test_results_are_the_caller_s_and_detections_may_be_views_and_read_only():
    drawn = make_detections(SPACE, (64, 128), 15, 20)
    expected = fpn.decode(drawn, SPACE).labels
    kept, before = expected.copy(), [getattr(drawn, name).copy() for name in NAMES]
    semantic = np.ascontiguousarray(drawn.semantic.transpose(1, 2, 0))
    semantic.setflags(write=False)
    view = Detections(semantic.transpose(2, 0, 1), drawn.boxes[::-1].copy()[::-1], drawn.scores,
                      drawn.classes, drawn.masks.transpose(0, 2, 1).copy().transpose(0, 2, 1),
                      (64, 128))
    np.testing.assert_array_equal(fpn.decode(view, SPACE).labels, expected)
    fpn.decode(make_detections(SPACE, (64, 128), 9, 20, seed=5), SPACE)
    np.testing.assert_array_equal(expected, kept)
    assert expected.flags.writeable
    for name, array in zip(NAMES, before, strict=True):
        np.testing.assert_array_equal(getattr(drawn, name), array)
