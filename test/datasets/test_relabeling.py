import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from panoptic_ros import UNLABELED, LabelSpace
from panoptic_ros.datasets.relabeling import VOID, labels_of, relabel

SPACE = LabelSpace.load('cityscapes')
CAR, ROAD = SPACE.names.index('car'), SPACE.names.index('road')


@settings(max_examples=examples(30))
@given(arrays(np.uint32, st.tuples(st.integers(1, 6), st.integers(1, 6)),
              elements=st.integers(0, 5)))
def test_each_pixel_gets_what_the_rule_says_of_its_code(codes):
    asked = []

    def rule(distinct):
        asked.extend(distinct.tolist())
        return (distinct * 7 + 1).astype(np.uint16)

    np.testing.assert_array_equal(relabel(codes, rule), codes * 7 + 1)
    assert asked == np.unique(codes).tolist()


def test_stuff_has_no_instance_and_void_no_label():
    labels = labels_of(SPACE, np.array([ROAD, CAR, CAR, VOID]), np.array([5, 5, 0, 5]))
    assert labels.tolist() == [0, CAR * 1000 + 5, CAR * 1000, UNLABELED]


def test_too_large_an_instance_number_is_an_error_for_things_only():
    assert labels_of(SPACE, np.array([ROAD, VOID]), np.array([1000, 1000])).tolist() == [
        0, UNLABELED]
    with pytest.raises(ValueError, match=r"'car' has the instance number 1000: .* tells only 999"):
        labels_of(SPACE, np.array([CAR]), np.array([1000]))
