"""The parameters of the node and of the families that it can run."""

import re
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Annotated

import pytest
import rclpy
import yaml
from rclpy.context import Context
from rclpy.parameter import Parameter

from panoptic_ros import families
from panoptic_ros.families import deeplab
from panoptic_ros.node.parameters import declare
from panoptic_ros.node.settings import Settings, family_parameters, own_parameters
from panoptic_ros.plain_data import Between, Help, check
from panoptic_ros.resources import share_directory

FILE = share_directory() / 'config' / 'panoptic.yaml'


DEEPLAB = families.find('deeplab')


@dataclass(frozen=True)
class MaskOptions:
    overlap: Annotated[float, Between(0, 1), Help('Share of a mask that stays.')] = 0.8
    most: Annotated[int, Between(1, 100), Help('Most masks.')] = 50

    def __post_init__(self):
        check(self)


@pytest.fixture
def masks(monkeypatch):
    """A second family beside deeplab."""
    masks = SimpleNamespace(name='masks', options=MaskOptions)
    find = families.find
    monkeypatch.setattr(families, 'names', lambda: ('deeplab', 'masks'))
    monkeypatch.setattr(families, 'find', lambda name: masks if name == 'masks' else find(name))
    return masks


def in_file():
    """Return the parameters of the file, by their full names."""
    def flat(values, prefix=''):
        for name, value in values.items():
            if isinstance(value, dict):
                yield from flat(value, f'{prefix}{name}.')
            else:
                yield f'{prefix}{name}', value
    return dict(flat(yaml.safe_load(FILE.read_text())['/**']['ros__parameters']))


def test_the_file_has_every_parameter_with_its_default():
    expected = {name: list(parameter.default) if name == 'cameras' else parameter.default
                for name, parameter in (own_parameters() | family_parameters()).items()}
    assert in_file() == expected
    assert {k: type(v) for k, v in in_file().items()} == {
        k: type(v) for k, v in expected.items()}


def test_the_file_comments_every_parameter():
    text = FILE.read_text()
    for name in in_file():
        own = name.rpartition('.')[2]
        assert re.search(rf'^ +{own}: \S+ +# \S', text, re.MULTILINE), f'{name} has no comment'


def test_cameras_and_their_transports():
    assert Settings().named_cameras() == []
    settings = Settings(cameras=['front', '', 'rear/compressed'])
    assert settings.named_cameras() == [('front', 'raw'), ('rear', 'compressed')]
    compressed = Settings(cameras=['front'], image_transport='compressed')
    assert compressed.named_cameras() == [('front', 'compressed')]


def test_options_come_from_the_model_unless_set():
    recommended = deeplab.Options(0.2, 5, 50, 99)
    assert Settings().options_of(DEEPLAB, recommended) == recommended
    changed = Settings().change({'deeplab.center_threshold': 0.0, 'deeplab.stuff_area': 0}, None)
    assert changed.options_of(DEEPLAB, recommended) == deeplab.Options(0.0, 5, 50, 0)
    again = changed.change({'deeplab.center_threshold': -1.0}, None)
    assert again.options_of(DEEPLAB, recommended) == deeplab.Options(0.2, 5, 50, 0)
    assert again.change({'deeplab.stuff_area': -1}, None) == Settings()


def test_each_family_has_parameters_made_of_its_options(masks):
    declared = family_parameters()
    assert [name for name in declared if name.startswith('masks.')] == [
        'masks.overlap', 'masks.most']
    overlap, most = declared['masks.overlap'], declared['masks.most']
    assert (overlap.default, type(overlap.default)) == (-1.0, float)
    assert (most.default, type(most.default)) == (-1, int)
    assert overlap.metadata['description'] == (
        'Share of a mask that stays. -1 takes the value that the model file recommends.')
    assert most.metadata['limits'] == (-1, 100)
    assert most.metadata['constraints'] == '-1, or 1 to 100'
    settings = Settings().change({'masks.most': 7, 'deeplab.top_k': 9}, None)
    assert settings.options_of(masks, MaskOptions(0.5)) == MaskOptions(0.5, 7)
    assert settings.options_of(DEEPLAB, deeplab.Options()) == deeplab.Options(top_k=9)
    with pytest.raises(ValueError, match=r'masks\.most is 0: expected 1 to 100'):
        Settings().change({'masks.most': 0}, None)


def test_a_parameter_of_another_family_is_refused(masks):
    before = Settings().change({'masks.overlap': 0.5}, None)
    reason = ('masks.overlap is 0.5: it is an option of the family masks, and the model is of the '
              'family deeplab: set it to -1')
    with pytest.raises(ValueError) as caught:
        before.check_family(DEEPLAB)
    assert str(caught.value) == reason
    before.check_family(masks)
    with pytest.raises(ValueError) as caught:
        Settings().change({'masks.overlap': 0.5}, DEEPLAB)
    assert str(caught.value) == reason
    own = Settings().change({'deeplab.top_k': 5, 'masks.overlap': -1.0}, DEEPLAB)
    assert own.options == {'deeplab.top_k': 5}


