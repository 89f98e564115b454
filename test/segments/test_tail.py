"""From a code image to labels and table, for codes of whatever decoder."""

import numpy as np
import pytest
from grouping_cases import make_label_space
from hypothesis import given
from hypothesis import strategies as st

from panoptic_ros.labels import UNLABELED
from panoptic_ros.panoptic import Panoptic
from panoptic_ros.segments.grid import Grid
from panoptic_ros.segments.patches import OPEN, CodeImage
from panoptic_ros.segments.tallies import PROBABILITY_ONE, Tallies, empty_tallies
from panoptic_ros.segments.upsampling import Axis

pytest.importorskip('numba')
from panoptic_ros.segments.marks import Marks
from panoptic_ros.segments.numbering import number
from panoptic_ros.segments.painting import paint
from panoptic_ros.segments.tallying import add_up, tally_row
from panoptic_ros.segments.workers import run, thread_count

ROAD, SKY, CAR, BUS = range(4)
SPACE = make_label_space([False, False, True, True], 4)


def make_codes(cells, size, codes, seed):
    """Make a code image of which some patches are open; return it with the code of each pixel."""
    random = np.random.default_rng(seed)
    axes = Axis.both(Grid((4 * cells[0], 4 * cells[1])), size)
    image = CodeImage.empty(axes)
    image.patches[:] = random.choice([*range(codes), OPEN, OPEN], cells)
    image.pixels[:] = random.integers(0, codes, size)
    whole = image.patches[axes.y.lower][:, axes.x.lower]
    return image, np.where(whole == OPEN, image.pixels, whole)


@given(st.tuples(st.integers(1, 7), st.integers(1, 9)),
       st.tuples(st.integers(1, 40), st.integers(1, 60)), st.integers(1, 9), st.integers(0, 999))
def test_labels_and_table_are_those_of_the_codes(cells, size, codes, seed):
    image, code_of_pixel = make_codes(cells, size, codes, seed)
    class_of = np.random.default_rng(seed).integers(-1, 4, codes)
    for class_id in (ROAD, SKY):        # a class of stuff has one code
        class_of[np.flatnonzero(class_of == class_id)[1:]] = -1
    tallies = empty_tallies(1, codes)
    for row in range(cells[0]):
        tally_row(image, row, tallies[0])
    tallies['probability'] = tallies['area'] * PROBABILITY_ONE
    sums = add_up(tallies)
    np.testing.assert_array_equal(sums.area, np.bincount(code_of_pixel.ravel(), minlength=codes))
    label_of = number(class_of, sums.area, SPACE, 5)
    run(paint, image, label_of, [Marks.new(cells[1]) for _ in range(thread_count())])
    np.testing.assert_array_equal(image.pixels, label_of[code_of_pixel])
    Panoptic(image.pixels, sums.segments(label_of, np.ones(codes, np.float32), SPACE),
             SPACE).check()


def test_tallies_of_workers_add_up():
    image, _ = make_codes((6, 5), (24, 20), 4, seed=1)
    alone, shared = empty_tallies(1, 4), empty_tallies(3, 4)
    for row in range(6):
        tally_row(image, row, alone[0])
        tally_row(image, row, shared[row % 3])
    one, several = add_up(alone), add_up(shared)
    for column in ('area', 'sum_xy', 'box', 'probability'):
        np.testing.assert_array_equal(getattr(one, column), getattr(several, column), column)


def test_things_count_from_one_within_their_class_in_the_order_of_their_codes():
    labels = number(np.array([CAR, BUS, CAR, CAR]), np.array([1, 1, 0, 9]), SPACE, 0)
    assert labels.tolist() == [9, 13, UNLABELED, 10]     # one without pixels takes no number


def test_things_past_the_label_divisor_and_small_stuff_are_unlabelled():
    labels = number(np.array([ROAD, SKY, CAR, CAR, CAR, CAR, -1]),
                    np.array([20, 19, 1, 1, 1, 1, 7]), SPACE, 20)
    assert labels.tolist() == [0, UNLABELED, 9, 10, 11, UNLABELED, UNLABELED]


def test_a_score_is_the_mean_probability_times_the_weight_within_one():
    tallies = Tallies(np.array([4, 2, 0]), np.array([[8, 4], [2, 2], [0, 0]]),
                      np.array([[0, 0, 4, 1], [0, 1, 2, 2], [0, 0, 0, 0]], np.int32),
                      np.array([2, 2, 0]) * PROBABILITY_ONE)
    table = tallies.segments(np.array([0, 9, 10], np.uint16), np.array([1, 3, 1], np.float32),
                             SPACE)
    assert table.label.tolist() == [0, 9]
    assert table.score.tolist() == [0.5, 1]
    assert table.centroid.tolist() == [[2, 1], [1, 1]]


def test_codes_of_one_label_are_one_segment():
    tallies = Tallies(np.array([4, 2, 0, 3]), np.array([[8, 4], [2, 2], [0, 0], [3, 3]]),
                      np.array([[0, 0, 4, 1], [0, 1, 2, 2], [9, 9, 0, 0], [1, 5, 2, 6]], np.int32),
                      np.array([4, 1, 0, 3]) * PROBABILITY_ONE)
    labels, merged = tallies.merged(np.array([0, 0, 0, 9], np.uint16))
    assert labels.tolist() == [0, 9]
    assert merged.area.tolist() == [6, 3]
    assert merged.sum_xy.tolist() == [[10, 6], [3, 3]]
    assert merged.box.tolist() == [[0, 0, 4, 2], [1, 5, 2, 6]]
    assert merged.probability.tolist() == [5 * PROBABILITY_ONE, 3 * PROBABILITY_ONE]
