"""Models whose tensors are not the contract's are refused when they are loaded, by name."""

import subprocess
import sys

import cv2
import engines
import numpy as np
import onnx
import pytest
import tiny_model
from onnx import TensorProto, helper

from panoptic_ros import Segmenter
from panoptic_ros.engine.metadata import ModelError


def cast(model, names, kind):
    """Let some of the heads come out as another type."""
    for node in model.graph.node:
        for n, name in enumerate(node.output):
            if name in names:
                node.output[n] = f'{name}_float'
    for output in model.graph.output:
        if output.name in names:
            model.graph.node.append(
                helper.make_node('Cast', [f'{output.name}_float'], [output.name], to=kind))
            output.type.tensor_type.elem_type = kind


def fixed(model, count):
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = count


def with_another_input(model):
    model.graph.input.append(helper.make_tensor_value_info('mask', TensorProto.FLOAT, [1]))


def of_sequences(model):
    model.graph.node[-1].output[0] = 'plain'
    model.graph.node.append(helper.make_node('SequenceConstruct', ['plain'], ['offset']))
    del model.graph.output[-1]
    model.graph.output.append(helper.make_tensor_sequence_value_info('offset', 1, None))


def output_for_four(model):
    model.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 4


HEADS = ('semantic', 'center', 'offset')
WRONG = {
    'float64': (lambda m: cast(m, HEADS, TensorProto.DOUBLE), r'output semantic is float64 \('),
    'int64': (lambda m: cast(m, HEADS, TensorProto.INT64), r'output semantic is int64 \('),
    'bfloat16': (lambda m: cast(m, HEADS, TensorProto.BFLOAT16), r'output semantic is bfloat16'),
    'mixed': (lambda m: cast(m, ('center',), TensorProto.FLOAT16),
              'the outputs are semantic float32, center float16, offset float32'),
    'another input': (with_another_input, "input 'mask' stands beside image"),
    'sequence': (of_sequences, 'output offset is seq'),
    'output for four': (output_for_four, 'expected the same number of images for both'),
}


@pytest.fixture(scope='module')
def write(tiny_onnx, tmp_path_factory):
    def write(change):
        model = onnx.load(tiny_onnx)
        change(model)
        path = tmp_path_factory.mktemp('model') / 'model.onnx'
        onnx.save(model, path)
        return path
    return write


@pytest.mark.parametrize('kind', WRONG)
def test_it_is_refused_by_every_engine(write, kind):
    change, message = WRONG[kind]
    path = write(change)
    for load in (engines.load, engines.read, Segmenter.open):
        with pytest.raises(ModelError, match=message) as refused:
            load(path)
        assert str(path) in str(refused.value)


def test_a_fixed_batch_is_for_plans_alone(write):
    path = write(lambda model: fixed(model, 4))
    assert engines.read(path).batch == 4
    with pytest.raises(ModelError, match='which is 4 images at once: on the processor'):
        engines.load(path)


@pytest.mark.parametrize('change', [lambda model: fixed(model, 1),
                                    lambda model: cast(model, HEADS, TensorProto.FLOAT16)])
def test_what_the_grouping_takes_is_taken(write, tiny_onnx, change):
    scene = tiny_model.scene()
    found, expected = (Segmenter.open(path)(scene) for path in (write(change), tiny_onnx))
    assert np.array_equal(found.labels, expected.labels)


@pytest.mark.parametrize('command', [
    ['segment', 'street.png', '-o', 'out', '--model', 'model.onnx'],
    ['evaluate', '--streets', '1', '--model', 'model.onnx'],
    ['evaluate', '--streets', '1', '--flip', '--model', 'model.onnx']])
def test_a_command_says_so_in_one_line(write, command):
    path = write(lambda model: fixed(model, 4))
    cv2.imwrite(str(path.with_name('street.png')), tiny_model.scene())
    done = subprocess.run(
        [sys.executable, '-m', f'panoptic_ros.cli.{command[0]}', *command[1:]],
        cwd=path.parent, capture_output=True, text=True)
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    assert 'which is 4 images at once: on the processor' in line
