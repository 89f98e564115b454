"""The targets of mask classification networks: each segment's pixels, class and centre."""

import numpy as np
import pytest

pytest.importorskip('torch', reason='the targets stand beside the networks')

from panoptic_ros.labels import UNLABELED, LabelSpace
from panoptic_ros.network.families.masks.targets import (
    NO_CLASS,
    VOID,
    TargetOptions,
)

pytestmark = pytest.mark.torch

SPACE = LabelSpace.load('cityscapes')
ROAD, SKY, PERSON, CAR = 0, 10, 11, 13


def label(class_id, instance=0):
    return class_id * SPACE.label_divisor + instance


def targets(labels, **options):
    return TargetOptions(**{'most': 6, **options}).make(labels, SPACE, np.random.default_rng(0))


@pytest.fixture
def labels():
    labels = np.full((32, 48), label(ROAD), np.uint16)
    labels[:8] = label(SKY)
    labels[8:24, 8:24] = label(CAR, 1)
    labels[16:32, 32:48] = label(CAR, 2)
    labels[:, 0] = UNLABELED
    return labels


def test_each_segment_has_its_pixels_and_its_class(labels):
    made = targets(labels)
    table = {int(number): int(class_id) for number, class_id in enumerate(made['classes'])
             if class_id != NO_CLASS}
    assert sorted(table.values()) == [ROAD, SKY, CAR, CAR]
    for number, class_id in table.items():
        mine, = np.unique(labels[made['segments'] == number])
        assert SPACE.semantic(np.uint16(mine)) == class_id
        assert (made['segments'] == number).sum() == (labels == mine).sum()
    assert (made['segments'][:, 0] == VOID).all()
    assert (made['classes'][4:] == NO_CLASS).all()
    assert len(made['classes']) == 6


def test_shapes_depend_on_the_crop_alone(labels):
    shapes = {name: value.shape for name, value in targets(labels).items()}
    assert shapes == {'segments': (32, 48), 'classes': (6,), 'centers': (1, 4, 6),
                      'known': (1, 4, 6)}
    empty = targets(np.full((32, 48), UNLABELED, np.uint16))
    assert {name: value.shape for name, value in empty.items()} == shapes
    assert (empty['segments'] == VOID).all()
    assert not empty['centers'].any()
    assert not empty['known'].any()


def test_centers_are_those_of_the_visible_pixels_of_things(labels):
    centers = targets(labels)['centers'][0]
    assert np.argwhere(centers == 1).tolist() == [[1, 1], [2, 4]]
    assert 0 < centers[1, 2] < 1
    assert centers[0, 5] < centers[1, 5] < 1


def test_stuff_of_a_class_is_one_segment_whatever_its_numbers(labels):
    labels[30:] = label(ROAD, 7)
    made = targets(labels)
    assert sorted(made['classes'][made['classes'] != NO_CLASS]) == [ROAD, SKY, CAR, CAR]
    assert made['segments'][31, 20] == made['segments'][26, 20]


def test_crowd_is_void(labels):
    labels[labels == label(CAR, 1)] = label(CAR)
    made = targets(labels)
    assert (made['segments'][8:24, 8:24] == VOID).all()
    assert np.argwhere(made['centers'][0] == 1).tolist() == [[2, 4]]
    assert not made['known'][0, 1, 1]


def test_of_too_many_segments_the_smallest_are_void(labels):
    labels[10:12, 10:12] = label(PERSON, 1)
    made = targets(labels, most=4)
    assert (made['segments'][10:12, 10:12] == VOID).all()
    assert sorted(made['classes']) == [ROAD, SKY, CAR, CAR]


def test_numbers_are_those_of_all_classes():
    labels = np.full((8, 160), UNLABELED, np.uint16)
    for class_id in range(19):
        labels[:, 8 * class_id:8 * class_id + 8] = label(class_id, int(SPACE.is_thing[class_id]))
    made = targets(labels, most=30)
    assert made['classes'][:19].tolist() == list(range(19))
    assert made['segments'][0, ::8].tolist() == [*range(19), VOID]


def test_options_out_of_range_are_refused():
    for options, message in (({'most': 0}, 'most is 0'), ({'most': 256}, 'most is 256'),
                             ({'least_sigma': 0}, 'least_sigma')):
        with pytest.raises(ValueError, match=message):
            TargetOptions(**options)
