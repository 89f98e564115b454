import cv2
import numpy as np
import pytest

from panoptic_ros import UNLABELED
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
