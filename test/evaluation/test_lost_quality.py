import json

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from label_scenes import scene_pair

from panoptic_ros import UNLABELED, LabelSpace
from panoptic_ros.evaluation import PanopticQuality
from panoptic_ros.evaluation.lost_quality import CAUSES, LostQuality

SPACE = LabelSpace.load('cityscapes')
ROAD, SKY = 0, 10000
SEEDS = st.integers(0, 2**32 - 1)


def lost_by(*pairs):
    lost = LostQuality(SPACE)
    for prediction, truth in pairs:
        lost.update(prediction, truth)
    return lost.compute()


def row(*runs):
    """Return a label image of one row from (label, pixels) runs."""
    return np.repeat(*np.array(runs).T)[None].astype(np.uint16)


def causes(prediction, truth):
    """Return the causes that have unmatched segments, with their numbers."""
    result = lost_by((prediction, truth))
    return {cause: count for cause, count in result.unmatched.items() if count}


@given(SEEDS)
@settings(max_examples=examples(40))
def test_the_causes_add_up_to_what_pq_lacks(seed):
    pairs = [scene_pair(seed + i, SPACE, (40, 60)) for i in range(2)]
    result = lost_by(*pairs)
    quality = PanopticQuality(SPACE)
    for pair in pairs:
        quality.update(*pair)
    expected = quality.compute()
    assert result.per_class.keys() == expected.per_class.keys()
    for name, shares in result.per_class.items():
        assert tuple(shares) == CAUSES
        assert min(shares.values()) >= 0
        assert sum(shares.values()) == pytest.approx(100 - expected.per_class[name].pq)
    for group in ('all', 'things', 'stuff'):
        assert sum(getattr(result, group).values()) == pytest.approx(
            100 - getattr(expected, group).pq, nan_ok=True)
    assert sum(result.unmatched.values()) == sum(
        one.fp + one.fn for one in expected.per_class.values())


@given(SEEDS, st.permutations(range(4)), st.integers(0, 4))
@settings(max_examples=examples(20))
def test_merging_in_any_order_is_counting_in_one_go(seed, order, cut):
    pairs = [scene_pair(seed + i, SPACE, (40, 60)) for i in range(4)]
    left, right = LostQuality(SPACE), LostQuality(SPACE)
    for position, index in enumerate(order):
        (left if position < cut else right).update(*pairs[index])
    merged, expected = right.merge(left).compute(), lost_by(*pairs)
    assert merged.images == 4
    assert merged.unmatched == expected.unmatched
    assert merged.per_class == {name: pytest.approx(shares, abs=1e-9)
                                for name, shares in expected.per_class.items()}


