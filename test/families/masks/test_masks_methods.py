"""What a caller meets: choosing a method, wrong arguments, what a model has to say."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from panoptic_ros.benchmarks.queries import make_queries
from panoptic_ros.families import masks
from panoptic_ros.families.masks.queries import Queries
from panoptic_ros.labels import LabelSpace
from panoptic_ros.tensors import FLOATS

SPACE = LabelSpace.load('cityscapes')


@pytest.fixture
def queries():
    return make_queries(SPACE, (64, 128), 9, 20)


@pytest.fixture
def forget_numba(monkeypatch):
    """Let numba be missing."""
    for name in list(sys.modules):
        if name.split('.')[0] in ('numba', 'llvmlite') or (
                name.startswith(('panoptic_ros.families.masks.', 'panoptic_ros.segments.'))
                and not name.endswith('.methods')):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, 'numba', None)


def make_model(**more):
    return SimpleNamespace(**{'label_space': SPACE, 'input_size': (64, 128), 'fit': 'stretch',
                              'layout': {'queries': 20}} | more)


def test_an_unknown_method_is_named_with_those_there_are(queries):
    with pytest.raises(ValueError, match=r"no decoding method 'gpu'.*'reference', 'cpu'"):
        masks.decode(queries, SPACE, method='gpu')


def test_without_numba_the_error_says_how_to_install_it(queries, forget_numba):
    with pytest.raises(ImportError, match='pip install numba'):
        masks.decode(queries, SPACE)
    assert masks.decode(queries, SPACE, method='reference').size == (64, 128)


def test_a_label_space_of_other_length_is_refused(queries):
    data = SPACE.to_dict()
    space = LabelSpace.from_dict(data | {'categories': data['categories'][:9]})
    with pytest.raises(ValueError, match=r"19 classes beside no object and .* 'cityscapes' has 9"):
        masks.decode(queries, space)


@pytest.mark.parametrize('size', [(0, 5), (5, -1)])
def test_a_size_without_pixels_is_refused(queries, size):
    with pytest.raises(ValueError, match='expected a positive'):
        masks.decode(queries, SPACE, size)


def test_the_size_is_that_of_the_image_by_default(queries):
    assert masks.decode(queries, SPACE, method='reference').size == (64, 128)
    padded = Queries(queries.classes, queries.masks, (64, 128), (50, 128))
    assert masks.decode(padded, SPACE, method='reference').size == (50, 128)


@pytest.mark.parametrize(('changes', 'reason'), [
    ({'masks': np.zeros((20, 16), np.float32)}, r'expected \(Q, h, w\)'),
    ({'masks': np.zeros((20, 0, 9), np.float32)}, r'expected \(Q, h, w\)'),
    ({'classes': np.zeros((19, 20), np.float32)}, r'\(19, 20\): expected \(20, C \+ 1\)'),
    ({'classes': np.zeros((20, 1), np.float32)}, r'expected \(20, C \+ 1\)'),
    ({'classes': np.zeros((20, 20), np.float16)}, 'float16 and masks float32: expected both'),
    ({'classes': np.zeros((2000, 9), np.float32), 'masks': np.zeros((2000, 1, 1), np.float32)},
     '2000 queries: expected at most 1024'),
    ({'input_size': (15, 128)}, '16x32 cells'),
    ({'image_size': (65, 128)}, r'image_size is \(65, 128\): expected a positive part'),
    ({'image_size': (9, 0)}, 'expected a positive part')])
def test_what_are_no_queries(queries, changes, reason):
    with pytest.raises(ValueError, match=reason):
        Queries(**{'classes': queries.classes, 'masks': queries.masks,
                   'input_size': (64, 128)} | changes)


@pytest.mark.parametrize(('values', 'reason'), [
    ({'object_threshold': 1.1}, 'object_threshold is 1.1: expected 0 to 1'),
    ({'overlap_threshold': -0.5}, 'overlap_threshold is -0.5'),
    ({'pixel_threshold': float('nan')}, 'expected a finite number')])
def test_what_are_no_options(values, reason):
    with pytest.raises(ValueError, match=reason):
        masks.Options(**values)


def test_a_model_s_outputs_are_told_by_its_layout():
    found = masks.FAMILY.outputs(make_model(input_size=(66, 128)))
    assert found == {'classes': ((20, 20), FLOATS), 'masks': ((20, 17, 32), FLOATS)}
    coarse = make_model(layout={'queries': 7, 'stride': 8, 'normalization': 'other'})
    assert masks.FAMILY.outputs(coarse)['masks'].shape == (7, 8, 16)


@pytest.mark.parametrize(('layout', 'reason'), [
    ({}, 'queries is missing'), ({'queries': 0}, 'queries is 0: expected 1 to 1024'),
    ({'queries': 5, 'stride': 0}, 'stride is 0')])
def test_what_is_no_layout(layout, reason):
    for use in (masks.FAMILY.outputs, masks.FAMILY.decoder):
        with pytest.raises(ValueError, match=reason):
            use(make_model(layout=layout))


@pytest.mark.parametrize('method', ['reference', 'cpu'])
def test_a_padded_image_is_cut_off(queries, method):
    decoder = masks.FAMILY.decoder(make_model(fit='pad'), method)
    outputs = {'classes': queries.classes, 'masks': queries.masks}
    result = decoder(outputs, (80, 100), masks.Options())
    padded = Queries(queries.classes, queries.masks, (64, 128), (64, 80))
    np.testing.assert_array_equal(result.labels, masks.decode(padded, SPACE, (80, 100)).labels)
    stretched = masks.FAMILY.decoder(make_model(), method)(outputs, (80, 100), masks.Options())
    np.testing.assert_array_equal(stretched.labels,
                                  masks.decode(queries, SPACE, (80, 100)).labels)
    assert (stretched.labels != result.labels).any()


def test_a_decoder_of_no_method_is_refused():
    with pytest.raises(ValueError, match='no decoding method'):
        masks.FAMILY.decoder(make_model(), 'gpu')
