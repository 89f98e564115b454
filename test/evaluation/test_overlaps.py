import numpy as np
import pytest
from label_scenes import scene_pair

from panoptic_ros import UNLABELED, LabelSpace, Panoptic, Segments
from panoptic_ros.evaluation import Overlaps

SPACE = LabelSpace.load('cityscapes')
THINGS = np.array([class_id * 1000 + instance for class_id in SPACE.thing_ids
                   for instance in range(1, 1000)], np.uint16)


def check(prediction, truth):
    overlaps = Overlaps.measure(prediction, truth, SPACE)
    joint = truth.astype(np.int64) << 16 | prediction
    pairs, pixels = np.unique(joint, return_counts=True)
    np.testing.assert_array_equal(
        overlaps.truth.astype(np.int64) << 16 | overlaps.prediction, pairs)
    np.testing.assert_array_equal(overlaps.pixels, pixels)


@pytest.mark.parametrize('size', [(1, 1), (1, 3), (3, 7), (5, 8), (41, 67)])
def test_pairs_are_counted_whatever_the_size(size):
    for seed in range(5):
        check(*scene_pair(seed, SPACE, size))


def test_pairs_are_counted_however_many_there_are():
    rng = np.random.default_rng(0)
    check(*rng.choice(THINGS, (2, 90, 111)))


def test_memory_need_not_be_contiguous_nor_writable():
    prediction, truth = (labels[::2, 1::3] for labels in scene_pair(1, SPACE))
    check(prediction, truth)
    truth = truth.copy()
    truth.setflags(write=False)
    check(prediction, truth)


def test_scores_are_those_of_the_predicted_segments():
    prediction, truth = scene_pair(2, SPACE)
    scores = np.random.default_rng(0).random(UNLABELED + 1).astype(np.float32)
    scores[UNLABELED] = 1
    scored = Panoptic(prediction, Segments.measure(prediction, SPACE, scores), SPACE)
    overlaps = Overlaps.measure(scored, truth, SPACE)
    np.testing.assert_array_equal(overlaps.score, scores[overlaps.prediction])
    assert (Overlaps.measure(prediction, truth, SPACE).score == 1).all()
