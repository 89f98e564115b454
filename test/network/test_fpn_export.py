"""An exported Panoptic-FPN does what PyTorch does, and its file says how to decode it."""

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='networks need PyTorch')
onnx = pytest.importorskip('onnx', reason='exporting needs onnx')
pytest.importorskip('onnxruntime', reason='exporting is checked by ONNX Runtime')

from dataclasses import replace  # noqa: E402

import engines  # noqa: E402
import fpn_networks as nets  # noqa: E402

from panoptic_ros.engine.metadata import ModelError  # noqa: E402
from panoptic_ros.engine.precision import convert  # noqa: E402
from panoptic_ros.families.fpn.detections import NAMES  # noqa: E402
from panoptic_ros.network.checkpoint import Checkpoint  # noqa: E402
from panoptic_ros.network.export import export_onnx  # noqa: E402
from panoptic_ros.network.families.fpn.order import in_order  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.slow]
SIZE = (64, 96)
CLOSE = {'semantic': 1e-4, 'boxes': 0.01, 'scores': 1e-4, 'classes': 0, 'masks': 1e-4}


@pytest.fixture(scope='module')
def checkpoint():
    return Checkpoint(nets.TINY, nets.SPACE, nets.filled(nets.TINY).state_dict(), {}, {})


@pytest.fixture(scope='module')
def model(checkpoint, tmp_path_factory):
    path = tmp_path_factory.mktemp('export') / 'tiny.onnx'
    assert export_onnx(checkpoint, path, SIZE) < 1e-4
    return path


def expected(checkpoint, images):
    with torch.inference_mode():
        return [output.numpy() for output in checkpoint.network()(torch.from_numpy(images))]


def test_the_file_does_what_the_network_does_for_any_number_of_images(checkpoint, model):
    images = np.stack([nets.image_of(SIZE, seed) for seed in (5, 6, 7)])
    outputs, engine = expected(checkpoint, images), engines.load(model)
    found = in_order([engine(images)[name] for name in NAMES], outputs)
    assert (outputs[2] > 0).all()
    assert len(np.unique(outputs[3])) > 1
    for name, ours, theirs in zip(NAMES, found, outputs, strict=True):
        limit = CLOSE[name] * (np.abs(theirs).max() if name == 'semantic' else 1)
        assert np.abs(ours - theirs).max() <= limit, name


def test_rows_past_the_last_detection_are_zeros(checkpoint, tmp_path):
    """Where nothing is likelier than 5 %, and where one class of one box is."""
    weights = {name: value.clone() for name, value in checkpoint.weights.items()}
    weights['boxes.classes.bias'][-1] += 1000
    empty = Checkpoint(nets.TINY, nets.SPACE, weights, {}, {})
    export_onnx(empty, tmp_path / 'empty.onnx', SIZE)
    images = nets.image_of(SIZE)[None]
    outputs = engines.load(tmp_path / 'empty.onnx')(images)
    for name, theirs in zip(NAMES, expected(empty, images), strict=True):
        assert name == 'semantic' or not outputs[name].any()
        assert name == 'semantic' or not theirs.any()


def test_the_file_says_how_it_is_decoded(model):
    metadata = engines.load(model).metadata
    assert metadata.family == 'fpn'
    assert metadata.layout == {'detections': 10, 'mask_side': 8, 'stride': 4}
    assert (metadata.fit, metadata.padding) == ('pad', (104, 116, 124))
    assert {output.name: (output.shape, output.type) for output in metadata.outputs} == {
        'semantic': ((12, 16, 24), 'float32'), 'boxes': ((10, 4), 'float32'),
        'scores': ((10,), 'float32'), 'classes': ((10,), 'int64'),
        'masks': ((10, 8, 8), 'float32')}


