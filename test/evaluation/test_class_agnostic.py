import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from label_scenes import scene_pair

from panoptic_ros import UNLABELED, LabelSpace
from panoptic_ros.evaluation.class_agnostic import CLASS_AGNOSTIC, ClassAgnostic, erase_classes

SPACE = LabelSpace.load('cityscapes')
SEEDS = st.integers(0, 2**32 - 1)


def quality_of(prediction, truth, space=SPACE):
    erased = (erase_classes(labels, space, 'image') for labels in (prediction, truth))
    return ClassAgnostic().update(*erased).to_dict()


def pieces(mask):
    """Yield the pixels of each piece of a mask that touch by a side or a corner."""
    left = set(zip(*np.nonzero(mask), strict=True))
    while left:
        piece, ahead = set(), [left.pop()]
        while ahead:
            y, x = ahead.pop()
            piece.add((y, x))
            around = {(y + i, x + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & left
            left -= around
            ahead += around
        yield piece


@given(SEEDS)
@settings(max_examples=examples(20))
def test_segments_are_things_and_the_pieces_of_stuff(seed):
    rng = np.random.default_rng(seed)
    labels = rng.choice(np.array([0, 0, 10000, 13000, 13001, 13002, UNLABELED], np.uint16),
                        rng.integers(1, 16, 2))
    erased = erase_classes(labels, SPACE, 'image')
    expected = [{*zip(*np.nonzero(labels == thing), strict=True)} for thing in (13001, 13002)
                if (labels == thing).any()]
    expected += [piece for stuff in (0, 10000) for piece in pieces(labels == stuff)]
    numbers = set(np.unique(erased).tolist()) - {0, UNLABELED}
    assert numbers == set(range(1, len(expected) + 1))
    for segment in expected:
        number, = {erased[pixel] for pixel in segment}
        assert {*zip(*np.nonzero(erased == number), strict=True)} == segment
    np.testing.assert_array_equal(erased == 0, labels == 13000)         # crowd
    np.testing.assert_array_equal(erased == UNLABELED, labels == UNLABELED)


@given(SEEDS)
@settings(max_examples=examples(20))
def test_classes_change_nothing(seed):
    prediction, truth = scene_pair(seed, SPACE, (40, 60))
    rng = np.random.default_rng(seed)
    new_class = np.concatenate([rng.permutation(SPACE.stuff_ids),
                                rng.permutation(SPACE.thing_ids)])
    renamed = prediction.copy()
    known = prediction != UNLABELED
    renamed[known] = new_class[prediction[known] // 1000] * 1000 + prediction[known] % 1000
    result, expected = quality_of(renamed, truth), quality_of(prediction, truth)
    assert result.pop('large') == pytest.approx(expected.pop('large'), abs=1e-9)
    assert result == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize('name', ['cityscapes', 'coco', 'kitti-step', 'kitti-360'])
def test_a_perfect_prediction_has_100(name):
    space = LabelSpace.load(name)
    truth = scene_pair(1, space, crowd=False)[1]
    result = quality_of(truth, truth, space)
    assert result['pq'] == result['sq'] == result['rq'] == result['large']['pq'] == 100
    assert result['tp'] > result['large']['tp'] > 1
    assert result['large']['least_area'] == 100


def test_stuff_that_a_pole_divides_is_two_segments():
    truth = np.zeros((20, 41), np.uint16)
    truth[:, 20] = 5000                             # a pole of 20 pixels
    prediction = np.zeros_like(truth)
    result = quality_of(prediction, truth)
    assert (result['tp'], result['fp'], result['fn']) == (0, 1, 3)
    assert (result['large']['tp'], result['large']['fn']) == (0, 2)
    prediction[:, 19] = 10000                       # another class, and one pixel beside it
    result = quality_of(prediction, truth)
    assert (result['tp'], result['fp'], result['fn']) == (2, 1, 1)
    assert (result['large']['tp'], result['large']['fp'], result['large']['fn']) == (2, 0, 0)


def test_crowd_of_any_class_excuses():
    truth = np.full((10, 20), 11000, np.uint16)
    assert quality_of(np.full((10, 20), 13001, np.uint16), truth)['fp'] == 0


def test_nothing_is_undefined_and_counts_nothing():
    result = ClassAgnostic().to_dict()
    assert (result['pq'], result['large']['pq'], result['tp']) == (None, None, 0)


def test_noise_has_more_segments_than_labels():
    noise = np.full((520, 520), UNLABELED, np.uint16)
    noise[::2, ::2] = 0
    with pytest.raises(ValueError, match='truth falls into more than 65534 connected segments'):
        erase_classes(noise, SPACE, 'truth')
    noise[:, 500:] = UNLABELED
    assert erase_classes(noise, SPACE, 'truth')[-2, 498] == 260 * 250


def test_other_labels_are_refused():
    with pytest.raises(ValueError, match='truth has the label 19000, class 19'):
        erase_classes(np.full((2, 2), 19000, np.uint16), SPACE, 'truth')
    assert CLASS_AGNOSTIC.names == ('segment',)
