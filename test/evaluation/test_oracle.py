import numpy as np
import pytest
from label_scenes import scene_pair

from panoptic_ros import UNLABELED, LabelSpace
from panoptic_ros.evaluation import evaluate
from panoptic_ros.evaluation.held_out import HeldOutStreets
from panoptic_ros.evaluation.oracle import Oracle, encode

SPACE = LabelSpace.load('cityscapes')


def quality(truths, stride):
    oracle = Oracle(truths.__getitem__, SPACE, stride)
    return evaluate(range(len(truths)), SPACE, oracle).panoptic_quality.compute()


@pytest.fixture(scope='module')
def streets():
    return [truth for _, truth in HeldOutStreets(3, (256, 512))]


def test_full_resolution_loses_nothing_of_streets(streets):
    assert quality(streets, 1).all.pq >= 99


def test_a_coarse_grid_loses_something_of_streets(streets):
    coarse = quality(streets, 4)
    assert 70 < coarse.all.pq < 95
    assert coarse.all.pq > quality(streets, 8).all.pq


def test_full_resolution_loses_nothing_of_scenes_with_void_and_crowd():
    truths = [scene_pair(seed, SPACE, (128, 192))[1] for seed in range(6)]
    assert np.isin(np.stack(truths), np.array(SPACE.thing_ids) * SPACE.label_divisor).any()
    result = quality(truths, 1)
    assert result.all.pq >= 99
    assert result.all.classes > 10


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
