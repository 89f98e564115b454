"""Converted models, executed by ONNX Runtime on the CPU and compared with the float32 model."""

import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import tiny_model

from panoptic_ros import Segmenter
from panoptic_ros.engine import ModelError
from panoptic_ros.engine.calibration import CalibrationImages
from panoptic_ros.engine.precision import convert, is_quantized
from panoptic_ros.resources import share_directory
from panoptic_ros.streets import Drive

HEADS = ('semantic', 'center', 'offset')
STREETS = share_directory() / 'models' / 'streets.onnx'
SIZE = (512, 1024)


@pytest.fixture(scope='module')
def streets():
    return STREETS.read_bytes()


@pytest.fixture(scope='module')
def frames():
    """Frames of a drive that the model is not calibrated with."""
    drive = Drive(seed=11, size=SIZE)
    return np.stack([drive.frame(t)[0] for t in (0.0, 1.0)])


@pytest.fixture(scope='module')
def calibration():
    drive = Drive(seed=7, size=SIZE)
    return CalibrationImages.from_images((drive.frame(t / 2)[0] for t in range(4)), SIZE)


@pytest.fixture(scope='module')
def int8(streets, calibration):
    return convert(streets, 'int8', calibration)


def run(content, images):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=['CPUExecutionProvider'])
    outputs = [session.run(HEADS, {'image': image[np.newaxis]}) for image in images]
    return [np.concatenate(head) for head in zip(*outputs, strict=True)]


@pytest.fixture(scope='module')
def expected(streets, frames):
    return run(streets, frames)


def errors(expected, actual):
    """Mean absolute difference of each head, as a share of its mean absolute value."""
    return [float(np.abs(e - a.astype(np.float32)).mean() / np.abs(e).mean())
            for e, a in zip(expected, actual, strict=True)]


def agreement(expected, actual):
    return float((expected[0].argmax(1) == actual[0].argmax(1)).mean())


def test_fp32_is_the_file_as_it_is(streets):
    assert convert(streets, 'fp32') == streets


@pytest.mark.slow
def test_fp16_heads_are_half_and_close(streets, frames, expected):
    heads = run(convert(streets, 'fp16'), frames)
    assert {head.dtype for head in heads} == {np.dtype(np.float16)}
    # Measured: 0.0005, 0.003, 0.0008 and 0.9998.
    assert all(error < limit for error, limit in zip(
        errors(expected, heads), (0.002, 0.01, 0.003), strict=True))
    assert agreement(expected, heads) > 0.999


def rounded(content):
    """Let values be quantised in float32: ONNX Runtime 1.23 truncates them in float16."""
    model = onnx.load_from_string(content)
    float32, nodes = onnx.TensorProto.FLOAT, []
    for node in model.graph.node:
        if node.op_type == 'QuantizeLinear':
            for n in range(2):
                nodes.append(onnx.helper.make_node(
                    'Cast', [node.input[n]], [f'{node.output[0]}_{n}'], to=float32))
                node.input[n] = f'{node.output[0]}_{n}'
        nodes.append(node)
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model.SerializeToString()


@pytest.mark.slow
def test_int8_keeps_the_classes(int8, frames, expected):
    heads = run(rounded(int8), frames)
    assert {head.dtype for head in heads} == {np.dtype(np.float16)}
    # Measured: 0.034, 0.12, 0.037 and 0.995.
    assert all(error < limit for error, limit in zip(
        errors(expected, heads), (0.06, 0.25, 0.07), strict=True))
    assert agreement(expected, heads) > 0.985


@pytest.mark.slow
def test_int8_quantises_dense_convolutions_and_neither_end(int8):
    graph = onnx.load_from_string(int8).graph
    producers = {name: node for node in graph.node for name in node.output}

    def quantized(node):
        return all(producers[name].op_type == 'DequantizeLinear' if name in producers else False
                   for name in node.input[:2])

    convolutions = [node for node in graph.node if node.op_type == 'Conv']
    depthwise = [node for node in convolutions
                 if any(a.name == 'group' and a.i > 1 for a in node.attribute)]
    weights = [f'{name}.1.weight' for name in HEADS]     # of the last convolution of each head
    heads = [node for node in convolutions if any(
        name in node.input or f'{name}_fp16' in node.input for name in weights)]
    assert len(heads) == 3
    assert depthwise
    assert sum(map(quantized, convolutions)) == 45
    assert not any(map(quantized, [convolutions[0], *depthwise, *heads]))


