import json

import numpy as np
import pytest
from label_scenes import scene_pair

from panoptic_ros import UNLABELED, LabelSpace
from panoptic_ros.evaluation import MeanIoU

SPACE = LabelSpace.load('cityscapes')


def image(*labels):
    return np.array([labels], np.uint16)


def test_iou_of_the_classes_by_hand():
    truth = image(0, 0, 0, 11001, 11002, UNLABELED, 13000)
    prediction = image(0, 0, 11003, 11003, UNLABELED, 13001, 13005)
    result = MeanIoU(SPACE).update(prediction, truth).compute()
    assert dict(result.per_class) == pytest.approx(
        {'road': 200 / 3, 'person': 100 / 3, 'car': 100.0})
    assert result.mean == pytest.approx(200 / 3)
    assert result.pixel_accuracy == pytest.approx(100 * 4 / 6)


def test_merging_is_counting_in_one_go():
    pairs = [scene_pair(seed, SPACE, (40, 60)) for seed in range(4)]
    whole, left, right = (MeanIoU(SPACE) for _ in range(3))
    for i, pair in enumerate(pairs):
        whole.update(*pair)
        (left if i % 2 else right).update(*pair)
    left.merge(right)
    assert left.compute() == whole.compute()
    assert left.compute().images == 4


def test_nothing_counted_has_no_mean_and_is_still_json():
    data = MeanIoU(SPACE).compute().to_dict()
    assert json.loads(json.dumps(data, allow_nan=False)) == {
        'mean': None, 'pixel_accuracy': None, 'per_class': {}, 'images': 0}


def test_other_label_spaces_do_not_merge():
    with pytest.raises(ValueError, match="'few' into 'cityscapes'"):
        MeanIoU(SPACE).merge(MeanIoU(LabelSpace('few', 1000, SPACE.categories[:5])))
