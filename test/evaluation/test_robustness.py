import cv2
import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from panoptic_ros import UNLABELED, LabelSpace, Panoptic
from panoptic_ros.evaluation.held_out import HeldOutStreets
from panoptic_ros.evaluation.pieces import small_pixels
from panoptic_ros.evaluation.robustness import CLEAN, Outcome, worst
from panoptic_ros.evaluation.viewpoints import VIEWPOINTS, Viewpoint

SPACE = LabelSpace.load('cityscapes')
ROAD, BUILDING, SKY, CAR = (1000 * SPACE.names.index(name)
                            for name in ('road', 'building', 'sky', 'car'))


@settings(max_examples=examples(100))
@given(st.integers(1, 14), st.integers(1, 14), st.integers(1, 30), st.integers(0, 999))
def test_pieces_are_those_that_touch_by_their_sides(height, width, area, seed):
    labels = np.random.default_rng(seed).choice(
        np.array([ROAD, ROAD, SKY, UNLABELED], np.uint16), (height, width))
    expected = 0
    for label in (ROAD, SKY):
        stats = cv2.connectedComponentsWithStats((labels == label).astype(np.uint8),
                                                 connectivity=4)[2]
        expected += sum(piece for piece in stats[1:, cv2.CC_STAT_AREA] if piece < area)
    assert small_pixels(labels, area) == expected


def panoptic(labels):
    return Panoptic.from_labels(labels.astype(np.uint16), SPACE)


def halves():
    """20x20 of building over road."""
    truth = np.full((20, 20), BUILDING, np.uint16)
    truth[10:] = ROAD
    return truth


def test_an_outcome_tells_what_changed_what_shattered_and_what_is_taken_for_what():
    truth, clean, other = halves(), panoptic(halves()), halves()
    other[8:10] = SKY                       # 40 of 400 pixels
    other[0, 0] = UNLABELED
    outcome = Outcome(SPACE)
    outcome.update(panoptic(other), truth, clean)
    outcome.update(clean, truth, clean)
    assert outcome.changed == pytest.approx(100 * 41 / 800)
    assert outcome.small == pytest.approx(100 * 40 / 800)
    assert outcome.true_small == 0
    assert outcome.taken('building') == ('sky', 100 * 40 / 400)
    assert outcome.taken('road') is None
    found = outcome.to_dict()
    assert found['iou'] == pytest.approx({'road': 100, 'building': 100 * 359 / 400, 'sky': 0})
    assert found['pixel_accuracy'] == pytest.approx(100 * 759 / 800)
    assert found['images'] == 2
    assert found['taken'] == {'building': {'name': 'sky', 'share': 10.0}}


def test_other_numbers_of_instances_are_no_change():
    truth = halves()
    truth[12:16, 2:6], truth[12:16, 8:12] = CAR + 1, CAR + 2
    swapped = truth.copy()
    swapped[12:16, 2:6], swapped[12:16, 8:12] = CAR + 2, CAR + 1
    outcome = Outcome(SPACE)
    outcome.update(panoptic(swapped), truth, panoptic(truth))
    assert outcome.changed == 0


def test_without_the_clean_result_nothing_is_compared():
    outcome = Outcome(SPACE)
    outcome.update(panoptic(halves()), halves())
    assert np.isnan(outcome.changed)
    assert outcome.to_dict()['changed'] is None


def test_the_worst_conditions_of_a_class_come_first_and_are_worse_than_clean():
    outcomes = {}
    for name, rows in ((CLEAN, 4), ('mild', 5), ('bad', 9), ('worse', 10), ('better', 1)):
        predicted = halves()
        predicted[:rows] = SKY
        outcomes[name] = Outcome(SPACE)
        outcomes[name].update(panoptic(predicted), halves())
    assert [(bad.condition, bad.iou) for bad in worst(outcomes, 'building', 2)] == [
        ('worse', 0), ('bad', pytest.approx(10))]
    assert [bad.condition for bad in worst(outcomes, 'building')] == ['worse', 'bad', 'mild']
    assert worst(outcomes, 'road') == []


@pytest.mark.parametrize(('aspect', 'size'), [(3.3, (310, 1024)), (4 / 3, (512, 683)),
                                              (None, (512, 1024))])
def test_another_aspect_keeps_the_width_or_the_height(aspect, size):
    assert Viewpoint(aspect=aspect).size((512, 1024)) == size


@pytest.mark.slow
def test_other_cameras_see_the_same_moment_elsewhere():
    """The horizon moves with the pitch, things grow with the zoom, and labels follow."""
    streets = HeldOutStreets(2, (64, 128))
    image, truth = Viewpoint().frame(streets, 1)
    for found, expected in zip((image, truth), streets[1], strict=True):
        np.testing.assert_array_equal(found, expected)
    sky, things = {}, {}
    for name in ('looking down', 'looking up', 'zoomed in', 'zoomed out'):
        frames = [VIEWPOINTS[name].frame(streets, index) for index in range(2)]
        assert all(image.shape[:2] == labels.shape for image, labels in frames)
        sky[name] = np.mean([labels == SKY for _, labels in frames])
        things[name] = np.mean([SPACE.is_thing[SPACE.semantic(labels) % 255]
                                for _, labels in frames])
    assert sky['looking down'] < sky['looking up'] / 2
    assert things['zoomed in'] > 1.3 * things['zoomed out']
