"""What a caller meets: choosing a method, wrong arguments, what a model has to say."""

from types import SimpleNamespace

import numpy as np
import pytest

from panoptic_ros.benchmarks.detections import make_detections
from panoptic_ros.families import fpn
from panoptic_ros.families.fpn.detections import NAMES, Detections
from panoptic_ros.labels import LabelSpace
from panoptic_ros.tensors import FLOATS, OutputError

SPACE = LabelSpace.load('cityscapes')


@pytest.fixture
def detections():
    return make_detections(SPACE, (64, 128), 9, 20)


def make_model(**more):
    return SimpleNamespace(**{'label_space': SPACE, 'input_size': (64, 128), 'fit': 'stretch',
                              'layout': {'detections': 20}} | more)


def outputs_of(detections):
    return {name: getattr(detections, name) for name in NAMES}


def test_a_label_space_with_other_stuff_is_refused(detections):
    data = SPACE.to_dict()
    space = LabelSpace.from_dict(data | {'categories': data['categories'][:9]})
    with pytest.raises(ValueError, match=r"11 classes of stuff .* 'cityscapes' has 9"):
        fpn.decode(detections, space)


def test_the_size_is_that_of_the_image_by_default(detections):
    assert fpn.decode(detections, SPACE, method='reference').size == (64, 128)
    padded = Detections(*outputs_of(detections).values(), (64, 128), (50, 128))
    assert fpn.decode(padded, SPACE, method='reference').size == (50, 128)
    with pytest.raises(ValueError, match='expected a positive'):
        fpn.decode(detections, SPACE, (0, 5))
    with pytest.raises(ValueError, match=r"no decoding method 'gpu'.*'reference', 'cpu'"):
        fpn.decode(detections, SPACE, method='gpu')


@pytest.mark.parametrize(('changes', 'reason'), [
    ({'semantic': np.zeros((12, 16), np.float32)}, r'expected \(S, h, w\)'),
    ({'semantic': np.zeros((0, 16, 32), np.float32)}, r'expected \(S, h, w\)'),
    ({'semantic': np.zeros((12, 16, 32), np.float64)}, 'semantic are float64: expected float32'),
    ({'masks': np.zeros((20, 28, 27), np.float32)}, r'expected \(D, side, side\)'),
    ({'masks': np.zeros((20, 300, 300), np.float32)}, '300 cells a side: expected 1 to 128'),
    ({'masks': np.zeros((2000, 1, 1), np.float32)}, '2000 detections: expected at most 1000'),
    ({'boxes': np.zeros((20, 5), np.float32)}, r'boxes have shape \(20, 5\): expected \(20, 4\)'),
    ({'scores': np.zeros(19, np.float32)}, r'scores have shape \(19,\): expected \(20,\)'),
    ({'classes': np.zeros((20, 1), np.int64)}, r'classes have shape \(20, 1\)'),
    ({'classes': np.zeros(20, np.float32)}, 'classes are float32: expected int64 or int32'),
    ({'input_size': (15, 128)}, '16x32 cells'),
    ({'image_size': (65, 128)}, r'image_size is \(65, 128\): expected a positive part'),
    ({'image_size': (9, 0)}, 'expected a positive part')])
def test_what_are_no_detections(detections, changes, reason):
    with pytest.raises(ValueError, match=reason):
        Detections(**outputs_of(detections) | {'input_size': (64, 128)} | changes)


@pytest.mark.parametrize(('values', 'reason'), [
    ({'score_threshold': 1.1}, 'score_threshold is 1.1: expected 0 to 1'),
    ({'overlap_threshold': float('nan')}, 'expected a finite number'),
    ({'stuff_area': -1}, 'stuff_area is -1')])
def test_what_are_no_options(values, reason):
    with pytest.raises(ValueError, match=reason):
        fpn.Options(**values)


def test_a_model_s_outputs_are_told_by_its_layout():
    found = fpn.FAMILY.outputs(make_model(input_size=(66, 128)))
    assert found == {
        'semantic': ((12, 17, 32), FLOATS), 'boxes': ((20, 4), FLOATS), 'scores': ((20,), FLOATS),
        'classes': ((20,), ('int64', 'int32')), 'masks': ((20, 28, 28), FLOATS)}
    published = fpn.FAMILY.outputs(make_model(layout={'other': 1}))
    assert published['masks'].shape == (100, 28, 28)


@pytest.mark.parametrize(('layout', 'reason'), [
    ({'detections': 0}, 'detections is 0: expected 1 to 1000'),
    ({'mask_side': 200}, 'mask_side is 200'), ({'stride': 0}, 'stride is 0')])
def test_what_is_no_layout(layout, reason):
    for use in (fpn.FAMILY.outputs, fpn.FAMILY.decoder):
        with pytest.raises(ValueError, match=reason):
            use(make_model(layout=layout))


def test_a_padded_image_is_cut_off(detections):
    decoder = fpn.FAMILY.decoder(make_model(fit='pad'), 'reference')
    result = decoder(outputs_of(detections), (80, 100), fpn.Options(stuff_area=9))
    padded = Detections(*outputs_of(detections).values(), (64, 128), (64, 80))
    expected = fpn.decode(padded, SPACE, (80, 100), 'reference', fpn.Options(stuff_area=9))
    np.testing.assert_array_equal(result.labels, expected.labels)


@pytest.mark.parametrize(('broken', 'value', 'what'), [
    ('semantic', np.nan, 'stuff'), ('semantic', 3, 'stuff'), ('scores', np.nan, 'detection'),
    ('boxes', np.nan, 'detection'), ('masks', np.nan, 'detection')])
def test_outputs_that_mean_nothing_are_refused(detections, broken, value, what):
    outputs = outputs_of(detections)
    outputs[broken] = np.full_like(outputs[broken], value)
    decoder = fpn.FAMILY.decoder(make_model(), 'reference')
    panoptic = decoder(outputs, (64, 128), fpn.Options(stuff_area=9))
    with pytest.raises(OutputError, match=f'no .*{what}.*: the network gives NaN or one number'):
        fpn.FAMILY.check(panoptic, outputs)


def test_an_empty_street_and_an_image_full_of_things_are_results(detections):
    decoder = fpn.FAMILY.decoder(make_model(), 'reference')
    empty = outputs_of(detections)
    empty['scores'] = np.zeros_like(empty['scores'])
    empty['boxes'] = np.full_like(empty['boxes'], np.nan)       # of empty rows: nobody looks
    full = outputs_of(detections)
    full['semantic'] = full['semantic'] + np.float32(99) * (np.arange(12) == 0)[:, None, None]
    for outputs in (empty, full):
        panoptic = decoder(outputs, (64, 128), fpn.Options(stuff_area=9))
        fpn.FAMILY.check(panoptic, outputs)
        assert not len(panoptic.things) or not len(panoptic.stuff)
