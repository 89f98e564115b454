"""Heads of an input that an image fills in part: labels of the image alone."""

from dataclasses import replace

import numpy as np
import pytest
from same_results import assert_same

from panoptic_ros.benchmarks.heads import make_heads
from panoptic_ros.families import deeplab
from panoptic_ros.labels import LabelSpace

SPACE = LabelSpace.load('cityscapes')
OPTIONS = deeplab.Options(stuff_area=0)


@pytest.fixture(params=['reference', 'cpu'])
def method(request):
    if request.param == 'cpu':
        pytest.importorskip('numba')
    return request.param


def decode(heads, size, method, options=OPTIONS):
    return deeplab.decode(heads, SPACE, size, method, options, confidence=True)


@pytest.mark.parametrize(('image_size', 'size'), [
    ((40, 80), (40, 80)), ((40, 80), (120, 240)), ((41, 83), (205, 410)), ((39, 128), (20, 60)),
    ((64, 65), (640, 650)), ((64, 66), (640, 660)), ((64, 128), (64, 128)), ((4, 4), (9, 9))])
def test_the_result_is_that_of_the_image_s_cells_alone(method, image_size, size):
    """To the last row and column, whatever the network puts out for the padding."""
    heads = make_heads(SPACE, (64, 128), 6)
    rows, columns = replace(heads.grid, image_size=image_size).image_cells
    if (rows, columns) == tuple(side // 4 for side in image_size):
        expected = decode(deeplab.Heads(
            heads.semantic[:, :rows, :columns], heads.center[:rows, :columns],
            heads.offset[:, :rows, :columns], size=image_size), size, method)
    else:       # the last cell is not wholly in the image, and no input has such
        expected = decode(replace(heads, image_size=image_size), size, method)
    random = np.random.default_rng(0)
    for array, spread in ((heads.semantic, 90), (heads.center, 2), (heads.offset, 900)):
        for padding in (array[..., rows:, :], array[..., columns:]):
            padding[:] = random.normal(0, spread, padding.shape)
            padding[..., ::5] = np.nan
    assert_same(decode(replace(heads, image_size=image_size), size, method), expected)
    assert len(expected.segments) > 1 or size == (9, 9)


def test_offsets_are_scaled_by_the_part_that_the_image_fills(method):
    """Two cars; each points to its centre, and the image is three times the part."""
    car = SPACE.names.index('car')
    semantic = np.zeros((len(SPACE), 16, 32), np.float32)
    semantic[car] = 9
    center = np.zeros((16, 32), np.float32)
    center[5, 1] = center[5, 14] = 0.9
    offset = np.zeros((2, 16, 32), np.float32)
    offset[1, :, :12] = 4 * (1 - np.arange(12))     # 12 of the 16 columns of the part
    offset[1, :, 12:] = 4 * (14 - np.arange(12, 32))
    heads = deeplab.Heads(semantic, center, offset, image_size=(64, 64))
    labels = decode(heads, (192, 192), method).labels
    one, other = car * 1000 + 1, car * 1000 + 2
    assert (labels[:, :3 * 46] == one).all()
    assert (labels[:, 3 * 50:] == other).all()


def test_an_image_must_fill_a_part_of_the_heads_input():
    heads = make_heads(SPACE, (64, 128), 0)
    with pytest.raises(ValueError, match=r'image_size is \(65, 128\): expected .*\(64, 128\)'):
        replace(heads, image_size=(65, 128))