@pytest.mark.slow
@pytest.mark.parametrize('precision', ['fp16', 'int8'])
def test_the_contract_is_kept(streets, int8, precision):
    before = onnx.load_from_string(streets)
    after = onnx.load_from_string(int8 if precision == 'int8' else convert(streets, precision))
    ours, theirs = ({entry.key: entry.value for entry in model.metadata_props}
                    for model in (after, before))
    outputs = theirs['panoptic_ros.outputs'].replace('float32', 'float16')
    assert ours == theirs | {'panoptic_ros.outputs': outputs}
    assert after.graph.input == before.graph.input
    assert [o.name for o in after.graph.output] == [o.name for o in before.graph.output]
    assert [o.type.tensor_type.elem_type for o in after.graph.output] == 3 * [
        onnx.TensorProto.FLOAT16]
    first = next(node for node in after.graph.node if 'image' in node.input)
    assert first.op_type == 'Cast', 'as TensorRT requires of uint8 inputs'
    onnx.checker.check_model(after)


def test_large_sums_stay_in_float32(streets):
    graph = onnx.load_from_string(convert(streets, 'fp16')).graph
    producers = {name: node for node in graph.node for name in node.output}
    sums = [node for node in graph.node
            if node.op_type in ('ReduceMean', 'ReduceSum', 'AveragePool')]
    assert [node.op_type for node in sums] == [
        'ReduceMean', 'ReduceSum', 'ReduceMean', 'AveragePool', 'AveragePool']
    for node in sums:
        before = producers[node.input[0]]
        assert before in sums or (before.op_type, before.attribute[0].i) == (
            'Cast', onnx.TensorProto.FLOAT), node.name


@pytest.mark.slow
def test_a_quantised_model_keeps_its_scales(int8, frames):
    """Quantised by somebody else, or twice: no images are needed, nothing changes."""
    assert is_quantized(onnx.load_from_string(int8))
    again = convert(int8, 'int8')
    for before, after in zip(run(int8, frames[:1]), run(again, frames[:1]), strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.slow
def test_a_segmenter_runs_the_converted_model(tmp_path, streets):
    (tmp_path / 'half.onnx').write_bytes(convert(streets, 'fp16'))
    image = Drive(seed=11, size=SIZE).frame(0.0)[0]
    half = Segmenter.open(tmp_path / 'half.onnx')(image)
    single = Segmenter.open(STREETS)(image)
    assert (half.labels == single.labels).mean() > 0.99


def test_the_given_model_is_not_changed(tiny_onnx):
    model = onnx.load(tiny_onnx)
    before = model.SerializeToString()
    assert convert(model, 'fp16') != before
    assert model.SerializeToString() == before


def test_nameless_operations_are_converted(tiny_onnx):
    """The tiny model's operations have no names; its sums over channels stay float32."""
    content = convert(tiny_onnx.read_bytes(), 'fp16')
    scene = tiny_model.scene()[np.newaxis]
    heads = run(content, scene)
    before = run(tiny_onnx.read_bytes(), scene)
    assert agreement(before, heads) == 1
    np.testing.assert_allclose(heads[1], before[1], atol=2e-3)


def test_int8_needs_images(streets):
    with pytest.raises(ValueError, match=r'int8 without calibration images: pass some with'):
        convert(streets, 'int8')
    with pytest.raises(ValueError, match="precision 'fp8': expected fp32, fp16, int8"):
        convert(streets, 'fp8')


def test_int8_needs_something_to_quantise(tiny_onnx):
    images = CalibrationImages.from_images([tiny_model.scene()], (64, 128))
    with pytest.raises(ModelError, match='no convolution to quantise beside its first'):
        convert(tiny_onnx.read_bytes(), 'int8', images)


def test_what_is_no_model_is_refused():
    with pytest.raises(ModelError, match='is not an ONNX model'):
        convert(b'not ONNX', 'fp16')


def test_missing_libraries_are_named(streets, monkeypatch):
    monkeypatch.setitem(sys.modules, 'onnxruntime.transformers.float16', None)
    with pytest.raises(ImportError, match='converting a model to fp16 needs ONNX Runtime, '
                       'which is installed and cannot be imported'):
        convert(streets, 'fp16')
