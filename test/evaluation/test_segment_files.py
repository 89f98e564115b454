import cv2
import dataset_trees
import numpy as np
import pytest
from label_scenes import scene_pair

from panoptic_ros import UNLABELED, LabelSpace
from panoptic_ros.datasets import open_dataset
from panoptic_ros.evaluation.class_agnostic import ClassAgnostic, erase_classes
from panoptic_ros.evaluation.held_out import HeldOutStreets
from panoptic_ros.evaluation.parallel import accumulate
from panoptic_ros.evaluation.segment_files import SegmentFiles, TruthFolder, read_segments

SPACE = LabelSpace.load('cityscapes')


def write(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), pixels)


def ids_of(labels, space):
    """Return what a tool that finds the truth's segments would write."""
    erased = erase_classes(labels, space, 'truth')
    return np.where(erased == UNLABELED, 0, erased * 3).astype(np.uint16)


@pytest.mark.parametrize('kind', sorted(dataset_trees.NAMES))
def test_files_have_the_names_of_a_data_set(kind, tmp_path):
    dataset = open_dataset(kind, dataset_trees.tree(kind, tmp_path / 'data'))
    for index, name in enumerate(dataset.names):
        write(tmp_path / f'ids/{name}.png', ids_of(dataset.truth(index), dataset.label_space))
    files = SegmentFiles(tmp_path / 'ids', dataset)
    result = accumulate(ClassAgnostic, range(len(files)), files).to_dict()
    assert (result['pq'], result['fp'], result['fn']) == (100, 0, 0)
    assert result['tp'] > len(files)


def test_files_have_the_paths_of_a_folder(tmp_path):
    truth = scene_pair(1, SPACE)[1]
    write(tmp_path / 'truth/a/1.png', truth)
    write(tmp_path / 'truth/.hidden/1.png', truth)
    write(tmp_path / 'ids/a/1.png', ids_of(truth, SPACE))
    pair = SegmentFiles(tmp_path / 'ids', TruthFolder(tmp_path / 'truth', SPACE))(0)
    np.testing.assert_array_equal(pair.truth, erase_classes(truth, SPACE, 'truth'))
    assert ClassAgnostic().update(*pair).to_dict()['pq'] == 100
    with pytest.raises(FileNotFoundError, match='no PNG file under'):
        TruthFolder(tmp_path / 'nowhere', SPACE)


def test_ids_of_zero_and_of_our_own_unlabelled_are_no_segments(tmp_path):
    write(tmp_path / 'ids.png', np.array([[0, 1, 65534, 65535]], np.uint16))
    assert read_segments(tmp_path / 'ids.png').tolist() == [[UNLABELED, 1, 65534, UNLABELED]]


@pytest.mark.parametrize(('pixels', 'message'), [
    (np.zeros((96, 160, 3), np.uint8), 'is 8-bit colour: expected a 16-bit grey PNG'),
    (np.zeros((96, 160, 3), np.uint16), 'is 16-bit colour: expected a 16-bit grey PNG'),
    (np.zeros((96, 160), np.uint8), r'is 8-bit grey: .* write it with cv2.imwrite'),
    (np.zeros((48, 80), np.uint16), 'is 80x48 and its truth 160x96: expected one size'),
])
def test_other_images_are_refused(pixels, message, tmp_path):
    write(tmp_path / '1000000.png', pixels)
    files = SegmentFiles(tmp_path, HeldOutStreets(1, (96, 160)))
    with pytest.raises(ValueError, match=f'1000000.png {message}'):
        files(0)


def test_a_missing_file_is_named(tmp_path):
    write(tmp_path / '1000000.png', np.zeros((96, 160), np.uint16))
    with pytest.raises(FileNotFoundError, match=r'lacks 2 of the 3 images of segment ids, the '
                       r'first of them 1000001\.png: write one for each'):
        SegmentFiles(tmp_path, HeldOutStreets(3, (96, 160)))


def test_a_truth_of_other_classes_is_named(tmp_path):
    for folder in ('truth', 'ids'):
        write(tmp_path / folder / 'a.png', np.full((4, 4), 40001, np.uint16))
    with pytest.raises(ValueError, match=r'truth of .*a.png has the label 40001'):
        SegmentFiles(tmp_path / 'ids', TruthFolder(tmp_path / 'truth', SPACE))(0)
