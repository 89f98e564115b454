"""A precision that is not what was asked for is noticed, in the network and in the engine."""

import json
from types import ModuleType, SimpleNamespace

import engines
import onnx
import pytest

from panoptic_ros.engine import ModelError, build, network_check
from panoptic_ros.engine.build import BuildOptions, build_plan
from panoptic_ros.engine.calibration import CalibrationImages
from panoptic_ros.resources import share_directory
from panoptic_ros.streets import Drive
from panoptic_ros.tensors import FLOATS, TensorSpec

STREETS = share_directory() / 'models' / 'streets.onnx'
SIZE = (512, 1024)


@pytest.mark.parametrize(('precision', 'made', 'message'), [
    ('fp16', 'fp32', '75 layers of the network are not fp16: {layers}, '),
    ('fp32', 'fp16', '75 layers of the network are not fp32: '),
    ('int8', 'fp16', 'none of the 75 convolutions is quantised: {layers}, '),
    ('fp32', 'int8', 'layers of the network are not fp32: '),
    ('fp16', 'int8', 'layers of the network are not fp16: ')])
def test_another_precision_than_asked_for_is_noticed(rtx, monkeypatch, precision, made, message):
    """A conversion that silently did nothing, or the wrong thing."""
    real = build.convert
    images = CalibrationImages.from_images([Drive(seed=7, size=SIZE).frame(0.0)[0]], SIZE)
    monkeypatch.setattr(build, 'convert', lambda content, _, images: real(content, made, images))
    layers = [node.name for node in onnx.load(STREETS).graph.node if node.op_type == 'Conv'][:5]
    with pytest.raises(ModelError, match=message.format(layers=', '.join(layers))):
        build_plan(engines.read(STREETS), BuildOptions(precision, 'sm_89'), images)


def engine_double(rtx, head, layers):
    """Return a TensorRT whose runtime can load plans; `head` is the type of every head."""
    inspector = SimpleNamespace(get_engine_information=lambda form: layers)
    engine = SimpleNamespace(get_tensor_dtype=lambda name: head,
                             create_engine_inspector=lambda: inspector)
    runtime = SimpleNamespace(deserialize_cuda_engine=lambda plan: engine)
    double = ModuleType('tensorrt')
    double.ILogger, double.LayerInformationFormat = rtx.ILogger, rtx.LayerInformationFormat
    double.Runtime = lambda logger: runtime
    return double


def layers_of(*formats):
    return json.dumps({'Layers': [
        {'Name': 'a', 'Inputs': [{'Name': 'x', 'Format/Datatype': formats[0]}],
         'Outputs': [{'Name': 'y', 'Format/Datatype': text} for text in formats[1:]]}, 'b']})


def test_a_loaded_engine_is_checked(rtx):
    """With a driver, the built engine is looked at too; the double says what TensorRT would."""
    types = dict.fromkeys(('semantic', 'center', 'offset'), rtx.DataType.HALF)

    def check(head, layers, precision='fp16'):
        return network_check.check_engine(
            engine_double(rtx, head, layers), b'plan', precision, types)

    half = rtx.DataType.HALF
    found = check(half, layers_of('Half', 'Half', 'Float'))
    assert found == '2 of 3 tensors of the engine in fp16'
    assert check(half, '{"Layers": ["a", "b"]}') == 'outputs of the engine as in the network'
    assert check(half, 'no JSON') == 'outputs of the engine as in the network'
    assert check(half, layers_of('Int8', 'Half'), 'int8').startswith('1 of 2 ')
    with pytest.raises(ModelError, match=r'other types: semantic \(.*FLOAT, expected .*HALF\)'):
        check(rtx.DataType.FLOAT, layers_of('Half', 'Half'))
    with pytest.raises(ModelError, match='none of the 2 tensors of the built engine is int8'):
        check(half, layers_of('Half', 'Float'), 'int8')


def test_no_driver_leaves_the_engine_unchecked(rtx):
    """A plan for another GPU than this machine's, or for none: None, as TensorRT gives it."""
    runtime = SimpleNamespace(deserialize_cuda_engine=lambda plan: None)
    double = engine_double(rtx, None, '')
    double.Runtime = lambda logger: runtime
    assert network_check.check_engine(double, b'plan', 'fp16', {}) is None


def test_outputs_of_other_types_are_refused(rtx):
    def network_of(**types):
        outputs = [SimpleNamespace(name=name, dtype=dtype) for name, dtype in types.items()]
        return SimpleNamespace(num_outputs=len(outputs), get_output=lambda n: outputs[n])

    outputs = {name: TensorSpec((1, 2, 2), FLOATS) for name in ('semantic', 'center', 'offset')}
    half, whole = rtx.DataType.HALF, rtx.DataType.INT32
    heads = dict.fromkeys(outputs, half)
    assert network_check.output_types(rtx, network_of(extra=whole, **heads), outputs) == heads
    with pytest.raises(ModelError, match=r'output center of the network is .*INT32: expected'):
        network_check.output_types(rtx, network_of(**heads | {'center': whole}), outputs)
    with pytest.raises(ModelError, match='output offset of the network is absent'):
        network_check.output_types(rtx, network_of(semantic=half, center=half), outputs)
