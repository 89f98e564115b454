"""Every data set, written in its official layout and read back."""

import pickle

import cv2
import numpy as np
import pytest
from dataset_trees import NAMES, frames_of

from panoptic_ros import UNLABELED, LabelSpace
from panoptic_ros.datasets import DATASETS, open_dataset

KINDS = sorted(DATASETS)


@pytest.mark.parametrize('kind', [kind for kind in KINDS if kind != 'coco'])
def test_labels_are_those_that_were_written(tree, kind):
    dataset = open_dataset(kind, tree(kind))
    assert dataset.names == NAMES[kind]
    assert dataset.label_space == LabelSpace.load(kind)
    seen = []
    for (got_image, got), (_, image, labels) in zip(dataset, frames_of(kind), strict=True):
        np.testing.assert_array_equal(got_image, image)
        np.testing.assert_array_equal(got, labels)
        assert got.dtype == np.uint16
        seen += np.unique(labels).tolist()
    things = [label for label in seen if label // 1000 in dataset.label_space.thing_ids]
    assert UNLABELED in seen
    assert {label % 1000 == 0 for label in things} == {True, False}     # crowd and instances


def test_coco_numbers_the_instances_of_a_class_from_one(tree):
    dataset = open_dataset('coco', tree('coco'))
    space = dataset.label_space
    assert dataset.names == NAMES['coco']
    for index, (_, image, labels) in enumerate(frames_of('coco')):
        got = dataset.truth(index)
        np.testing.assert_array_equal(space.semantic(got), space.semantic(labels))
        np.testing.assert_array_equal(space.instances(got) == 0, space.instances(labels) == 0)
        assert len(np.unique(got)) == len(np.unique(labels)) == len(
            np.unique(np.stack([got.ravel(), labels.ravel()]), axis=1).T)
        for class_id in space.thing_ids:
            numbers = np.unique(space.instances(got[space.semantic(got) == class_id]))
            numbers = numbers[numbers > 0]
            assert numbers.tolist() == list(range(1, len(numbers) + 1))
        jpeg = cv2.imdecode(cv2.imencode('.jpg', image)[1], cv2.IMREAD_COLOR)
        np.testing.assert_array_equal(dataset.image(index), jpeg)


@pytest.mark.parametrize('kind', KINDS)
def test_a_worker_reads_what_its_parent_opened(tree, kind):
    dataset = open_dataset(kind, tree(kind))
    copy = pickle.loads(pickle.dumps(dataset))
    assert copy.names == dataset.names
    for got, expected in zip(copy[-1], dataset[2], strict=True):
        np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize('kind', KINDS)
def test_the_description_names_data_set_split_and_size(tree, kind):
    assert open_dataset(kind, tree(kind)).description.endswith(
        ' val2017: 3 images' if kind == 'coco' else ' val: 3 images')


@pytest.mark.parametrize('kind', KINDS)
def test_the_training_split_is_apart(tree, kind):
    split = 'train2017' if kind == 'coco' else 'train'
    root = tree(kind, split=split)
    assert len(open_dataset(kind, root, split)) == 3
    with pytest.raises(FileNotFoundError):
        open_dataset(kind, root)


@pytest.mark.parametrize('kind', KINDS)
def test_images_and_labels_of_different_sizes_are_refused(tree, kind):
    dataset = open_dataset(kind, tree(kind))
    name = dataset.names[1]
    path = dataset.root / dataset.image_file(name)
    cv2.imwrite(str(path), np.zeros((48, 80, 3), np.uint8))
    with pytest.raises(ValueError, match=r'is 160x96 and .* is 80x48: expected one size'):
        dataset[1]
    assert dataset.truth(1).shape == (96, 160)


def test_an_unknown_kind_is_an_error_that_lists_the_known():
    with pytest.raises(ValueError, match='cityscapes, coco, kitti-360, kitti-step'):
        open_dataset('camvid', '.')


@pytest.mark.parametrize('kind', ['cityscapes', 'kitti-step', 'kitti-360'])
def test_the_test_split_has_no_labels(kind, tmp_path):
    with pytest.raises(ValueError, match=r"split is 'test': expected 'train'.* withheld"):
        open_dataset(kind, tmp_path, 'test')
