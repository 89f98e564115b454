import json

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from label_scenes import scene_pair

from panoptic_ros import UNLABELED, LabelSpace, Panoptic
from panoptic_ros.evaluation import PanopticQuality

SPACE = LabelSpace.load('cityscapes')
ROAD, SKY, PERSON, CAR = 0, 10, 11, 13
SEEDS = st.integers(0, 2**32 - 1)


def quality_of(*pairs):
    quality = PanopticQuality(SPACE)
    for prediction, truth in pairs:
        quality.update(prediction, truth)
    return quality.compute()


def row(*runs):
    """Return a label image of one row from (label, pixels) runs."""
    return np.repeat(*np.array(runs).T)[None].astype(np.uint16)


@given(SEEDS)
@settings(max_examples=examples(30))
def test_a_perfect_prediction_has_100(seed):
    truth = scene_pair(seed, SPACE, (40, 60), crowd=False)[1]
    result = quality_of((truth, truth))
    assert (result.all.pq, result.all.sq, result.all.rq) == (100, 100, 100)
    assert result.all.classes == len(set(SPACE.semantic(truth).ravel().tolist()) - {255})
    assert all(q.fp == q.fn == 0 for q in result.per_class.values())


@given(SEEDS)
@settings(max_examples=examples(30))
def test_instance_numbers_are_only_names(seed):
    prediction, truth = scene_pair(seed, SPACE, (40, 60))
    rng = np.random.default_rng(seed)

    def renumbered(labels):
        table = np.arange(UNLABELED + 1, dtype=np.uint16)
        for class_id in SPACE.thing_ids:
            first = class_id * SPACE.label_divisor + 1
            table[first:first + SPACE.max_instances] = first + rng.permutation(SPACE.max_instances)
        return table[labels]

    before = quality_of((prediction, truth)).to_dict()
    after = quality_of((renumbered(prediction), renumbered(truth))).to_dict()
    for name, expected in before['per_class'].items():
        assert after['per_class'][name] == pytest.approx(expected, abs=1e-9)


@given(SEEDS)
@settings(max_examples=examples(30))
def test_pq_is_sq_times_rq(seed):
    result = quality_of(*(scene_pair(seed + i, SPACE, (40, 60)) for i in range(3)))
    for quality in result.per_class.values():
        assert quality.pq == pytest.approx(quality.sq * quality.rq / 100, abs=1e-9)
        segments = quality.tp + (quality.fp + quality.fn) / 2
        assert quality.rq == pytest.approx(100 * quality.tp / segments)
        assert quality.pq == pytest.approx(100 * quality.iou_sum / segments)
    for group, ids in ((result.things, SPACE.thing_ids), (result.stuff, SPACE.stuff_ids)):
        values = [result.per_class[n].pq for n in (SPACE.names[i] for i in ids)
                  if n in result.per_class]
        assert group.pq == pytest.approx(np.mean(values) if values else np.nan, nan_ok=True)
        assert group.classes == len(values)


@given(SEEDS, st.permutations(range(4)), st.integers(0, 4))
@settings(max_examples=examples(30))
def test_merging_in_any_order_is_counting_in_one_go(seed, order, cut):
    pairs = [scene_pair(seed + i, SPACE, (40, 60)) for i in range(4)]
    left, right = PanopticQuality(SPACE), PanopticQuality(SPACE)
    for position, index in enumerate(order):
        (left if position < cut else right).update(*pairs[index])
    right.merge(left)
    merged, expected = right.compute(), quality_of(*pairs)
    assert merged.images == 4
    assert merged.per_class.keys() == expected.per_class.keys()
    for name, quality in expected.per_class.items():
        other = merged.per_class[name]
        assert (other.tp, other.fp, other.fn) == (quality.tp, quality.fp, quality.fn)
        assert other.iou_sum == pytest.approx(quality.iou_sum, abs=1e-9)


def test_an_iou_of_one_half_is_no_match():
    truth = row((11001, 2), (0, 2))
    half = quality_of((row((11001, 1), (0, 3)), truth)).per_class['person']
    assert (half.tp, half.fp, half.fn) == (0, 1, 1)
    more = quality_of((row((11001, 3), (0, 3)), row((11001, 2), (0, 4)))).per_class['person']
    assert (more.tp, more.fp, more.fn, more.sq) == (1, 0, 0, pytest.approx(200 / 3))


