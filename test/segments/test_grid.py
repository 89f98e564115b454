"""The part of the network's input that an image fills, and where its pixels lie there."""

from fractions import Fraction

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from panoptic_ros.segments.grid import Grid, filled
from panoptic_ros.segments.upsampling import Axis

SIZES = st.tuples(st.integers(1, 5000), st.integers(1, 5000))


@pytest.mark.parametrize(('size', 'input_size', 'expected'), [
    # what ResizeShortestEdge(800, 1333) of detectron2 gives
    ((480, 640), (800, 1333), (800, 1067)), ((427, 640), (800, 1333), (800, 1199)),
    ((1080, 1920), (800, 1333), (750, 1333)), ((375, 1242), (800, 1333), (402, 1333)),
    # what EoMT gives at 640
    ((480, 640), (640, 640), (480, 640)), ((640, 427), (640, 640), (640, 427)),
    ((333, 500), (640, 640), (426, 640)), ((1080, 1920), (640, 640), (360, 640)),
    # a half is rounded up
    ((45, 64), (640, 640), (450, 640)), ((9, 1280), (640, 640), (5, 640)),
    ((1280, 9), (640, 640), (640, 5)), ((1024, 2048), (512, 1024), (512, 1024)),
    ((3, 5000), (512, 1024), (1, 1024)), ((1, 1), (512, 1024), (512, 512))])
def test_a_padded_image_fills_what_the_sources_say(size, input_size, expected):
    assert filled(size, input_size, 'pad') == expected
    assert filled(size, input_size, 'stretch') == input_size


@settings(max_examples=examples(500))
@given(SIZES, SIZES)
def test_a_padded_image_keeps_its_shape_to_half_a_pixel(size, input_size):
    part = filled(size, input_size, 'pad')
    scale = min(Fraction(full, pixels) for pixels, full in zip(size, input_size, strict=True))
    assert any(a == b for a, b in zip(part, input_size, strict=True))
    for pixels, full, side in zip(part, input_size, size, strict=True):
        assert 1 <= pixels <= full
        exact = side * scale
        assert pixels == max(1, (exact + Fraction(1, 2)).__floor__())
    assert filled(part[::-1], part[::-1], 'pad') == part[::-1]


@pytest.mark.parametrize('image_size', [(0, 5), (65, 128), (64, 129), (64, -1)])
def test_an_image_fills_a_part_of_the_input(image_size):
    with pytest.raises(ValueError, match=r'image_size is .*: expected .* part of .*\(64, 128\)'):
        Grid((64, 128), image_size=image_size)


@pytest.mark.parametrize(('stride', 'align_corners', 'part'), [
    (1, False, (1, 1)), (4, False, (40, 77)), (4, False, (64, 113)), (5, False, (5, 128)),
    (3, False, (40, 79)), (4, True, (41, 81)), (4, True, (1, 128)), (1, True, (40, 77))])
@pytest.mark.parametrize('factor', [0.4, 1, 3.3])
def test_a_part_lies_between_its_cells_as_if_it_were_the_input(stride, align_corners, part,
                                                               factor):
    size = tuple(max(1, round(factor * pixels)) for pixels in part)
    grid = Grid((64, 128), stride, align_corners, part)
    alone = Axis.both(Grid(part, stride, align_corners), size)
    for axis, expected, cells, of_image in zip(Axis.both(grid, size), alone, grid.cells,
                                               grid.image_cells, strict=True):
        assert expected.places.shape == (2, of_image)
        for name in ('lower', 'upper', 'weights', 'cell'):
            np.testing.assert_array_equal(getattr(axis, name), getattr(expected, name), name)
        for name in ('starts', 'cell_starts'):      # the patches of the padding have no pixels
            np.testing.assert_array_equal(
                getattr(axis, name)[:of_image + 1], getattr(expected, name), name)
            assert (getattr(axis, name)[of_image:] == len(axis.lower)).all()
            assert len(getattr(axis, name)) == cells + 1
        np.testing.assert_array_equal(axis.places[:, :of_image], expected.places)


@pytest.mark.parametrize(('part', 'expected'), [
    (64, 16), (63, 16), (62, 16), (61, 15), (60, 15), (7, 2), (6, 2), (5, 1), (1, 1)])
def test_the_cells_of_the_image_are_those_whose_middle_lies_in_it(part, expected):
    assert Grid((64, 64), image_size=(64, part)).image_cells == (16, expected)
    assert Grid((67, 67), image_size=(66, part)).image_cells == (16, expected)


@pytest.mark.parametrize(('part', 'expected'), [
    (64, 17), (61, 16), (62, 16), (60, 15), (5, 2), (4, 1), (1, 1)])
def test_with_aligned_corners_the_cells_of_the_image_are_those_at_its_pixels(part, expected):
    """Those of the whole input go on to the end or past it, where nothing is padded."""
    assert Grid((64, 64), 4, True, (64, part)).image_cells == (17, expected)


def test_a_part_smaller_than_a_cell_has_the_cell_that_it_lies_in():
    assert Grid((64, 128), image_size=(3, 2)).image_cells == (1, 1)
    y, _ = Axis.both(Grid((64, 128), image_size=(3, 2)), (30, 20))
    assert not y.lower.any()
    assert not y.cell.any()
    assert (y.weights[0] == 1).all()
