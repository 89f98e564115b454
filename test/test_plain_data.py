"""What files say is checked by the fields of what it becomes."""

import json
import math
from dataclasses import dataclass, field
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from panoptic_ros import LabelSpace
from panoptic_ros.engine import ModelError, ModelMetadata
from panoptic_ros.engine.contract import outputs_of
from panoptic_ros.families import deeplab
from panoptic_ros.families.options import recommended
from panoptic_ros.pipelines.contract import contract
from panoptic_ros.plain_data import Between, Key, Length, check, plain, read, show

SPACE = {'name': 'x', 'label_divisor': 256, 'categories': [
    {'name': 'a', 'dataset_id': 0, 'thing': True, 'color': [1, 2, 3]},
    {'name': 'b', 'dataset_id': 1, 'thing': False, 'color': [3, 2, 1]}]}
GOOD = {'network': 'n', 'input_size': [64, 128], 'stride': 4, 'label_space': SPACE,
        'training': {'data': ['a', {'seed': 1, 'rate': 0.5, 'none': None, 'done': True}]},
        'quality': {}, 'options': {'stuff_area': 64}, 'align_corners': False, 'family': 'deeplab',
        'outputs': [{'name': 'semantic', 'shape': [2, 16, 32], 'type': 'float32'}]}


def load(**change):
    texts = {f'panoptic_ros.{key}': json.dumps(value) for key, value in (GOOD | change).items()}
    metadata = ModelMetadata.from_properties(texts, 'city.onnx')
    outputs_of(metadata, contract, 'city.onnx')
    return metadata


def nested(depth):
    return {'a': nested(depth - 1)} if depth else {}


@pytest.mark.parametrize(('change', 'message'), [
    ({'network': ['n']}, r'network is a list of 1: expected a text'),
    ({'network': None}, r'network is nothing: expected a text'),
    ({'network': ''}, r"network is '', 0 characters: expected 1 to 200"),
    ({'network': 'x' * 20_000}, r'network is .*20000 characters: expected 1 to 200'),
    ({'network': 'x' * 20_000_000}, r'network has 20000002 characters: expected 1048576 at most'),
    ({'network': '\ud800'}, r"network is '\\ud800': expected text that can be encoded"),
    ({'network': 'a\nb'}, r"network is 'a\\nb': expected text without control characters"),
    ({'network': 'a\0b'}, r'expected text without control characters'),
    ({'training': None}, r'training is nothing: expected keys and values'),
    ({'training': [1]}, r'training is a list of 1: expected keys and values'),
    ({'training': {'a': '\udfff'}}, r"training\.a is '\\udfff': expected text that can"),
    ({'training': {'\udfff': 1}}, r"a key of training is '\\udfff': expected text that can"),
    ({'training': {'a': [1, math.nan]}}, r'training\.a\[1\] is nan: expected a finite number'),
    ({'training': {'a': 10**30}}, r'training\.a is a number of 100 bits: expected'),
    ({'training': nested(9)}, 'nested more than 8 deep'),
    ({'training': {'a': [0] * 5000}}, 'more than 4096 values'),
    ({'training': {'a': 'x' * 5000}}, '5000 characters: expected 0 to 4096'),
    ({'quality': {'pq': math.inf}}, r'quality\.pq is inf: expected a finite number'),
    ({'input_size': [64]}, r'input_size is a list of 1: expected a list of 2'),
    ({'input_size': [64, 128.0]}, r'input_size\[1\] is 128\.0: expected a whole number'),
    ({'input_size': [64, True]}, r'input_size\[1\] is true: expected a whole number'),
    ({'input_size': [64, 16385]}, r'input_size\[1\] is 16385: expected 1 to 16384'),
    ({'input_size': 64}, r'input_size is 64: expected a list'),
    ({'stride': 4.0}, r'stride is 4\.0: expected a whole number'),
    ({'stride': '4'}, r"stride is '4': expected a whole number"),
    ({'align_corners': 1}, r'align_corners is 1: expected true or false'),
    ({'options': {'stuff_area': math.inf}}, r'options\.stuff_area is inf: expected a finite'),
    ({'outputs': [{'name': 'semantic', 'shape': [0], 'type': 'float32'}]}, r'shape\[0\] is 0: ex'),
    ({'outputs': [{'name': 'a', 'shape': [1], 'type': 1}]}, r'type is 1: expected a text'),
    ({'fit': 'squeeze'}, r"fit is 'squeeze': expected one of stretch, pad"),
    ({'fit': None}, r'fit is nothing: expected a text'),
    ({'fit': ['pad']}, r'fit is a list of 1: expected a text'),
    ({'fit': 'pad'}, r'padding is \[\] and fit is pad: expected blue, green and red for pad'),
    ({'fit': 'pad', 'padding': [1, 2]}, r'padding is \[1, 2\] and fit is pad: expected blue, gr'),
    ({'padding': [1, 2, 3]}, r'padding is \[1, 2, 3\] and fit is stretch: expected .* nothing'),
    ({'fit': 'pad', 'padding': [1, 2, 256]}, r'padding\[2\] is 256: expected 0 to 255'),
    ({'fit': 'pad', 'padding': [1, 2, 0.5]}, r'padding\[2\] is 0\.5: expected a whole number'),
    ({'fit': 'pad', 'padding': 'gray'}, r"padding is 'gray': expected a list"),
    ({'fit': 'pad', 'padding': [0] * 999}, r'padding is .*999 elements: expected 0 to 3'),
    ({'family': 'x' * 101}, r'family is .*101 characters: expected 1 to 100'),
    ({'family': 'queries'}, "family is 'queries': expected one of deeplab"),
    ({'label_space': 'cityscapes'}, r"label_space is 'cityscapes': expected the keys name, "),
    ({'label_space': {}}, r'label_space\.name is missing'),
    ({'label_space': SPACE | {'name': '\ud800'}}, r"name is '\\ud800': expected text that can"),
])
def test_metadata_of_another_kind_are_refused(change, message):
    assert load()
    said = r'^city\.onnx has metadata that cannot be read: .*'
    with pytest.raises(ModelError, match=said + message):
        load(**change)


