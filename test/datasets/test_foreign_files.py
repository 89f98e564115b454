"""What lies in a data set's folders and is none of its files: passed over, or refused by name."""

import shutil

import cv2
import numpy as np
import pytest
from dataset_trees import NAMES

from panoptic_ros.datasets import DATASETS, open_dataset

KINDS = sorted(DATASETS)
POINTER = b"""version https://git-lfs.github.com/spec/v1
oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393
size 12345
"""


def files_of(dataset):
    """Return both paths of the second frame."""
    name = dataset.names[1]
    return [dataset.root / file(name) for file in (dataset.image_file, dataset.label_file)]


@pytest.mark.parametrize('kind', KINDS)
def test_hidden_files_and_folders_are_no_data(tree, kind):
    root = tree(kind)
    for path in files_of(open_dataset(kind, root)):
        path.with_name(f'._{path.name}').write_bytes(b'\0\5\x16\7Mac OS X')
        shutil.copytree(path.parent, path.parent / '.ipynb_checkpoints')
        if kind != 'coco':      # whose images lie in one folder
            shutil.copytree(path.parent, path.parent.with_name(f'.{path.parent.name}'))
    for split in ('all', 'val') if kind == 'kitti-360' else (None,):
        dataset = open_dataset(kind, root, split)
        assert dataset.names == NAMES[kind]
        assert [labels.shape for _, labels in dataset] == [(96, 160)] * 3


@pytest.mark.parametrize('kind', KINDS)
def test_a_data_set_may_lie_in_a_hidden_folder(tree, tmp_path, kind):
    tree(kind)
    hidden = tmp_path / '.cache' / 'data'
    hidden.mkdir(parents=True)
    for part in tmp_path.iterdir():
        if part.name != '.cache':
            part.rename(hidden / part.name)
    assert open_dataset(kind, hidden).names == NAMES[kind]


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('part', [0, 1], ids=['image', 'labels'])
def test_a_pointer_of_git_lfs_is_named(tree, kind, part):
    dataset = open_dataset(kind, tree(kind))
    path = files_of(dataset)[part]
    path.write_bytes(POINTER)
    with pytest.raises(ValueError, match=f'{path} is a pointer of git LFS.*: fetch it with `git'):
        dataset[1]


@pytest.mark.parametrize(('kind', 'file'), [
    ('coco', 'annotations/panoptic_val2017.json'),
    ('kitti-360', 'data_2d_semantics/train/2013_05_28_drive_val_frames.txt')])
def test_a_list_that_is_a_pointer_of_git_lfs_is_named(tree, kind, file):
    root = tree(kind)
    (root / file).write_bytes(POINTER)
    with pytest.raises(ValueError, match=f'{root / file} is a pointer of git LFS'):
        open_dataset(kind, root)


@pytest.mark.parametrize('kind', KINDS)
def test_labels_of_another_size_are_named_with_their_image(tree, kind):
    dataset = open_dataset(kind, tree(kind))
    image, labels = files_of(dataset)
    pixels = cv2.imread(str(labels), cv2.IMREAD_UNCHANGED)
    cv2.imwrite(str(labels), np.repeat(pixels, 2, axis=1))
    with pytest.raises(ValueError, match=f'{labels} is 320x96 and {image} is 160x96: expected'):
        dataset[1]


@pytest.mark.parametrize('part', [0, 1], ids=['image', 'labels'])
@pytest.mark.parametrize('name', ['000001_000000', 'lindau_000001_000000'])
def test_a_name_without_the_prefix_of_its_folder_is_named(tree, part, name):
    dataset = open_dataset('cityscapes', tree('cityscapes'))
    path = files_of(dataset)[part]
    renamed = path.with_name(path.name.replace('frankfurt_000001_000000', name))
    path.rename(renamed)
    with pytest.raises(ValueError, match=f"{renamed} begins with '{name.split('_')[0]}': expected "
                                         "its city, .* 'frankfurt'"):
        open_dataset('cityscapes', dataset.root)


def test_a_frame_outside_the_folder_of_its_sequence_is_missed_there(tree):
    dataset = open_dataset('kitti-step', tree('kitti-step'))
    path = files_of(dataset)[0]
    path.rename(path.parents[1] / '0002_000001.png')
    with pytest.raises(FileNotFoundError, match=f'1 of 3 frames have no image, .* {path}'):
        open_dataset('kitti-step', dataset.root)


@pytest.mark.parametrize('name', ['panoptic_val2017/000000000139.png', '000000000139.jpg',
                                  '../000000000139.png'])
def test_a_listed_name_with_a_folder_is_named(tree, name):
    root = tree('coco')
    path = root / 'annotations/panoptic_val2017.json'
    path.write_text(path.read_text().replace('"000000000139.png"', f'"{name}"'))
    with pytest.raises(ValueError, match=f"{path} has the file_name '{name}': expected"):
        open_dataset('coco', root)


def test_an_image_that_is_listed_twice_is_named(tree):
    root = tree('coco')
    path = root / 'annotations/panoptic_val2017.json'
    path.write_text(path.read_text().replace('000000000285.png', '000000000139.png'))
    with pytest.raises(ValueError, match=f'{path} lists 1 images twice, .* 000000000139'):
        open_dataset('coco', root)
