import shutil

import cv2
import numpy as np
import pytest
from label_scenes import scene_pair

from panoptic_ros import LabelSpace
from panoptic_ros.evaluation.label_files import LabelFolders, read_labels

SPACE = LabelSpace.load('cityscapes')


@pytest.fixture
def folders(tmp_path):
    for name in ('prediction/munich', 'truth/munich'):
        (tmp_path / name).mkdir(parents=True)
    for seed in range(3):
        for name, labels in zip(('prediction', 'truth'), scene_pair(seed, SPACE), strict=True):
            cv2.imwrite(str(tmp_path / name / 'munich' / f'{seed}.png'), labels)
    return tmp_path


def test_pairs_are_files_of_one_name(folders):
    loader = LabelFolders(folders / 'prediction', folders / 'truth')
    assert loader.names == [f'munich/{i}.png' for i in range(3)]
    for seed, name in enumerate(loader.names):
        for got, expected in zip(loader(name)[:2], scene_pair(seed, SPACE), strict=True):
            np.testing.assert_array_equal(got, expected)


def test_a_missing_prediction_is_named(folders):
    (folders / 'prediction/munich/1.png').unlink()
    with pytest.raises(FileNotFoundError, match=r'lacks 1 of the 3 label images .* munich/1.png'):
        LabelFolders(folders / 'prediction', folders / 'truth')


def test_hidden_files_and_folders_are_no_label_images(folders):
    (folders / 'truth/munich/._1.png').write_bytes(b'no image')
    shutil.copytree(folders / 'truth/munich', folders / 'truth/.ipynb_checkpoints')
    loader = LabelFolders(folders / 'prediction', folders / 'truth')
    assert loader.names == [f'munich/{i}.png' for i in range(3)]


def test_sizes_that_differ_are_named_with_their_files(folders):
    path = folders / 'prediction/munich/1.png'
    cv2.imwrite(str(path), np.zeros((48, 80), np.uint16))
    with pytest.raises(ValueError, match=f'{path} is 80x48 and .*truth/munich/1.png is 160x96'):
        LabelFolders(folders / 'prediction', folders / 'truth')('munich/1.png')


def test_an_empty_truth_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match='no PNG file under'):
        LabelFolders(tmp_path, tmp_path)


def test_other_images_are_refused(tmp_path):
    path = tmp_path / 'image.png'
    with pytest.raises(FileNotFoundError, match='no such label image'):
        read_labels(path)
    path.write_bytes(b'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n')
    with pytest.raises(ValueError, match='is a pointer of git LFS'):
        read_labels(path)
    path.write_bytes(b'no image')
    with pytest.raises(ValueError, match='is no image'):
        read_labels(path)
    cv2.imwrite(str(path), np.zeros((30, 40), np.uint16))
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match='is truncated'):
        read_labels(path)
    cv2.imwrite(str(path), np.zeros((3, 4), np.uint8))
    with pytest.raises(ValueError, match='expected a 16-bit grey PNG'):
        read_labels(path)
