import json

import numpy as np
import official_instances as official
import pytest
from label_scenes import scene_pair

from panoptic_ros import UNLABELED, LabelSpace, Panoptic, Segments
from panoptic_ros.evaluation import AveragePrecision

SPACE = LabelSpace.load('cityscapes')
CAR, PERSON = 13001, 11001
LARGE = 40      # side of a square, past the least area


def scored(labels, scores):
    return Panoptic(labels, Segments.measure(labels, SPACE, scores), SPACE)


def random_pair(seed):
    prediction, truth = scene_pair(seed, SPACE, (160, 240))
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 8, UNLABELED + 1).astype(np.float32) / 7     # many are equal
    return scored(prediction, scores), truth


def image(*squares):
    """Return road with squares of (label, left edge, side)."""
    labels = np.zeros((64, 256), np.uint16)
    for label, left, side in squares:
        labels[8:8 + side, left:left + side] = label
    return labels


def precision_of(*pairs):
    measure = AveragePrecision(SPACE)
    for prediction, truth in pairs:
        measure.update(prediction, truth)
    return measure.compute()


def test_equal_to_the_cityscapes_evaluator(tmp_path):
    pytest.importorskip(official.MODULE, exc_type=ImportError,
                        reason='needs cityscapesscripts: run `make setup`')
    pairs = [random_pair(seed) for seed in range(16)]
    expected = official.evaluate(pairs, tmp_path)
    result = precision_of(*pairs)
    assert result.mean.ap == pytest.approx(100 * expected['allAp'], abs=1e-6)
    assert result.mean.ap50 == pytest.approx(100 * expected['allAp50%'], abs=1e-6)
    assert 5 < result.mean.ap < result.mean.ap50 < 95
    theirs = {name: (100 * value['ap'], 100 * value['ap50%'])
              for name, value in expected['classes'].items() if not np.isnan(value['ap'])}
    assert {name: (value.ap, value.ap50) for name, value in result.per_class.items()} == {
        name: pytest.approx(value, abs=1e-6) for name, value in theirs.items()}
    assert len(theirs) == 8


def test_a_perfect_prediction_is_precise():
    truth = scene_pair(3, SPACE, (160, 240), crowd=False)[1]
    result = precision_of((truth, truth))
    assert set(result.per_class.values()) == {result.mean}
    assert (result.mean.ap, result.mean.ap50) == pytest.approx((100, 100))


def test_false_instances_cost_less_the_lower_they_score():
    truth = image((CAR, 0, LARGE))
    prediction = image((CAR, 0, LARGE), (CAR + 1, 100, LARGE))
    scores = np.ones(UNLABELED + 1, np.float32)
    scores[CAR + 1] = 0.5
    assert precision_of((scored(prediction, scores), truth)).mean.ap == pytest.approx(100)
    assert precision_of((prediction, truth)).mean.ap == pytest.approx(75)       # all score 1
    scores[CAR] = 0.25
    assert precision_of((scored(prediction, scores), truth)).mean.ap == pytest.approx(25)


def test_the_iou_decides_at_which_thresholds_an_instance_is_found():
    truth, prediction = image((CAR, 0, LARGE)), image((CAR, 10, LARGE))     # IoU 0.6
    result = precision_of((prediction, truth)).per_class['car']
    assert result.ap50 == pytest.approx(100)
    assert result.ap == pytest.approx(20)       # exceeds 0.5 and 0.55


@pytest.mark.parametrize('excuse', [UNLABELED, CAR - 1, CAR + 5])
def test_predictions_on_void_crowd_or_small_instances_are_not_false(excuse):
    side = 8 if excuse == CAR + 5 else LARGE
    truth = image((CAR, 0, LARGE), (excuse, 100, side))
    prediction = image((CAR, 0, LARGE), (CAR + 1, 100, side))
    assert precision_of((prediction, truth)).mean.ap == pytest.approx(100)
    other = image((CAR, 0, LARGE), (PERSON, 100, side))     # excused by void alone
    truth = truth + image((PERSON, 200, LARGE))
    prediction = other + image((PERSON + 1, 200, LARGE))
    person = precision_of((prediction, truth)).per_class['person'].ap
    assert person == pytest.approx(100 if excuse == UNLABELED else 75)


def test_classes_without_true_instances_do_not_count():
    result = precision_of((image((PERSON, 0, LARGE)), image((CAR, 100, LARGE))))
    assert {name: value.ap for name, value in result.per_class.items()} == {'car': 0}
    empty = precision_of((image((PERSON, 0, LARGE)), image()))
    assert np.isnan(empty.mean.ap)
    assert json.loads(json.dumps(empty.to_dict(), allow_nan=False))['ap'] is None


def test_merging_in_any_order_is_counting_in_one_go():
    pairs = [random_pair(seed) for seed in range(4)]
    left, right = AveragePrecision(SPACE), AveragePrecision(SPACE)
    for index, pair in enumerate(pairs):
        (right if index in (0, 2) else left).update(*pair)
    merged = left.merge(right).compute()
    assert merged == precision_of(*pairs)
    assert merged.images == 4
