import re
from dataclasses import fields, replace

import pytest
import rclpy
import yaml
from rclpy.context import Context

from panoptic_ros.families import deeplab
from panoptic_ros.node.parameters import Settings, declare
from panoptic_ros.resources import share_directory

FILE = share_directory() / 'config' / 'panoptic.yaml'


def in_file():
    return yaml.safe_load(FILE.read_text())['/**']['ros__parameters']


def test_the_file_has_every_parameter_with_its_default():
    expected = {parameter.name: list(parameter.default) if parameter.name == 'cameras'
                else parameter.default for parameter in fields(Settings)}
    assert in_file() == expected
    assert {k: type(v) for k, v in in_file().items()} == {
        k: type(v) for k, v in expected.items()}


def test_the_file_comments_every_parameter():
    text = FILE.read_text()
    for name in in_file():
        assert re.search(rf'^    {name}: \S+ +# \S', text, re.MULTILINE), f'{name} has no comment'


def test_cameras_and_their_transports():
    assert Settings().named_cameras() == []
    settings = Settings(cameras=['front', '', 'rear/compressed'])
    assert settings.named_cameras() == [('front', 'raw'), ('rear', 'compressed')]
    compressed = Settings(cameras=['front'], image_transport='compressed')
    assert compressed.named_cameras() == [('front', 'compressed')]


def test_thresholds_come_from_the_model_unless_set():
    recommended = deeplab.Options(0.2, 5, 50, 99)
    assert Settings().grouping(recommended) == recommended
    changed = Settings(center_threshold=0.0, stuff_area=0)
    assert changed.grouping(recommended) == deeplab.Options(0.0, 5, 50, 0)


@pytest.mark.parametrize(('name', 'value', 'reason'), [
    ('center_threshold', -0.5, r'center_threshold is -0.5: expected at least 0'),
    ('center_threshold', 1.0, r'less than 1'),
    ('nms_kernel', 4, r'nms_kernel is 4: expected an odd number'),
    ('nms_kernel', 0, r'nms_kernel is 0'),
    ('top_k', 0, r'top_k is 0: expected 1 to 1000'),
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
    ('model', '', r"model is ''")])
def test_refuses_with_a_reason(name, value, reason):
    with pytest.raises(ValueError, match=reason):
        Settings().change({name: value}, configured=False)


@pytest.mark.parametrize(('name', 'value'), [
    ('model', 'other'), ('threads', 2), ('image_transport', 'compressed'),
    ('cameras', ('front', 'rear')), ('runtime', 'tensorrt'), ('precision', 'int8'), ('gpu', 1),
    ('engine_cache', '/srv/plans')])
def test_structural_parameters_wait_for_cleanup(name, value):
    assert getattr(Settings().change({name: value}, configured=False), name) == value
    with pytest.raises(ValueError, match=f'{name} cannot change while the node is configured'):
        Settings().change({name: value}, configured=True)
    unchanged = {name: getattr(Settings(), name)}
    assert Settings().change(unchanged, configured=True) == Settings()


def test_parameters_of_others_are_none_of_our_business():
    assert Settings().change({'use_sim_time': True}, configured=True) == Settings()


@pytest.mark.parametrize(('model', 'path'), [
    ('streets', share_directory() / 'models' / 'streets.onnx'),
    ('mine.onnx', 'mine.onnx'), ('/data/city', '/data/city'), ('runs/city', 'runs/city')])
def test_a_plain_word_is_a_shipped_model(model, path):
    assert str(replace(Settings(), model=model).model_path()) == str(path)


@pytest.fixture
def node(domain):
    context = Context()
    rclpy.init(context=context, domain_id=domain)
    node = rclpy.create_node('declarations', context=context)
    yield node
    node.destroy_node()
    rclpy.shutdown(context=context)


@pytest.mark.ros
def test_declarations_describe_themselves(node):
    assert declare(node) == Settings()
    for parameter in fields(Settings):
        descriptor = node.describe_parameter(parameter.name)
        assert descriptor.description.endswith('.')
        assert descriptor.read_only == (parameter.name in ('autostart', 'build_only', 'required'))
        assert len(descriptor.integer_range) == (type(parameter.default) is int)
        assert len(descriptor.floating_point_range) == (type(parameter.default) is float)
    threshold = node.describe_parameter('center_threshold')
    assert threshold.floating_point_range[0].to_value == 1
    assert node.describe_parameter('top_k').integer_range[0].to_value == 1000
    assert 'only while unconfigured' in node.describe_parameter('model').additional_constraints
