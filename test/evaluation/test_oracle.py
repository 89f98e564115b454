import numpy as np
import pytest
from label_scenes import scene_pair

from panoptic_ros import UNLABELED, LabelSpace
from panoptic_ros.evaluation import evaluate
from panoptic_ros.evaluation.deeplab.oracle import Oracle, encode
from panoptic_ros.evaluation.held_out import HeldOutStreets

SPACE = LabelSpace.load('cityscapes')


def quality(truths, stride, space=SPACE):
    oracle = Oracle(truths.__getitem__, space, stride)
    return evaluate(range(len(truths)), space, oracle).panoptic_quality.compute()


@pytest.fixture(scope='module')
def streets():
    return [truth for _, truth in HeldOutStreets(3, (256, 512))]


@pytest.mark.slow
def test_full_resolution_loses_nothing_of_streets(streets):
    assert quality(streets, 1).all.pq == 100


def test_a_coarse_grid_loses_something_of_streets(streets):
    coarse = quality(streets, 4)
    assert 70 < coarse.all.pq < 95
    assert coarse.all.pq > quality(streets, 8).all.pq


@pytest.mark.parametrize('name', ['cityscapes', 'coco', 'kitti-step', 'kitti-360'])
def test_full_resolution_loses_nothing_of_scenes_with_void_and_crowd(name):
    space = LabelSpace.load(name)
    truths = [scene_pair(seed, space, (128, 192))[1] for seed in range(6)]
    assert np.isin(np.stack(truths), np.array(space.thing_ids) * space.label_divisor).any()
    result = quality(truths, 1, space)
    assert result.all.pq == 100
    assert result.all.classes > 10


def test_void_outvotes_no_small_thing():
    """Class 0 of COCO is a thing: person; a bird of nine pixels in the middle of nothing."""
    space = LabelSpace.load('coco')
    truth = np.full((64, 64), UNLABELED, np.uint16)
    truth[50:] = space.names.index('road') * 256
    truth[20:23, 30:33] = bird = space.names.index('bird') * 256 + 1
    oracle = Oracle([truth].__getitem__, space, 1)
    prediction = oracle(0).prediction
    assert (prediction[truth == bird] // 256 == bird // 256).all()
    result = quality([truth], 1, space)
    assert set(result.per_class) == {'road', 'bird'}
    assert result.all.pq == 100


def test_things_around_one_middle_are_told_apart():
    truth = np.zeros((40, 60), np.uint16)
    for number, reach in enumerate((12, 9, 6, 3, 0), 1):       # frames in frames
        truth[20 - reach:21 + reach, 30 - reach:31 + reach] = 13000 + number
    assert quality([truth], 1).all.pq == 100
    assert quality([truth], 1).per_class['car'].tp == 5


def test_an_image_full_of_things_leaves_no_middle_free():
    truth = 13001 + np.arange(16, dtype=np.uint16).reshape(4, 4)
    assert encode(truth, SPACE, 1).center.max() == 1


def test_without_things_there_is_no_offset():
    heads = encode(np.zeros((8, 8), np.uint16), SPACE, 1)
    assert np.isfinite(heads.offset).all()
    assert quality([np.zeros((8, 8), np.uint16)], 1).all.pq == 100


@pytest.mark.parametrize('stride', [1, 4])
def test_a_size_that_the_stride_does_not_divide_is_padded(stride):
    truth = np.zeros((61, 47), np.uint16)
    truth[20:50, 10:40] = 13001
    result = quality([truth], stride)
    assert result.per_class['car'].tp == result.per_class['road'].tp == 1
    heads = encode(truth, SPACE, stride)
    assert heads.center.shape == (-(-61 // stride), -(-47 // stride))


def test_nothing_labelled_has_heads_too():
    heads = encode(np.full((16, 16), UNLABELED, np.uint16), SPACE, 4)
    assert not heads.semantic.any()
    assert not heads.center.any()


def test_offsets_point_at_the_middle_of_the_thing():
    truth = np.zeros((32, 32), np.uint16)
    truth[4:13, 8:25] = 13001       # middle pixel (8, 16)
    heads = encode(truth, SPACE, 1)
    assert np.unravel_index(heads.center.argmax(), heads.center.shape) == (8, 16)
    assert heads.offset[:, 4, 8].tolist() == [4, 8]
    assert heads.offset[:, 12, 24].tolist() == [-4, -8]
    assert heads.offset[:, 0, 0].tolist() == [8, 16]        # around it, to the nearest thing