@given(SEEDS)
@settings(max_examples=examples(30))
def test_where_only_classes_are_wrong_all_is_lost_to_them(seed):
    truth = scene_pair(seed, SPACE, (40, 60), crowd=False)[1]
    rng = np.random.default_rng(seed)
    new_class = np.arange(len(SPACE))
    for ids in (SPACE.thing_ids, SPACE.stuff_ids):
        new_class[list(ids)] = rng.permutation(ids)
    prediction = truth.copy()
    labelled = truth != UNLABELED
    prediction[labelled] = new_class[truth[labelled] // 1000] * 1000 + truth[labelled] % 1000
    result = lost_by((prediction, truth))
    for shares in (result.all, result.things, result.stuff):
        assert [shares[cause] for cause in CAUSES if cause != 'class'] == pytest.approx(
            [0] * 5, nan_ok=True)
    assert set(result.unmatched.values()) <= {0, result.unmatched['class']}


@given(SEEDS)
@settings(max_examples=examples(30))
def test_exchanging_the_sides_exchanges_merged_with_split_and_missed_with_invented(seed):
    prediction, truth = (np.where(labels == UNLABELED, SKY, labels).astype(np.uint16)
                         for labels in scene_pair(seed, SPACE, (40, 60), crowd=False))
    result, exchanged = lost_by((prediction, truth)), lost_by((truth, prediction))
    for cause, other in (('class', 'class'), ('mask', 'mask'), ('merged', 'split'),
                         ('split', 'merged'), ('missed', 'invented'), ('invented', 'missed')):
        assert result.all[cause] == pytest.approx(exchanged.all[other])
        assert result.unmatched[cause] == exchanged.unmatched[other]


@given(SEEDS)
@settings(max_examples=examples(30))
def test_causes_are_those_of_the_pixels(seed):
    prediction, truth = scene_pair(seed, SPACE, (24, 32))
    expected = dict.fromkeys(CAUSES, 0)
    for cause in causes_by_pixels(prediction, truth):
        expected[cause] += 1
    assert lost_by((prediction, truth)).unmatched == expected


def causes_by_pixels(prediction, truth):
    """Yield the cause of each unmatched segment, from sets of pixels as the docstring says."""
    known = truth != UNLABELED
    trues, crowds, found = {}, {}, {}
    for label in np.unique(truth[known]).tolist():
        is_crowd = label % 1000 == 0 and SPACE.is_thing[label // 1000]
        (crowds if is_crowd else trues)[label] = truth == label
    for label in np.unique(prediction[prediction != UNLABELED]).tolist():
        found[label] = prediction == label

    def iou(true, predicted):
        return (true & predicted).sum() / (true | (predicted & known)).sum()

    def in_half(part, whole):
        return 2 * (part & whole).sum() > part.sum()

    for t, true in trues.items():
        same = {p: mask for p, mask in found.items() if p // 1000 == t // 1000}
        siblings = [mask for label, mask in trues.items() if label // 1000 == t // 1000]
        best = max((iou(true, mask) for mask in same.values()), default=0)
        if best > 0.5:
            continue
        yield ('class' if any(iou(true, mask) > 0.5 for mask in found.values()) else
               'merged' if any(in_half(true, mask) and sum(in_half(one, mask) for one in siblings)
                               > 1 for mask in same.values()) else
               'split' if sum(in_half(mask & known, true) for mask in same.values()) > 1 else
               'mask' if best > 0.1 else 'missed')
    for p, mask in found.items():
        same = {t: true for t, true in trues.items() if t // 1000 == p // 1000}
        siblings = [one & known for label, one in found.items() if label // 1000 == p // 1000]
        best = max((iou(true, mask) for true in same.values()), default=0)

        def excused(mask, crowd):
            return 2 * (mask & (~known | crowd)).sum() > mask.sum()

        own = [crowd for t, crowd in crowds.items() if t // 1000 == p // 1000]
        if best > 0.5 or any(excused(mask, crowd) for crowd in [~known, *own]):
            continue
        yield ('class' if any(iou(true, mask) > 0.5 for true in trues.values())
               or any(excused(mask, crowd) for crowd in crowds.values()) else
               'split' if any(in_half(mask & known, true) and sum(
                   in_half(one, true) for one in siblings) > 1 for true in same.values()) else
               'merged' if sum(in_half(true, mask) for true in same.values()) > 1 else
               'mask' if best > 0.1 else 'invented')


@pytest.mark.parametrize(('prediction', 'truth', 'expected'), [
    (row((ROAD, 9), (13001, 4)), row((ROAD, 9), (13001, 4)), {}),
    (row((ROAD, 9), (14001, 4)), row((ROAD, 9), (13001, 4)), {'class': 2}),
    (row((ROAD, 9), (13001, 8)), row((ROAD, 9), (13001, 4), (13002, 4)), {'merged': 3}),
    # the larger one matches; the smaller is what was merged
    (row((ROAD, 9), (13001, 8)), row((ROAD, 9), (13001, 6), (13002, 2)), {'merged': 1}),
    (row((ROAD, 9), (13001, 6), (13002, 2)), row((ROAD, 9), (13001, 8)), {'split': 1}),
    (row((ROAD, 9)), row((ROAD, 5), (13001, 4)), {'missed': 1}),
    (row((ROAD, 5), (13001, 4)), row((ROAD, 9)), {'invented': 1}),
    (row((ROAD, 9), (13001, 2), (SKY, 2)), row((ROAD, 9), (13001, 4), (SKY, 0)),
     {'mask': 2, 'invented': 1}),
    # a wall that a building swallows is missed: nothing of its class is in its place
    (row((2000, 12)), row((2000, 9), (3000, 3)), {'missed': 1}),
    # crowd of persons would excuse a person, and it is a rider
    (row((ROAD, 9), (12001, 4)), row((ROAD, 9), (11000, 4)), {'class': 1}),
])
def test_each_kind_of_error_alone(prediction, truth, expected):
    assert causes(prediction, truth) == expected


def test_a_match_with_another_outline_is_lost_to_the_mask():
    result = lost_by((row((ROAD, 7), (13001, 3)), row((ROAD, 6), (13001, 4))))
    assert set(result.unmatched.values()) == {0}
    assert result.per_class['car'] == pytest.approx({**dict.fromkeys(CAUSES, 0), 'mask': 25})


def test_nothing_counted_is_nan_and_still_json():
    result = LostQuality(SPACE).compute()
    assert np.isnan(list(result.all.values())).all()
    data = json.loads(json.dumps(result.to_dict(), allow_nan=False))
    assert data['all'] == dict.fromkeys(CAUSES)
    assert data['unmatched'] == dict.fromkeys(CAUSES, 0)