@pytest.mark.parametrize(('change', 'message'), [
    ({'name': '\ud800'}, 'expected text that can be encoded'),
    ({'color': [0, 0, 1.0]}, r'color\[2\] is 1\.0: expected a whole number'),
    ({'color': [0, 0, -1]}, r'color\[2\] is -1: expected 0 to 255'),
    ({'thing': 1}, 'thing is 1: expected true or false'),
    ({'dataset_id': 1}, 'has the dataset_id 1 twice: change one'),
    ({'dataset_id': -2}, 'dataset_id is -2: expected -1 to 2147483647'),
    ({'dataset_id': '0'}, "dataset_id is '0': expected a whole number"),
    ({'name': 'b'}, "has the name 'b' twice: change one"),
    ({'name': 'b' * 101}, '101 characters: expected 1 to 100'),
])
def test_classes_of_another_kind_are_refused(change, message):
    first, second = SPACE['categories']
    with pytest.raises(ValueError, match=message):
        LabelSpace.from_dict(SPACE | {'categories': [first | change, second]})


def test_nesting_without_end_is_refused():
    texts = load().to_properties() | {'panoptic_ros.training': '{"a":' * 100_000 + '1'}
    with pytest.raises(ModelError, match=r'city\.onnx has metadata that'):
        ModelMetadata.from_properties(texts, 'city.onnx')


def many(count):
    return SPACE | {'categories': [
        {'name': str(n), 'dataset_id': n, 'thing': False, 'color': [0, 0, 0]}
        for n in range(count)]}


def test_a_semantic_image_tells_255_classes_apart():
    assert len(LabelSpace.from_dict(many(255))) == 255
    with pytest.raises(ValueError, match='256 elements: expected 1 to 255'):
        LabelSpace.from_dict(many(256))


@pytest.mark.parametrize(('options', 'message'), [
    ({'nms_kernel': 1000000001}, 'nms_kernel is 1000000001: expected 1 to 255'),
    ({'nms_kernel': 3.0}, r'nms_kernel is 3\.0: expected a whole number'),
    ({'nms_kernel': 4}, 'nms_kernel is 4: expected an odd number'),
    ({'stuff_area': -1}, 'stuff_area is -1: expected 0 to'),
    ({'stuff_area': '1'}, "stuff_area is '1': expected a whole number"),
    ({'top_k': True}, 'top_k is true: expected a whole number'),
    ({'center_threshold': 1.5}, r'center_threshold is 1\.5: expected 0 to 1'),
    ({'center_thresh': 0.5}, "no option 'center_thresh': expected some of center_threshold, "),
])
def test_what_a_model_recommends_is_checked(options, message):
    with pytest.raises(ValueError, match=message):
        recommended(deeplab.FAMILY, options)


@pytest.mark.parametrize(('data', 'where'), [
    ({'\x1f': [2.0**64]}, "free.'\\x1f'[0] is 1.8446744073709552e+19: "),
    ({'\u2028': {'b': math.inf}}, "free.'\\u2028'.b is inf: "),
    ({'a b': {'\u00e9' * 50: math.nan}}, "free.'a b'.'\\xe9\\xe9"),
    ({'x' * 60: {'y' * 60: {'z' * 60: {'w' * 60: 2.0**64}}}}, '...x'),
])
def test_where_a_value_lies_is_one_short_line(data, where):
    with pytest.raises(ValueError) as raised:
        read(Whole, {'name': '', 'parts': [], 'pair': [0, 0], 'free': data})
    reason = str(raised.value)
    assert reason.startswith(where)
    assert reason.isprintable()
    assert len(reason) < 400


def test_what_is_written_is_what_is_read():
    metadata = load()
    assert ModelMetadata.from_properties(metadata.to_properties(), 'again') == metadata
    with pytest.raises(ValueError, match=r'network is .*: expected text that can be encoded'):
        ModelMetadata('\ud800', (64, 128), metadata.label_space)
    assert recommended(deeplab.FAMILY, {}) == deeplab.Options()


@dataclass(frozen=True)
class Part:
    size: Annotated[int, Between(-2, 2)]
    is_left: Annotated[bool, Key('left')] = False

    def __post_init__(self):
        check(self)


@dataclass(frozen=True)
class Whole:
    name: Annotated[str, Length(3)]
    parts: tuple[Part, ...]
    pair: tuple[float, float]
    free: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        check(self)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner,
                                                                 max_size=3), max_leaves=6)


@given(st.fixed_dictionaries({}, optional={
    'name': st.text(max_size=4) | values, 'free': st.dictionaries(st.text(), values) | values,
    'parts': st.lists(st.fixed_dictionaries({'size': st.integers(-3, 3), 'left': st.booleans()}))
    | values, 'pair': st.tuples(st.floats(), st.integers()) | values}) | values)
def test_any_data_become_a_whole_or_one_line_of_reason(data):
    reason = ''
    try:
        whole = read(Whole, data)
    except ValueError as error:
        reason = str(error)
    else:
        assert read(Whole, json.loads(json.dumps(plain(whole), allow_nan=False))) == whole
        json.dumps(plain(whole), ensure_ascii=False).encode()
    assert reason.isprintable()
    assert len(reason) < 500


@given(values)
def test_a_value_in_a_message_is_short(value):
    assert len(show(value)) < 500
    show(value).encode('ascii')