def test_the_graph_is_of_onnx_s_own_operators(model):
    graph = onnx.load(model).graph
    assert not {node.domain for node in graph.node} - {''}
    assert not engines.read(model).operators & {'NonMaxSuppression', 'NonZero', 'If', 'Scan'}
    assert {'RoiAlign', 'Loop', 'MatMul', 'ArgMax'} <= engines.read(model).operators


def test_half_precision_moves_no_box(model):
    """A box that is found in both precisions is at the same place."""
    half = model.with_name('half.onnx')
    half.write_bytes(convert(model.read_bytes(), 'fp16'))
    images = nets.image_of(SIZE)[None]
    whole, found = (engines.load(path)(images) for path in (model, half))
    assert {str(values.dtype) for values in found.values()} == {'float32', 'int64'}
    ordered = dict(zip(NAMES, in_order([found[name] for name in NAMES],
                                       [whole[name] for name in NAMES]), strict=True))
    same = (ordered['classes'] == whole['classes'])[0]
    assert same.mean() >= 0.8
    assert np.median(np.abs(ordered['boxes'] - whole['boxes'])[0, same]) < 0.1
    assert np.abs(ordered['scores'] - whole['scores'])[0, same].max() < 0.02
    kinds = {tensor.name: tensor.data_type for tensor in onnx.load(half).graph.initializer}
    assert onnx.TensorProto.FLOAT16 in kinds.values()


@pytest.mark.build
def test_tensorrt_rtx_refuses_it_and_says_why(model, monkeypatch):
    pytest.importorskip('tensorrt_rtx', reason='pip install tensorrt-rtx')
    from panoptic_ros.engine.build import build_plan
    from panoptic_ros.engine.build_options import BuildOptions
    monkeypatch.setenv('PANOPTIC_ROS_TENSORRT', 'tensorrt_rtx')
    with pytest.raises(ModelError, match=r'the operator RoiAlign, which TensorRT-RTX .+ lacks: '
                                         r'run the model with ONNX Runtime \(device cpu\)'):
        build_plan(engines.read(model), BuildOptions('fp16', 'sm_89'))


def without_roi_align(model):
    """The graph with the mean of each map where the features of its boxes were."""
    nodes = []
    for number, node in enumerate(model.graph.node):
        if node.op_type != 'RoiAlign':
            nodes.append(node)
            continue
        side = next(entry.i for entry in node.attribute if entry.name == 'output_height')
        constants = {f'axes_{number}': [0, 2, 3], f'rest_{number}': [1, side, side]}
        model.graph.initializer.extend(onnx.numpy_helper.from_array(np.array(value), name)
                                       for name, value in constants.items())
        make = onnx.helper.make_node
        nodes += [make('ReduceMean', [node.input[0], f'axes_{number}'], [f'mean_{number}']),
                  make('Shape', [node.input[1]], [f'rows_{number}'], end=1),
                  make('Concat', [f'rows_{number}', f'rest_{number}'], [f'shape_{number}'],
                       axis=0),
                  make('Expand', [f'mean_{number}', f'shape_{number}'], list(node.output))]
    del model.graph.node[:], model.graph.value_info[:]
    model.graph.node.extend(nodes)
    return model.SerializeToString()


@pytest.mark.build
def test_tensorrt_rtx_builds_all_but_roi_align(model, monkeypatch):
    """Both loops of suppression, and every convolution in float16."""
    pytest.importorskip('tensorrt_rtx', reason='pip install tensorrt-rtx')
    from panoptic_ros.engine import build
    from panoptic_ros.engine.build_options import BuildOptions
    monkeypatch.setenv('PANOPTIC_ROS_TENSORRT', 'tensorrt_rtx')
    file = engines.read(model)
    monkeypatch.setattr(build, 'convert', lambda content, *rest: without_roi_align(
        onnx.load_from_string(convert(content, *rest))))
    file = replace(file, operators=file.operators - {'RoiAlign'})
    built = build.build_plan(file, BuildOptions('fp16', 'sm_89'))
    assert 'convolutions in half precision' in built.info.checked