@pytest.mark.parametrize(('name', 'value', 'reason'), [
    ('deeplab.center_threshold', -0.5, r'^deeplab\.center_threshold is -0.5: expected 0 to 1'),
    ('deeplab.center_threshold', 1.0, r'less than 1'),
    ('deeplab.nms_kernel', 4, r'^deeplab\.nms_kernel is 4: expected an odd number'),
    ('deeplab.nms_kernel', 0, r'nms_kernel is 0'),
    ('deeplab.top_k', 0, r'^deeplab\.top_k is 0: expected 1 to 1000'),
    ('image_transport', 'theora', r"image_transport is 'theora': expected one of raw, compr"),
    ('cameras', ['front', 'front'], r"cameras has 'front': expected different names"),
    ('cameras', ['front', 'front/compressed'], r"cameras has 'front': expected different"),
    ('cameras', ['/front'], r"cameras has '/front': expected different names of letters"),
    ('cameras', ['front', '2nd'], r"cameras has '2nd'"),
    ('runtime', 'cuda', r"runtime is 'cuda': expected one of auto, onnxruntime, tensorrt"),
    ('precision', 'bf16', r"precision is 'bf16': expected one of fp32, fp16, int8"),
    ('cameras', ['a'] * 65, r'cameras has 65 names: expected 64 at most'),
    ('model', 'x' * 5000, r'model has 5000 characters: expected 4096 at most'),
    ('engine_cache', 'x' * 5000, r'engine_cache has 5000 characters: expected 4096 at most'),
    ('model', '', r"model is ''"),
    ('overlay_opacity', 1.0000005, r'overlay_opacity is 1\.0000005: expected 0 to 1$'),
    ('gpu', -1, r'gpu is -1: expected 0 to 63'),
    ('max_pixels', (1 << 28) + 1, r'max_pixels is 268435457: expected 1 to 268435456')])
def test_refuses_with_a_reason(name, value, reason):
    with pytest.raises(ValueError, match=reason):
        Settings().change({name: value}, None)


@pytest.mark.parametrize(('name', 'value'), [
    ('model', 'other'), ('threads', 2), ('image_transport', 'compressed'),
    ('cameras', ('front', 'rear')), ('runtime', 'tensorrt'), ('precision', 'int8'), ('gpu', 1),
    ('engine_cache', '/srv/plans')])
def test_structural_parameters_wait_for_cleanup(name, value):
    assert getattr(Settings().change({name: value}, None), name) == value
    with pytest.raises(ValueError, match=f'{name} cannot change while the node is configured'):
        Settings().change({name: value}, DEEPLAB)
    unchanged = {name: getattr(Settings(), name)}
    assert Settings().change(unchanged, DEEPLAB) == Settings()


def test_parameters_of_others_are_none_of_our_business():
    assert Settings().change({'use_sim_time': True}, DEEPLAB) == Settings()


@pytest.mark.parametrize(('model', 'path'), [
    ('streets', share_directory() / 'models' / 'streets.onnx'),
    ('mine.onnx', 'mine.onnx'), ('/data/city', '/data/city'), ('runs/city', 'runs/city')])
def test_a_plain_word_is_a_shipped_model(model, path):
    assert str(replace(Settings(), model=model).model_path()) == str(path)


@pytest.mark.parametrize(('changes', 'device'), [
    ({}, 'auto'), ({'runtime': 'onnxruntime'}, 'cpu'), ({'runtime': 'tensorrt'}, 'gpu'),
    ({'build_only': True}, 'gpu'), ({'model': 'city.plan', 'runtime': 'onnxruntime'}, 'auto')])
def test_a_runtime_is_a_device(changes, device):
    assert replace(Settings(), **changes).device == device


@pytest.fixture
def make_node(domain):
    """A function that makes a node with parameters."""
    context = Context()
    rclpy.init(context=context, domain_id=domain)

    def make(**given):
        return rclpy.create_node('declarations', context=context, parameter_overrides=[
            Parameter(name, value=value) for name, value in given.items()])

    yield make
    rclpy.shutdown(context=context)


@pytest.mark.ros
def test_declarations_describe_themselves(make_node):
    node, declared = make_node(), own_parameters() | family_parameters()
    assert declare(node) == Settings()
    for name, parameter in declared.items():
        descriptor = node.describe_parameter(name)
        assert descriptor.description.endswith('.')
        assert descriptor.read_only == (name in ('autostart', 'build_only', 'required'))
        assert len(descriptor.integer_range) == (type(parameter.default) is int)
        assert len(descriptor.floating_point_range) == (type(parameter.default) is float)
    threshold = node.describe_parameter('deeplab.center_threshold').floating_point_range[0]
    assert (threshold.from_value, threshold.to_value) == (-1, 1)
    most = node.describe_parameter('deeplab.top_k').integer_range[0]
    assert (most.from_value, most.to_value) == (-1, 1000)
    assert 'only while unconfigured' in node.describe_parameter('model').additional_constraints
    assert not node.has_parameter('top_k')
    node.destroy_node()


@pytest.mark.ros
def test_families_are_set_at_the_start(make_node, masks):
    """An integer does where a float is meant."""
    node = make_node(**{'masks.overlap': 1, 'deeplab.top_k': 3, 'threads': 2})
    assert declare(node) == Settings(
        threads=2, options={'masks.overlap': 1.0, 'deeplab.top_k': 3})
    assert node.get_parameter('masks.most').value == -1
    node.destroy_node()


@pytest.mark.ros
def test_parameters_that_nothing_takes_are_named(make_node, capfd):
    names = {'label_timout': 1.0, 'someone.elses': 2, 'use_sim_time': False, 'threads': 1}
    declare(make_node(**names))
    assert ('unknown parameters have no effect: label_timout (did you mean label_timeout?), '
            'someone.elses\n') in capfd.readouterr().err
    declare(make_node(**{f'unknown_{number}': 1 for number in range(30)}))
    assert 'unknown_17, 20 more' in capfd.readouterr().err
    declare(make_node(threads=1))
    assert 'unknown' not in capfd.readouterr().err
