"""Half-downloaded data sets: the error names what is missing and where it comes from."""

import shutil

import pytest
from dataset_trees import NAMES

from panoptic_ros.datasets import DATASETS, open_dataset

KINDS = sorted(DATASETS)
SOURCES = {
    'cityscapes': ('leftImg8bit_trainvaltest.zip', 'gtFine_trainvaltest.zip'),
    'coco': ('val2017.zip', 'panoptic_annotations_trainval2017.zip'),
    'kitti-360': ('Perspective Images for Train', '"Semantics"'),
    'kitti-step': ('data_tracking_image_2.zip', 'kitti-step.tar.gz')}


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('part', ['image', 'labels'])
def test_one_missing_file_is_named_with_its_archive(tree, kind, part):
    root = tree(kind)
    dataset = open_dataset(kind, root)
    name = dataset.names[1]
    path = root / (dataset.image_file(name) if part == 'image' else dataset.label_file(name))
    path.unlink()
    with pytest.raises(FileNotFoundError) as error:
        open_dataset(kind, root)
    message = str(error.value)
    assert f'1 of 3 frames have no {part}, the first of them {path}' in message
    assert SOURCES[kind][part == 'labels'] in message


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('part', ['image', 'labels'])
def test_a_missing_folder_counts_as_all_its_files(tree, kind, part):
    root = tree(kind)
    dataset = open_dataset(kind, root)
    file = dataset.image_file if part == 'image' else dataset.label_file
    top = {('coco', 'labels'): 'annotations/panoptic_val2017',
           ('kitti-360', 'labels'): f'data_2d_semantics/train/{NAMES[kind][0].split("/")[0]}'}
    folder = root / top.get((kind, part), file(dataset.names[0]).split('/')[0])
    lost = 2 if folder.name.startswith('2013') else 3
    shutil.rmtree(folder)
    with pytest.raises(FileNotFoundError, match=f'{lost} of 3 frames have no {part}'):
        open_dataset(kind, root)


@pytest.mark.parametrize('kind', KINDS)
def test_an_empty_folder_says_what_to_unpack(tmp_path, kind):
    with pytest.raises(FileNotFoundError, match=r'unpack .* (into|there)'):
        open_dataset(kind, tmp_path)


@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('part', ['image', 'labels'])
@pytest.mark.parametrize('share', [0, 0.6])
def test_a_truncated_file_is_an_error(tree, kind, part, share):
    dataset = open_dataset(kind, tree(kind))
    name = dataset.names[0]
    path = dataset.root / (dataset.image_file(name) if part == 'image'
                           else dataset.label_file(name))
    data = path.read_bytes()
    path.write_bytes(data[:int(share * len(data))])
    with pytest.raises(ValueError, match=f'{path} is truncated'):
        dataset[0]


@pytest.mark.parametrize('kind', KINDS)
def test_a_damaged_file_is_an_error(tree, kind):
    dataset = open_dataset(kind, tree(kind))
    path = dataset.root / dataset.label_file(dataset.names[0])
    path.write_bytes(b'\0' * 8 + path.read_bytes()[8:])
    with pytest.raises(ValueError, match=f'{path} is no image'):
        dataset.truth(0)


def test_kitti_360_without_its_list_has_all_that_is_labelled(tree):
    root = tree('kitti-360')
    (root / 'data_2d_semantics/train/2013_05_28_drive_val_frames.txt').unlink()
    with pytest.raises(FileNotFoundError, match=r"val_frames.txt does not exist: .* split 'all'"):
        open_dataset('kitti-360', root)
    assert open_dataset('kitti-360', root, 'all').names == NAMES['kitti-360']


def test_kitti_360_takes_the_listed_frames_only(tree):
    root = tree('kitti-360')
    path = root / 'data_2d_semantics/train/2013_05_28_drive_val_frames.txt'
    path.write_text(path.read_text().splitlines()[2])
    assert open_dataset('kitti-360', root).names == NAMES['kitti-360'][2:]
    path.write_text('a.png b.png\n')
    with pytest.raises(ValueError, match=r"has the line 'a.png b.png'"):
        open_dataset('kitti-360', root)


def test_coco_annotations_may_be_of_fewer_images(tree):
    root = tree('coco')
    (root / 'val2017/000000000999.jpg').touch()
    assert open_dataset('coco', root).names == NAMES['coco']
