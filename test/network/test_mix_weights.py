"""Mixed weights lie between those of two exports of one network."""

import sys
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip('onnx', reason='weights are mixed in ONNX files')

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(scope='module')
def tool():
    sys.path.insert(0, str(Path(__file__).parents[2] / 'tools'))
    import mix_weights
    sys.path.pop(0)
    return mix_weights


def model(weight, operator='Add', note='start', smoothing=None):
    graph = helper.make_graph(
        [helper.make_node(operator, ['x', 'weight'], ['y'])], 'graph',
        [helper.make_tensor_value_info('x', TensorProto.FLOAT, [2])],
        [helper.make_tensor_value_info('y', TensorProto.FLOAT, [2])],
        [numpy_helper.from_array(np.array(weight, np.float32), 'weight'),
         numpy_helper.from_array(np.array([7]), 'shape')])
    made = helper.make_model(graph)
    helper.set_model_props(made, {'note': note} | (
        {'panoptic_ros.smoothing': smoothing} if smoothing else {}))
    return made


def test_files_are_mixed(tool, tmp_path):
    onnx.save(model([0, 4]), tmp_path / 'start.onnx')
    onnx.save(model([1, 8], note='end'), tmp_path / 'end.onnx')
    tool.main([str(tmp_path / 'start.onnx'), str(tmp_path / 'end.onnx'), '0.25', '-o',
               str(tmp_path / 'mixed.onnx')])
    mixed = onnx.load(tmp_path / 'mixed.onnx')
    weight, shape = map(numpy_helper.to_array, mixed.graph.initializer)
    assert weight.tolist() == [0.25, 5.0]
    assert shape.tolist() == [7]
    assert mixed.metadata_props[0].value == 'end'


@pytest.mark.parametrize(('other', 'share', 'words'), [
    (model([1, 2], operator='Mul'), 0.5, 'the graphs differ'),
    (model([1, 2, 3]), 0.5, 'weight is not in both models'),
    (model([1, 2], smoothing='[0.6, 0.8]'), 0.5, r'one smooths unsure frames by \[0, 0\], the o'),
    (model([1, 2]), 1.5, 'share is 1.5: expected 0')])
def test_others_are_refused(other, share, words, tool, tmp_path):
    onnx.save(model([0, 0]), tmp_path / 'start.onnx')
    onnx.save(other, tmp_path / 'end.onnx')
    with pytest.raises(SystemExit, match=words):
        tool.main([str(tmp_path / 'start.onnx'), str(tmp_path / 'end.onnx'), str(share), '-o',
                   str(tmp_path / 'mixed.onnx')])
    assert not (tmp_path / 'mixed.onnx').exists()