def test_pixels_unlabelled_in_the_truth_leave_the_union():
    truth = row((11001, 4), (UNLABELED, 4))
    person = quality_of((row((11001, 8)), truth)).per_class['person']
    assert (person.tp, person.fp, person.fn, person.sq) == (1, 0, 0, 100)


@pytest.mark.parametrize(('on_void', 'false'), [(4, 1), (5, 0)])
def test_a_prediction_over_half_on_unlabelled_truth_is_not_false(on_void, false):
    truth = row((UNLABELED, on_void), (SKY * 1000, 8 - on_void))
    result = quality_of((row((13001, 8)), truth))
    assert ('car' in result.per_class) == bool(false)
    assert result.per_class['sky'].fn == 1


def test_crowd_is_neither_found_nor_missed():
    truth = row((11000, 6), (0, 6))
    assert 'person' not in quality_of((row((0, 12)), truth)).per_class
    assert 'person' not in quality_of((row((11001, 3), (11002, 3), (0, 6)), truth)).per_class
    # crowd excuses predictions of its own class only
    assert quality_of((row((13001, 6), (0, 6)), truth)).per_class['car'].fp == 1


def test_unlabelled_predictions_are_no_segments_but_misses():
    result = quality_of((row((UNLABELED, 8)), row((11001, 4), (0, 4))))
    assert {name: (q.tp, q.fp, q.fn) for name, q in result.per_class.items()} == {
        'road': (0, 0, 1), 'person': (0, 0, 1)}


def test_nothing_counted_has_no_mean_and_is_still_json():
    result = PanopticQuality(SPACE).compute()
    assert np.isnan(result.all.pq)
    assert result.all.classes == 0
    assert json.loads(json.dumps(result.to_dict(), allow_nan=False))['all']['pq'] is None


def test_the_result_survives_json():
    result = quality_of(scene_pair(3, SPACE))
    data = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert data['things']['pq'] == result.things.pq
    assert data['per_class']['car']['tp'] == result.per_class['car'].tp


def test_panoptic_results_count_as_their_label_images():
    prediction, truth = scene_pair(5, SPACE, crowd=False)
    wrapped = [Panoptic.from_labels(labels, SPACE) for labels in (prediction, truth)]
    assert quality_of(tuple(wrapped)).to_dict() == quality_of((prediction, truth)).to_dict()


@pytest.mark.parametrize('divisor', [256, 3449])    # 3449 * 19 = 65531, next to unlabelled
def test_the_divisor_changes_nothing(divisor):
    space = LabelSpace('other', divisor, SPACE.categories)
    pair = scene_pair(7, space, (40, 60))
    relabel = np.full(UNLABELED + 1, UNLABELED, np.uint16)
    labels = np.arange(19 * divisor)
    fits = labels % divisor < 1000
    relabel[labels[fits]] = (labels // divisor * 1000 + labels % divisor)[fits]
    expected = quality_of(tuple(relabel[labels] for labels in pair))
    assert PanopticQuality(space).update(*pair).compute() == expected


@pytest.mark.parametrize(('prediction', 'truth', 'message'), [
    (np.zeros((2, 3), np.uint16), np.zeros((3, 2), np.uint16), '3x2 and truth 2x3'),
    (np.zeros((2, 3), np.int32), np.zeros((2, 3), np.uint16), 'prediction is int32'),
    (np.zeros((2, 3), np.uint16), np.zeros((2, 3, 1), np.uint16), r'truth is uint16 \(2, 3, 1\)'),
    (np.zeros((0, 3), np.uint16), np.zeros((0, 3), np.uint16), r'uint16 \(0, 3\)'),
    ([[0]], row((0, 1)), 'prediction is a list'),
    (row((0, 1)), row((19000, 1)), 'truth has the label 19000, class 19'),
    (row((30000, 1)), row((0, 1)), 'prediction has the label 30000, class 30'),
    (row((3, 1)), row((0, 1)), "label 3, an instance of the stuff class 'road'"),
    (row((0, 1)), row((10005, 1)), "truth has the label 10005, an instance of .* 'sky'"),
    (row((13000, 1)), row((13000, 1)), "thing class 'car' without an instance"),
])
def test_errors_name_what_is_wrong(prediction, truth, message):
    with pytest.raises(ValueError, match=message):
        PanopticQuality(SPACE).update(prediction, truth)


def test_other_label_spaces_do_not_merge():
    other = LabelSpace('few', 1000, SPACE.categories[:5])
    with pytest.raises(ValueError, match="'few' into 'cityscapes'"):
        PanopticQuality(SPACE).merge(PanopticQuality(other))
