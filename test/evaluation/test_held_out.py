import numpy as np
import pytest

from panoptic_ros import LabelSpace
from panoptic_ros.evaluation import evaluate
from panoptic_ros.evaluation.held_out import HeldOutStreets, single_frame
from panoptic_ros.evaluation.predicted import Predicted
from panoptic_ros.streets import FIRST_HELD_OUT_SEED

SPACE = LabelSpace.load('cityscapes')
SIZE = (96, 192)


class AllRoad:
    """Predicts road everywhere; counts its calls."""

    calls = 0

    def __call__(self, image):
        self.calls += 1
        return np.zeros(image.shape[:2], np.uint16)


@pytest.mark.slow
def test_frames_are_of_held_out_drives_each_its_own():
    streets = HeldOutStreets(2, SIZE)
    image, truth = single_frame(FIRST_HELD_OUT_SEED, SIZE)
    np.testing.assert_array_equal(streets.image(0), image)
    np.testing.assert_array_equal(streets.truth(0), truth.labels)
    assert (streets.truth(0) != streets.truth(1)).any()


@pytest.mark.slow
def test_they_are_a_data_set():
    streets = HeldOutStreets(2, SIZE, 1_000_100)
    assert len(streets) == 2
    assert streets.names == ('1000100', '1000101')
    assert streets.description == ('streets: 2 plain frames of 96x192 from drive 1000100 '
                                   'on, one of each')
    assert len(list(streets)) == 2      # ends by itself
    np.testing.assert_array_equal(streets[1][1], streets.truth(1))


def test_the_predictor_opens_once_and_its_first_call_is_not_timed():
    opened = []

    def open_predictor():
        opened.append(AllRoad())
        return opened[-1]

    loader = Predicted(HeldOutStreets(3, SIZE), open_predictor)
    assert all(0 <= loader(index).seconds < 1 for index in range(3))
    assert [predictor.calls for predictor in opened] == [1 + 3]


@pytest.mark.slow
def test_evaluation_of_streets_is_the_same_with_workers():
    one, two = (evaluate(range(4), SPACE, Predicted(HeldOutStreets(4, SIZE), AllRoad), workers)
                for workers in (1, 2))
    assert one.to_dict() == two.to_dict()
    road = one.panoptic_quality.compute().per_class['road']
    assert road.tp + road.fp == 4       # one segment in each frame
    assert set(one.panoptic_quality.compute().per_class) > {'road', 'building', 'sky'}
