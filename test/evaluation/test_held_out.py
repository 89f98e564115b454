import numpy as np

from panoptic_ros import LabelSpace
from panoptic_ros.evaluation import evaluate
from panoptic_ros.evaluation.held_out import FIRST_HELD_OUT_SEED, HeldOutStreets, single_frame
from panoptic_ros.evaluation.predicted import Predicted

SPACE = LabelSpace.load('cityscapes')
SIZE = (96, 192)


class AllRoad:
    """Predicts road everywhere; counts its calls."""

    calls = 0

    def __call__(self, image):
        self.calls += 1
        return np.zeros(image.shape[:2], np.uint16)


def test_frames_are_of_held_out_drives_each_its_own():
    first = HeldOutStreets(SIZE).truth(0)
    np.testing.assert_array_equal(
        first.labels, single_frame(FIRST_HELD_OUT_SEED, SIZE)[1].labels)
    assert (first.labels != HeldOutStreets(SIZE).truth(1).labels).any()


def test_the_predictor_opens_once_and_its_first_call_is_not_timed():
    opened = []

    def open_predictor():
        opened.append(AllRoad())
        return opened[-1]

    loader = Predicted(HeldOutStreets(SIZE), open_predictor)
    assert all(0 <= loader(index).seconds < 1 for index in range(3))
    assert [predictor.calls for predictor in opened] == [1 + 3]


def test_evaluation_of_streets_is_the_same_with_workers():
    one, two = (evaluate(range(4), SPACE, Predicted(HeldOutStreets(SIZE), AllRoad), workers)
                for workers in (1, 2))
    assert one.to_dict() == two.to_dict()
    road = one.panoptic_quality.compute().per_class['road']
    assert road.tp + road.fp == 4       # one segment in each frame
    assert set(one.panoptic_quality.compute().per_class) > {'road', 'building', 'sky'}
