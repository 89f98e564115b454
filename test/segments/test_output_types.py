"""The families refuse outputs of the wrong kind alike, and take sizes of any kind."""

import numpy as np
import pytest

from panoptic_ros.families.deeplab.heads import Heads
from panoptic_ros.families.fpn.detections import Detections
from panoptic_ros.families.masks.queries import Queries

MAPS = np.zeros((3, 4, 8), np.float32)


def heads(size, image_size, maps=MAPS):
    return Heads(maps, MAPS[0], MAPS[:2], size=size, image_size=image_size)


def queries(size, image_size, maps=MAPS):
    return Queries(np.zeros((3, 2), np.float32), maps, size, image_size)


def detections(size, image_size, maps=MAPS):
    return Detections(maps, np.zeros((0, 4), np.float32), np.zeros(0, np.float32),
                      np.zeros(0, np.int64), np.zeros((0, 2, 2), np.float32), size, image_size)


@pytest.mark.parametrize('make', [heads, queries, detections])
def test_sizes_of_any_kind_become_tuples_of_whole_numbers(make):
    for kind in (tuple, list, np.array):
        made = make(kind([16, 32]), kind([9, 31]))
        assert (made.input_size, made.image_size) == ((16, 32), (9, 31))
        assert {type(pixels) for pixels in (*made.input_size, *made.image_size)} == {int}


@pytest.mark.parametrize('make', [heads, queries, detections])
@pytest.mark.parametrize('wrong', [(16, 32, 3), (16,), 16, (16.0, 32.0), ('16', '32'), '16',
                                   np.array([16.5, 32]), ((16, 32), 3)])
def test_other_sizes_are_refused(make, wrong):
    expected = r'size is .*: expected \(height, width\), two whole numbers'
    with pytest.raises(ValueError, match='^(input_)?' + expected):
        make(wrong, None)
    with pytest.raises(ValueError, match='^image_' + expected):
        make((16, 32), wrong)


@pytest.mark.parametrize('make', [heads, queries, detections])
def test_a_list_is_no_output(make):
    with pytest.raises(ValueError, match=r'^\w+ is of type list: expected a NumPy array'):
        make((16, 32), None, MAPS.tolist())
