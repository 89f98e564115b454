from dataclasses import fields, replace

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from panoptic_ros import UNLABELED, Panoptic, Segments
from panoptic_ros.families.deeplab import Heads

LABELS = [0, 1000, 10000, 11001, 11007, 13001, 13002, 18999, UNLABELED]


@pytest.fixture
def street(cityscapes):
    labels = np.full((6, 8), 10000, np.uint16)
    labels[3:] = 0
    labels[2:5, 1:4] = 13001
    labels[5, 7] = UNLABELED
    return Panoptic.from_labels(labels, cityscapes)


def test_table_of_a_label_image(street):
    table = street.segments
    assert table.label.tolist() == [10000, 0, 13001]
    assert table.area.tolist() == [21, 17, 9]
    car = street.things
    assert car.area.tolist() == [9]
    assert car.box.tolist() == [[1, 2, 4, 5]]
    assert car.centroid.tolist() == [[2, 3]]
    assert car.instance.tolist() == [1]
    assert len(street.stuff) == 2
    street.check()


@settings(max_examples=examples(50))
@given(hnp.arrays(np.uint16, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12),
                  elements=st.sampled_from(LABELS)))
def test_measured_table_agrees_with_counting_pixels(labels):
    from panoptic_ros import LabelSpace
    panoptic = Panoptic.from_labels(labels, LabelSpace.load('cityscapes'))
    table = panoptic.segments
    assert set(table.label.tolist()) == set(labels[labels != UNLABELED].tolist())
    assert (np.diff(table.area) <= 0).all()
    for row, label in enumerate(table.label):
        y, x = np.nonzero(labels == label)
        assert table.area[row] == len(y)
        assert table.box[row].tolist() == [x.min(), y.min(), x.max() + 1, y.max() + 1]
        assert table.centroid[row] == pytest.approx((x.mean(), y.mean()), abs=1e-4)
    assert (panoptic.semantic() == 255).sum() == (labels == UNLABELED).sum()


def test_check_finds_a_pixel_that_disagrees(street):
    labels = street.labels.copy()
    labels[0, 0] = 13001
    with pytest.raises(ValueError, match='area column'):
        replace(street, labels=labels).check()


@pytest.mark.parametrize(('column', 'value', 'message'), [
    ('class_id', np.array([10, 0, 19], np.uint8), 'segment class 19 is not in label space'),
    ('instance', np.array([0, 0, 2], np.uint16), 'class_id \\* 1000'),
    ('area', np.array([9, 17, 21]), 'descending order'),
    ('area', np.array([21, 17, 9], np.int32), 'area is int32'),
    ('score', np.array([1, 1, 1.5], np.float32), r'leave \[0, 1\]'),
    ('score', np.array([1, 1, np.nan], np.float32), r'leave \[0, 1\]'),
    ('box', np.array([[0, 0, 9, 3]] * 3, np.int32), 'leaves the 8x6 image'),
    ('centroid', np.zeros((2, 2), np.float32), r'expected float32 \(3, 2\)'),
])
def test_refuses_a_table_that_cannot_be(street, column, value, message):
    with pytest.raises(ValueError, match=message):
        replace(street, segments=replace(street.segments, **{column: value}))


def test_refuses_an_instance_of_stuff_and_a_thing_without_number(street):
    columns = {c.name: getattr(street.segments, c.name) for c in fields(Segments)}
    for label in (10001, 13000):
        changed = columns | {'label': np.array([label, 0, 13001], np.uint16),
                             'class_id': np.array([label // 1000, 0, 13], np.uint8),
                             'instance': np.array([label % 1000, 0, 1], np.uint16)}
        with pytest.raises(ValueError, match='things count from instance 1'):
            replace(street, segments=Segments(**changed))


def test_refuses_other_label_images(street):
    with pytest.raises(ValueError, match='labels are int64'):
        replace(street, labels=street.labels.astype(np.int64))
    with pytest.raises(ValueError, match='confidence is float64'):
        replace(street, confidence=np.zeros(street.size))


def test_heads_know_the_input_size():
    heads = Heads(np.zeros((19, 8, 16), np.float16), np.zeros((8, 16), np.float16),
                  np.zeros((2, 8, 16), np.float16))
    assert heads.input_size == (32, 64)


def test_cells_at_the_corners_of_their_pixels_span_a_larger_or_smaller_input():
    arrays = [np.zeros(shape, np.float32) for shape in ((19, 9, 17), (9, 17), (2, 9, 17))]
    assert Heads(*arrays, align_corners=True).input_size == (33, 65)
    padded = Heads(*arrays, align_corners=True, size=(32, 64))
    assert padded.grid.cells == (9, 17)
    with pytest.raises(ValueError, match=r'heads have 9x17 cells, expected 10x17 cells'):
        Heads(*arrays, align_corners=True, size=(34, 65))


@pytest.mark.parametrize(('semantic', 'center', 'offset', 'message'), [
    ((19, 8), (8, 16), (2, 8, 16), 'semantic has shape'),
    ((19, 8, 16), (8, 15), (2, 8, 16), 'center has shape'),
    ((19, 8, 16), (8, 16), (3, 8, 16), 'offset has shape'),
    ((0, 8, 16), (8, 16), (2, 8, 16), 'semantic has shape'),
])
def test_heads_refuse_shapes_that_disagree(semantic, center, offset, message):
    with pytest.raises(ValueError, match=message):
        Heads(*(np.zeros(shape, np.float32) for shape in (semantic, center, offset)))


def test_heads_refuse_mixed_types():
    with pytest.raises(ValueError, match='expected all three float32'):
        Heads(np.zeros((19, 8, 16), np.float32), np.zeros((8, 16), np.float16),
              np.zeros((2, 8, 16), np.float32))
