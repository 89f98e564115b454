import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from dataset_trees import NAMES, instance_ids, official_panoptic

from panoptic_ros import UNLABELED
from panoptic_ros.datasets import Cityscapes

REASON = 'needs cityscapesscripts: run `make setup`, or pip install cityscapesscripts'


@pytest.fixture
def panoptic_tree(tree):
    """Return a function that makes a tree with the official panoptic files only."""
    pytest.importorskip('cityscapesscripts', reason=REASON)

    def make(train_ids=False):
        root = tree('cityscapes')
        official_panoptic(root, train_ids=train_ids)
        expected = [labels for _, labels in Cityscapes(root)]
        for path in root.glob('gtFine/val/*/*'):
            path.unlink()
        return root, expected
    return make


def write_ids(dataset, ids):
    path = dataset.root / dataset.label_file(dataset.names[0])
    cv2.imwrite(str(path), np.array([ids], np.uint16))
    return path


@pytest.mark.parametrize('train_ids', [False, True])
def test_official_panoptic_files_say_the_same_as_instance_ids(panoptic_tree, train_ids):
    root, expected = panoptic_tree(train_ids)
    dataset = Cityscapes(root)
    assert 'cityscapes_panoptic_val' in dataset.label_file(dataset.names[0])
    assert dataset.names == NAMES['cityscapes']
    for index, labels in enumerate(expected):
        np.testing.assert_array_equal(dataset.truth(index), labels)


def test_the_official_ids_mean_what_the_official_definition_says(tree):
    labels = pytest.importorskip('cityscapesscripts.helpers.labels', reason=REASON).labels
    dataset = Cityscapes(tree('cityscapes'))
    known = [label for label in labels if label.id >= 0]
    write_ids(dataset, [label.id for label in known])
    assert dataset.truth(0)[0].tolist() == [
        UNLABELED if label.ignoreInEval else label.trainId * 1000 for label in known]
    write_ids(dataset, [label.id * 1000 + 6 for label in known if label.hasInstances])
    assert dataset.truth(0)[0].tolist() == [
        UNLABELED if label.ignoreInEval else label.trainId * 1000 + 7
        for label in known if label.hasInstances]


@pytest.mark.parametrize('ids', [[7, 34], [7, 255], [34000, 7]])
def test_ids_of_no_class_are_an_error(tree, ids):
    dataset = Cityscapes(tree('cityscapes'))
    path = write_ids(dataset, ids)
    with pytest.raises(ValueError, match=f'{path}: pixels have the id {max(ids)}'):
        dataset.truth(0)


def test_every_number_outside_the_things_is_an_error(tree):
    dataset = Cityscapes(tree('cityscapes'))
    for class_id in range(1, 65):
        path = write_ids(dataset, [7, class_id * 1000 + 3])
        if 24 <= class_id <= 33:
            dataset.truth(0)
            continue
        with pytest.raises(ValueError, match=f'{path}: pixels have the id {class_id}003') as error:
            dataset.truth(0)
        assert (class_id > 33) == ('expected a class from 0 to 33' in str(error.value))
        assert (class_id < 24) == ('for the classes 24 to 33 alone' in str(error.value))


@pytest.mark.parametrize('coding', ['training ids', 'class times 1000'])
def test_instance_ids_of_another_coding_are_refused(tree, coding):
    """As instanceTrainIds and KITTI-360 write them: things would be stuff, stuff a thing."""
    dataset = Cityscapes(tree('cityscapes'))
    path = dataset.root / dataset.label_file(dataset.names[0])
    labels = dataset.truth(0)
    if coding == 'training ids':
        plain = dataset.label_space.semantic(labels).astype(np.uint16)
        ids = np.where(dataset.label_space.instances(labels) > 0, labels - 1, plain)
    else:
        ids = instance_ids(labels, first=1)
    cv2.imwrite(str(path), ids)
    with pytest.raises(ValueError, match=f'{path}: pixels have the id .*(255: expected a class|'
                                         r'an instance of class \d+: expected numbers for)'):
        dataset.truth(0)


def test_label_images_of_another_kind_are_refused(tree):
    dataset = Cityscapes(tree('cityscapes'))
    path = dataset.root / dataset.label_file(dataset.names[0])
    cv2.imwrite(str(path), np.zeros((4, 5), np.uint8))
    with pytest.raises(ValueError, match=r'it is uint8 \(4, 5\): expected a 16-bit grey PNG'):
        dataset.truth(0)


def test_a_panoptic_file_without_its_png_is_incomplete(panoptic_tree):
    root, _ = panoptic_tree()
    next(root.glob('gtFine/cityscapes_panoptic_val/lindau*')).unlink()
    with pytest.raises(FileNotFoundError, match=r'1 of 3 frames have no labels.*csCreatePan'):
        Cityscapes(root)


def test_an_image_that_the_panoptic_file_does_not_list_has_no_labels(panoptic_tree):
    root, _ = panoptic_tree()
    edit(root, lambda annotations: annotations.pop())
    with pytest.raises(FileNotFoundError, match='1 of 3 frames have no labels'):
        Cityscapes(root)


def test_a_panoptic_file_with_other_categories_is_refused(panoptic_tree):
    root, _ = panoptic_tree()
    edit(root, lambda annotations: annotations[0]['segments_info'][0].update(category_id=3))
    with pytest.raises(ValueError, match='is of category 3: expected segments to have'):
        Cityscapes(root).truth(0)


def test_a_panoptic_file_that_lacks_a_segment_is_refused(panoptic_tree):
    root, _ = panoptic_tree()
    edit(root, lambda annotations: annotations[0]['segments_info'].pop())
    with pytest.raises(ValueError, match='disagree on image frankfurt_000000_000294: 1 segments'):
        Cityscapes(root).truth(0)


def test_instance_ids_are_preferred_where_they_are_complete(tree):
    root = tree('cityscapes')
    panoptic = root / 'gtFine/cityscapes_panoptic_val.json'
    panoptic.write_text('{"annotations": []}')
    assert len(Cityscapes(root)) == 3
    next(root.glob('gtFine/val/*/*')).unlink()
    with pytest.raises(FileNotFoundError, match=r'3 of 3 .* cityscapes_panoptic_val, which'):
        Cityscapes(root)


def edit(root: Path, change) -> None:
    path = root / 'gtFine/cityscapes_panoptic_val.json'
    data = json.loads(path.read_text())
    change(data['annotations'])
    path.write_text(json.dumps(data))
