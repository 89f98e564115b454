import cv2
import numpy as np
import pytest

from panoptic_ros import UNLABELED, LabelSpace
from panoptic_ros.datasets import Kitti360, KittiStep


def write_labels(dataset, pixels):
    path = dataset.root / dataset.label_file(dataset.names[0])
    cv2.imwrite(str(path), pixels)
    return path


def test_kitti_360_merges_the_classes_that_its_evaluation_merges(tree):
    dataset = Kitti360(tree('kitti-360'))
    names = dataset.label_space.names
    write_labels(dataset, np.array([[34001, 35000, 37012, 11005, 38001, 0]], np.uint16))
    assert dataset.truth(0)[0].tolist() == [1000 * names.index(name) for name in (
        'building', 'fence', 'pole', 'building')] + [UNLABELED, UNLABELED]


def test_kitti_360_counts_things_from_one(tree):
    dataset = Kitti360(tree('kitti-360'))
    car = 1000 * dataset.label_space.names.index('car')
    write_labels(dataset, np.array([[26000, 26001, 26999, 7000]], np.uint16))
    assert dataset.truth(0)[0].tolist() == [car, car + 1, car + 999, 0]


def test_kitti_step_splits_class_and_number_over_the_colors(tree):
    dataset = KittiStep(tree('kitti-step'))
    write_labels(dataset, np.array([[[2, 1, 13], [0, 0, 255], [0, 0, 0], [0, 0, 12]]], np.uint8))
    assert dataset.truth(0).tolist() == [[13000 + 258, UNLABELED, 0, 12000]]


def test_in_kitti_step_persons_and_cars_alone_are_things(tree):
    """As DeepLab2's ``KITTI_STEP_INFORMATION.class_has_instances_list`` has it."""
    dataset = KittiStep(tree('kitti-step'))
    assert dataset.label_space.thing_ids == (11, 13)
    write_labels(dataset, np.array([[[n, 0, c] for c in range(11, 19) for n in (0, 3)]], np.uint8))
    assert dataset.truth(0)[0].tolist() == [
        1000 * c + n * (c in (11, 13)) for c in range(11, 19) for n in (0, 3)]


def test_kitti_step_maps_with_red_and_blue_exchanged_are_refused(tree):
    dataset = KittiStep(tree('kitti-step'))
    path = dataset.root / dataset.label_file(dataset.names[0])
    cv2.imwrite(str(path), cv2.imread(str(path))[..., ::-1])
    with pytest.raises(ValueError, match=f"{path}: .* 'road', have the number of an instance: .*"
                                         'are red and blue exchanged|have the class'):
        dataset.truth(0)
    write_labels(dataset, np.array([[[2, 0, 0]]], np.uint8))
    with pytest.raises(ValueError, match=f"{path}: .* 'road', have the number of an instance"):
        dataset.truth(0)


@pytest.mark.parametrize(('kind', 'changed'), [
    (KittiStep, {'rider', 'truck', 'bus', 'train', 'motorcycle', 'bicycle'}),
    (Kitti360, {'bus', 'train'})])
def test_the_classes_are_those_of_cityscapes_that_the_official_evaluation_has(tree, kind, changed):
    space = kind(tree('kitti-step' if kind is KittiStep else 'kitti-360')).label_space
    cityscapes = LabelSpace.load('cityscapes')
    kept = [category for category in cityscapes.categories if category.name not in changed]
    assert [category for category in space.categories if category.name not in changed] == kept
    assert space.label_divisor == cityscapes.label_divisor
    others = [category for category in space.categories if category.name in changed]
    assert not any(category.is_thing for category in others)
    assert {category.name for category in others} == (changed if kind is KittiStep else set())


def test_the_clips_of_kitti_step_are_sequences_up_to_a_gap(tree):
    dataset = KittiStep(tree('kitti-step'))
    assert dataset.rate == 10
    assert dataset.clips() == [range(2), range(2, 3)]
    name = dataset.names[1]
    for file in (dataset.image_file, dataset.label_file):
        (dataset.root / file(name)).rename(dataset.root / file('0002/000002'))
    assert KittiStep(dataset.root).clips() == [range(1), range(1, 2), range(2, 3)]
    for file in (dataset.image_file, dataset.label_file):
        (dataset.root / file('0002/000002')).rename(dataset.root / file('0002/last'))
    with pytest.raises(ValueError, match=r'0002/last\.png has no number: expected'):
        KittiStep(dataset.root).clips()


def test_a_kitti_step_class_beyond_the_training_ids_is_an_error(tree):
    dataset = KittiStep(tree('kitti-step'))
    path = write_labels(dataset, np.array([[[0, 0, 26]]], np.uint8))
    with pytest.raises(ValueError, match=f'{path}: pixels have the class 26: expected a training'):
        dataset.truth(0)


def test_a_kitti_step_map_without_colors_is_refused(tree):
    dataset = KittiStep(tree('kitti-step'))
    write_labels(dataset, np.zeros((4, 5), np.uint16))
    with pytest.raises(ValueError, match=r'it is uint16 \(4, 5\): expected a colour PNG'):
        dataset.truth(0)
