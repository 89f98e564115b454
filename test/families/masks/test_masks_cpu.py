"""The cpu method against the reference: every pixel, every column of the table."""

import threading

import numpy as np
import pytest
from examples import examples
from forks import holds_in_a_fork
from grouping_cases import make_label_space
from hypothesis import given, settings
from query_cases import cases
from same_results import assert_same

from panoptic_ros.benchmarks.queries import make_queries
from panoptic_ros.families import masks
from panoptic_ros.families.masks.queries import Queries
from panoptic_ros.labels import LabelSpace

pytest.importorskip('numba')
from panoptic_ros.families.masks.cutoff import cutoff_of
from panoptic_ros.families.masks.sigmoid import sigmoid

SPACE = LabelSpace.load('cityscapes')


def check(queries, label_space, size=None, options=None):
    """Compare both methods, with and without confidence; return the result."""
    reference = masks.decode(queries, label_space, size, 'reference', options, confidence=True)
    result = masks.decode(queries, label_space, size, 'cpu', options, confidence=True)
    assert_same(result, reference)
    np.testing.assert_array_equal(result.confidence, reference.confidence)
    alone = masks.decode(queries, label_space, size, 'cpu', options)
    assert alone.confidence is None
    np.testing.assert_array_equal(alone.labels, result.labels)
    np.testing.assert_array_equal(alone.segments.score, result.segments.score)
    return result


@settings(max_examples=examples(300))
@given(cases())
def test_it_equals_the_reference(case):
    check(*case)


@pytest.mark.parametrize('kept', [1, 36, 90])
@pytest.mark.parametrize(('size', 'part'), [
    ((128, 256), None), ((300, 515), (128, 219)), ((90, 333), None), ((40, 60), (99, 256))])
@pytest.mark.parametrize('dtype', [np.float32, np.float16])
def test_it_equals_the_reference_on_realistic_queries(kept, size, part, dtype):
    drawn = make_queries(SPACE, (128, 256), kept, seed=kept)
    queries = Queries(drawn.classes.astype(dtype), drawn.masks.astype(dtype), (128, 256), part)
    result = check(queries, SPACE, size)
    assert len(result.segments) >= kept // 6


@pytest.mark.parametrize('dtype', [np.float32, np.float16])
def test_three_hundred_queries_of_many_classes(dtype):
    """Noise: every query is a candidate everywhere, and each owns some pixels."""
    space = make_label_space([number % 2 == 1 for number in range(255)], 256)
    random = np.random.default_rng(0)
    classes = random.normal(0, 1, (300, 256))
    classes[np.arange(300), random.integers(0, 255, 300)] += 20
    queries = Queries(classes.astype(dtype), random.normal(0, 3, (300, 20, 30)).astype(dtype),
                      (80, 120))
    result = check(queries, space, options=masks.Options(overlap_threshold=0))
    assert len(result.segments) > 150


@pytest.mark.parametrize(('cells', 'full', 'part', 'size'), [
    ((1, 1), (7, 9), None, (150, 200)),         # patches that are wider than what is worked on
    ((3, 2), (3, 2), None, (100, 333)),
    ((90, 170), (90, 170), None, (3, 5)),       # patches without pixels
    ((90, 170), (90, 170), (80, 1), (80, 1)),
    ((5, 100), (40, 101), (39, 100), (37, 99)),     # three cells along x, eight pixels along y
    ((64, 64), (128, 64), None, (128, 64))])
def test_odd_grids(cells, full, part, size):
    random = np.random.default_rng(0)
    classes = np.zeros((12, 5))
    classes[np.arange(12), np.arange(12) % 4] = 9
    logits = random.normal(0, 3, (12, *cells)).astype(np.float32)
    queries = Queries(classes.astype(np.float32), logits, full, part)
    check(queries, make_label_space([False, True, True, False], 100), size,
          masks.Options(overlap_threshold=0.1))


@pytest.mark.parametrize('threshold', [1e-30, 0.1, 0.3, 0.5, 0.7, 0.999999, 1])
def test_the_cutoff_is_the_least_logit_that_is_inside(threshold):
    threshold = np.float32(threshold)
    cutoff = cutoff_of(threshold)
    below, at = sigmoid(np.array([np.nextafter(cutoff, np.float32(-99)), cutoff]))
    assert below < threshold <= at
    assert cutoff_of(np.float32(0)) == -np.inf


def test_every_float16_is_read_as_numpy_reads_it():
    from panoptic_ros.families.masks.cells import Cells, read
    from panoptic_ros.segments.softmax import finite
    half = np.arange(1 << 16, dtype=np.uint16).view(np.float16).reshape(1, 1, -1)
    values = np.empty(1 << 16, np.float32)
    read(Cells.of(half, np.array([0])), np.int32(0), 0, 0, values)
    np.testing.assert_array_equal(values, finite(half).ravel())


def test_calls_from_several_threads_do_not_disturb_each_other():
    inputs = [make_queries(SPACE, (128, 256), 20, seed=seed) for seed in range(4)]
    expected = [masks.decode(queries, SPACE).labels for queries in inputs]
    wrong = []

    def work(queries, labels):
        for _ in range(20):
            if not np.array_equal(masks.decode(queries, SPACE).labels, labels):
                wrong.append(labels)

    threads = [threading.Thread(target=work, args=pair)
               for pair in zip(inputs, expected, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_forked_process_can_decode():
    queries = make_queries(SPACE, (64, 128), 9)
    expected = masks.decode(queries, SPACE).labels
    assert holds_in_a_fork(
        lambda: np.array_equal(masks.decode(queries, SPACE).labels, expected))


def test_results_are_the_caller_s_and_queries_stay_as_they_were():
    queries = make_queries(SPACE, (64, 128), 9)
    before = queries.classes.copy(), queries.masks.copy()
    first = masks.decode(queries, SPACE)
    kept = first.labels.copy()
    masks.decode(make_queries(SPACE, (64, 128), 15, seed=5), SPACE)
    np.testing.assert_array_equal(first.labels, kept)
    assert first.labels.flags.writeable
    np.testing.assert_array_equal(queries.classes, before[0])
    np.testing.assert_array_equal(queries.masks, before[1])


def test_queries_may_be_views_and_read_only():
    queries = make_queries(SPACE, (64, 128), 15)
    expected = masks.decode(queries, SPACE).labels
    last = np.ascontiguousarray(queries.masks.transpose(1, 2, 0))
    last.setflags(write=False)
    view = Queries(queries.classes.T.copy().T, last.transpose(2, 0, 1), (64, 128))
    np.testing.assert_array_equal(masks.decode(view, SPACE).labels, expected)


def test_repeated_calls_give_the_same_scores():
    queries = make_queries(SPACE, (128, 256), 30)
    scores = [masks.decode(queries, SPACE).segments.score for _ in range(5)]
    assert all(np.array_equal(score, scores[0]) for score in scores)
