"""Targets against the definition, pixel by pixel."""

import numpy as np
import pytest

from panoptic_ros.labels import UNLABELED, LabelSpace
from panoptic_ros.network.families.deeplab.targets import TargetOptions, make_targets

SPACE = LabelSpace.load('cityscapes')
CROWD = 11000
OPTIONS = TargetOptions(sigma=3.0, small_area=60.0, small_weight=3.0)


@pytest.fixture
def labels():
    labels = np.full((40, 64), 10000, np.uint16)
    labels[20:] = 0
    labels[5:15, 8:20] = 13001           # a car of 120 px, part of it hidden
    labels[8:15, 12:16] = 11001          # by a person of 28 px
    labels[30:38, 50:62] = 13002
    labels[30:36, 30:37] = CROWD
    labels[0:3, 0:5] = UNLABELED
    return labels


def brute_force(labels):
    height, width = labels.shape
    semantic = np.zeros((height, width), np.int64)
    weight, thing = np.ones((height, width)), np.zeros((height, width), bool)
    known = np.ones((height, width), bool)
    center, offset = np.zeros((height, width)), np.zeros((2, height, width))
    where = {label: np.argwhere(labels == label) for label in np.unique(labels)}
    for y in range(height):
        for x in range(width):
            label = labels[y, x]
            semantic[y, x] = 255 if label == UNLABELED else label // 1000
            known[y, x] = label not in (UNLABELED, CROWD)
            if label != UNLABELED and label % 1000:
                thing[y, x] = True
                offset[:, y, x] = where[label].mean(0) - (y, x)
                weight[y, x] = 3.0 if len(where[label]) < 60 else 1.0
            for other, pixels in where.items():
                if other != UNLABELED and other % 1000:
                    distance = ((pixels.mean(0) - (y, x)) ** 2).sum()
                    center[y, x] = max(center[y, x], np.exp(-distance / (2 * 3.0 ** 2)))
    return semantic, weight, center, offset, thing, known


@pytest.mark.parametrize(('stride', 'phase'), [(1, (0, 0)), (4, (0, 0)), (4, (3, 1))])
def test_targets_are_those_of_the_definition(labels, stride, phase):
    made = make_targets(labels, SPACE, OPTIONS, stride, phase)
    at = np.s_[phase[0]::stride, phase[1]::stride]
    semantic, weight, center, offset, thing, known = brute_force(labels)
    np.testing.assert_array_equal(made.known, known[at])
    np.testing.assert_array_equal(made.semantic, semantic[at])
    np.testing.assert_array_equal(made.thing, thing[at])
    np.testing.assert_allclose(made.weight, weight[at])
    np.testing.assert_allclose(made.center[0], center[at], atol=2e-4)
    np.testing.assert_allclose(made.offset, offset[(slice(None), *at)], atol=1e-4)


def test_types_and_shapes_are_those_that_the_losses_take(labels):
    made = make_targets(labels, SPACE, OPTIONS, 4)
    assert made.semantic.dtype == np.int64
    assert made.weight.dtype == made.center.dtype == made.offset.dtype == np.float32
    assert made.center.shape == (1, 10, 16)
    assert made.offset.shape == (2, 10, 16)


def test_an_image_without_any_thing_has_an_empty_heatmap():
    made = make_targets(np.full((8, 8), UNLABELED, np.uint16), SPACE, OPTIONS)
    assert not made.center.any()
    assert not made.offset.any()
    assert (made.semantic == 255).all()


def test_published_scales_shrink_with_the_image():
    assert TargetOptions.for_size((1024, 2048), 8.0) == TargetOptions(8.0)
    half = TargetOptions.for_size((512, 1024), 8.0)
    assert (half.sigma, half.small_area) == (4.0, 1024.0)


def test_options_out_of_range_are_refused():
    with pytest.raises(ValueError, match='must be positive'):
        TargetOptions(sigma=0)
