"""Pictures of one's own and their label images: what is read, and what is refused."""

import numpy as np
import pytest
from dataset_trees import write
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from label_scenes import scene_pair

from panoptic_ros import LabelSpace
from panoptic_ros.datasets import LabelledFolders, open_dataset
from panoptic_ros.datasets.looking import look
from panoptic_ros.datasets.parts import held_out, spread

SPACE = LabelSpace.load('cityscapes')
SKY, CAR = 10000, 13000


def folders(root, **files):
    """Write pictures and label images, by default one pair."""
    for name, pixels in (files or {'a.png': np.full((4, 6), CAR + 1, np.uint16)}).items():
        write(root / 'truth' / name, pixels)
        write(root / 'images' / name, np.zeros((4, 6, 3), np.uint8))
    return LabelledFolders(root / 'images', root / 'truth', SPACE)


def test_pairs_are_found_in_subfolders_by_their_names_without_the_endings(tmp_path):
    labels = scene_pair(3, SPACE)[1]
    write(tmp_path / 'images/b/2.JPG', np.zeros((*labels.shape, 3), np.uint8))
    write(tmp_path / 'images/1.webp', np.zeros((*labels.shape, 3), np.uint8))
    write(tmp_path / 'truth/b/2.png', labels)
    write(tmp_path / 'truth/1.png', labels)
    found = LabelledFolders(tmp_path / 'images', tmp_path / 'truth', SPACE)
    assert found.names == ('1', 'b/2')
    np.testing.assert_array_equal(found[1][1], labels)
    assert found.description == 'own frames: 2 images of images, labels of cityscapes'


@pytest.mark.parametrize(('label', 'message'), [
    (19000, r'a\.png: pixels have the label 19000, which is class 19 .*classes 0 to 18'),
    (SKY + 1, r"a\.png: pixels have the label 10001, .* stuff class 'sky'"),
    (65534, 'label 65534, which is class 65 with label_divisor 1000')])
def test_labels_of_another_label_space_are_refused(label, message, tmp_path):
    frames = folders(tmp_path, **{'a.png': np.array([[label, CAR, 65535]], np.uint16)})
    with pytest.raises(ValueError, match=message):
        frames.truth(0)


def test_pictures_in_place_of_labels_are_refused(tmp_path):
    frames = folders(tmp_path, **{'a.png': np.zeros((4, 6, 3), np.uint8)})
    with pytest.raises(ValueError, match='16-bit grey PNG of class_id \\* 1000'):
        look(frames)


def test_another_size_than_the_picture_is_refused(tmp_path):
    frames = folders(tmp_path, **{'a.png': np.full((5, 6), SKY, np.uint16)})
    with pytest.raises(ValueError, match=r'truth/a\.png is 6x5 and .*images/a\.png is 6x4'):
        look(frames)


def test_what_has_no_counterpart_is_named(tmp_path):
    folders(tmp_path)
    write(tmp_path / 'images/lone.jpg', np.zeros((4, 6, 3), np.uint8))
    with pytest.raises(FileNotFoundError, match=r'1 of 2 pictures .*truth/lone\.png'):
        folders(tmp_path)
    (tmp_path / 'images/lone.jpg').rename(tmp_path / 'truth/lone.png')
    with pytest.raises(FileNotFoundError, match=r'1 of 2 label images .*images/lone with'):
        folders(tmp_path)
    write(tmp_path / 'images/a.jpg', np.zeros((4, 6, 3), np.uint8))
    with pytest.raises(ValueError, match='rename one'):
        folders(tmp_path)


def test_folders_that_are_empty_or_not_there_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match='images is no folder'):
        LabelledFolders(tmp_path / 'images', tmp_path, SPACE)
    with pytest.raises(FileNotFoundError, match='no picture under'):
        LabelledFolders(tmp_path, tmp_path, SPACE)


def test_a_look_tells_of_labels_that_say_nothing(tmp_path):
    nothing = folders(tmp_path / 'a', **{'a.png': np.full((4, 6), 65535, np.uint16)})
    with pytest.raises(ValueError, match='no pixel of the 1 frames'):
        look(nothing)
    crowd = look(folders(tmp_path / 'b', **{'a.png': np.full((4, 6), CAR, np.uint16)}))
    assert 'no thing has the number of an instance' in crowd.notes[0]
    assert look(folders(tmp_path / 'c')) == ((4, 6), ())


class Named:
    """Frames that have only names."""

    description, label_space = 'named', SPACE

    def __init__(self, names):
        self.names = sorted(names)

    def __len__(self):
        return len(self.names)


@given(st.sets(st.text(max_size=8), min_size=2, max_size=60), st.floats(0.01, 0.99),
       st.text(max_size=8))
@settings(max_examples=examples(100))
def test_a_share_is_held_out_by_name(names, share, new):
    kept, out = held_out(Named(names), share)
    assert sorted((*kept.indices, *out.indices)) == list(range(len(names)))
    assert len(kept)
    assert len(out)
    more_kept, more_out = held_out(Named(names | {new}), share)
    moved = (set(kept.names) & set(more_out.names)) | (set(out.names) & set(more_kept.names))
    assert len(moved) <= 1      # the one that stood in for a part without frames


def test_a_tenth_is_a_tenth():
    assert 160 < len(held_out(Named(f'{number:06d}' for number in range(2000)), 0.1)[1]) < 240


@given(st.integers(1, 50), st.integers(0, 60))
@settings(max_examples=examples(100))
def test_frames_are_spread_evenly(count, wanted):
    indices = spread(Named(f'{number:03d}' for number in range(count)), wanted).indices
    assert len(indices) == min(count, wanted)
    assert list(indices) == sorted(set(indices))
    gaps = np.diff([-1, *indices, count])
    assert not len(indices) or gaps.max() <= 2 * count / len(indices) + 1


def test_the_format_of_coco_may_have_classes_of_its_own(tree):
    root = tree('coco')
    space = LabelSpace.from_dict({**LabelSpace.load('coco').to_dict(), 'name': 'mine'})
    assert open_dataset('coco', root, 'val2017', space).label_space.name == 'mine'
    with pytest.raises(ValueError, match=r"is of category .* of label space 'cityscapes'"):
        look(open_dataset('coco', root, None, SPACE))
    with pytest.raises(ValueError, match='kitti-step has classes of its own'):
        open_dataset('kitti-step', root, 'val', SPACE)
