"""Networks of the family masks keep their numbers on the way to the engine contract."""

import json

import numpy as np
import onnx
import pytest

torch = pytest.importorskip('torch', reason='networks need PyTorch')
pytest.importorskip('transformers', reason='pip install transformers scipy')
pytest.importorskip('scipy', reason='pip install transformers scipy')

import masks_networks as nets  # noqa: E402

from panoptic_ros.cli import export as command  # noqa: E402
from panoptic_ros.engine import OnnxEngine  # noqa: E402
from panoptic_ros.engine.metadata import ModelError  # noqa: E402
from panoptic_ros.engine.precision import convert  # noqa: E402
from panoptic_ros.network.checkpoint import Checkpoint, CheckpointError  # noqa: E402
from panoptic_ros.network.export import export_onnx  # noqa: E402
from panoptic_ros.network.families.masks.config import MasksConfig  # noqa: E402
from panoptic_ros.network.families.masks.deformable import GatheredAttention  # noqa: E402
from panoptic_ros.network.families.masks.variants import PRESETS, PUBLISHED, name_of  # noqa: E402
from panoptic_ros.pipelines.contract import contract  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.slow]


@pytest.fixture(scope='module', params=nets.KINDS)
def exported(request, tmp_path_factory):
    """The kind, the source's network and the model file."""
    kind = request.param
    model = nets.source(kind)
    path = tmp_path_factory.mktemp(kind) / 'model.onnx'
    difference = export_onnx(nets.checkpoint(kind, model), path, nets.size_of(kind))
    assert 0 < difference < 1e-4
    return kind, model, path


def test_the_engine_gives_what_the_source_gives(exported):
    """The same weights by the source's own class, and by export and ONNX Runtime."""
    kind, model, path = exported
    engine = OnnxEngine(path, contract)
    shown = nets.images(kind, 3, seed=5)
    found = engine(shown)
    nets.close((found['classes'], found['masks']), nets.outputs(model, shown))


def test_the_file_says_how_it_is_decoded(exported):
    kind, _, path = exported
    metadata = OnnxEngine(path, contract).metadata
    assert metadata.family == 'masks'
    assert metadata.layout == {'queries': 10, 'stride': 4}
    assert metadata.fit == 'pad'
    height, width = nets.size_of(kind)
    assert {output.name: output.shape for output in metadata.outputs} == {
        'classes': (10, 20), 'masks': (10, height // 4, width // 4)}


def test_the_graph_suits_every_runtime(exported):
    """No operation that TensorRT computes wrongly, and none whose steps depend on the data."""
    graph = onnx.load(exported[2]).graph
    used = {node.op_type for node in graph.node}
    assert not used & {'GridSample', 'If', 'Loop', 'Scan', 'NonZero', 'RandomUniform',
                       'RandomUniformLike', 'GatherND', 'ScatterND'}
    assert not {node.domain for node in graph.node} - {''}
    first, = (node for node in graph.node if 'image' in node.input)
    assert first.op_type == 'Cast'


def test_half_precision_costs_little(exported):
    """Half of the digits cost at most 2 % of the mean, as for the other family."""
    kind, _, path = exported
    half = path.with_suffix('.fp16.onnx')
    half.write_bytes(convert(path.read_bytes(), 'fp16'))
    shown = nets.images(kind)
    expected, found = OnnxEngine(path, contract)(shown), OnnxEngine(half, contract)(shown)
    for name, values in expected.items():
        assert found[name].dtype == np.float16
        loss = np.abs(found[name].astype(np.float32) - values).mean() / np.abs(values).mean()
        assert loss < 0.02, name


def test_int8_quantises_convolutions_or_says_that_there_are_none(exported):
    kind, _, path = exported
    if kind == 'eomt':
        with pytest.raises(ModelError, match='no convolution to quantise'):
            convert(path.read_bytes(), 'int8', nets.images(kind))
        return
    model = onnx.load_from_string(convert(path.read_bytes(), 'int8', nets.images(kind)))
    assert 'QuantizeLinear' in {node.op_type for node in model.graph.node}


@pytest.mark.build
def test_tensorrt_builds_it(exported, monkeypatch):
    pytest.importorskip('tensorrt_rtx', reason='pip install tensorrt-rtx')
    from panoptic_ros.engine.build import build_plan
    from panoptic_ros.engine.build_options import BuildOptions
    from panoptic_ros.engine.onnx_file import OnnxFile
    monkeypatch.setenv('PANOPTIC_ROS_TENSORRT', 'tensorrt_rtx')
    _, _, path = exported
    built = build_plan(OnnxFile.read(path, contract), BuildOptions('fp16', 'sm_89'))
    metadata = built.info.metadata('plan')
    assert (metadata.family, metadata.layout['queries']) == ('masks', 10)


def test_a_query_with_an_empty_mask_attends_everywhere(tmp_path):
    """All queries do here, as the masks are below 0 everywhere; otherwise nothing is a number."""
    model = nets.source('resnet')
    features = model.model.pixel_level_module.decoder.mask_projection
    embedder = model.model.transformer_module.decoder.mask_predictor.mask_embedder
    with torch.no_grad():
        features.weight.mul_(1e-3)
        features.bias.fill_(1.0)
        embedder.layers[-1].layers[0].bias.fill_(-1.0)
    path = tmp_path / 'model.onnx'
    export_onnx(nets.checkpoint('resnet', model), path, nets.size_of('resnet'))
    shown = nets.images('resnet')
    found, (classes, masks) = OnnxEngine(path, contract)(shown), nets.outputs(model, shown)
    assert masks.max() < 0
    np.testing.assert_allclose(found['classes'], classes, atol=1e-4 * np.abs(classes).max())
    np.testing.assert_allclose(found['masks'], masks, atol=1e-4 * np.abs(masks).max())


def test_deformable_attention_samples_as_the_source_does():
    """Inside, across borders and far outside of maps whose sides are odd."""
    layer = nets.source('resnet').model.pixel_level_module.decoder.encoder.layers[0].self_attn
    sizes = [(2, 3), (5, 7), (9, 14)]
    length = sum(height * width for height, width in sizes)
    tokens, positions = torch.randn(2, 2, length, 32)
    points = torch.cat([torch.stack(torch.meshgrid(
        (torch.arange(width) + 0.5) / width, (torch.arange(height) + 0.5) / height,
        indexing='xy'), -1).flatten(0, 1) for height, width in sizes])
    with torch.inference_mode():
        expected, _ = layer(tokens, encoder_hidden_states=tokens, position_embeddings=positions,
                            reference_points=points[None, :, None].expand(2, -1, 3, -1),
                            spatial_shapes_list=sizes)
        found, _ = GatheredAttention(layer, sizes)(tokens, tokens, positions)
    assert expected.std() > 0.01
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


def test_an_unfinished_training_of_eomt_is_not_exported(tmp_path):
    checkpoint = nets.checkpoint('eomt')
    checkpoint.weights['model.attn_mask_probs'][0] = 0.25
    with pytest.raises(CheckpointError, match='as in an unfinished training'):
        export_onnx(checkpoint, tmp_path / 'model.onnx', (64, 64))
    assert not (tmp_path / 'model.onnx').exists()


@pytest.mark.parametrize(('name', 'size', 'message'), [
    ('eomt-s', (512, 1024), 'takes 640x640 only'),
    ('mask2former-r50', (500, 1000), 'the nearest is 512x992')])
def test_sizes_that_a_network_does_not_take(name, size, message):
    with pytest.raises(ValueError, match=message):
        PRESETS[name].check_size(size)
    PRESETS['mask2former-r50'].check_size((512, 1024))


def test_configurations_are_plain_data():
    for name, config in PRESETS.items():
        assert MasksConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
        assert name_of(config.settings) == name
        assert name in PUBLISHED
    with pytest.raises(ValueError, match='read_settings'):
        MasksConfig('odd', {'model_type': 'eomt', 'auto_map': {}})


def test_the_command_exports_what_was_imported(tmp_path, capsys):
    nets.checkpoint('eomt').save(tmp_path / 'eomt.pt')
    assert Checkpoint.load(tmp_path / 'eomt.pt').config == nets.checkpoint('eomt').config
    command.main([str(tmp_path / 'eomt.pt'), '-o', str(tmp_path / 'eomt.onnx'), '--size', '64x64',
                  '--masks.object-threshold', '0.7', '--json', str(tmp_path / 'report.json')])
    assert 'largest difference from PyTorch' in capsys.readouterr().out
    report = json.loads((tmp_path / 'report.json').read_text())
    assert report['multiply_adds'] > 0
    metadata = OnnxEngine(tmp_path / 'eomt.onnx', contract).metadata
    assert metadata.options == {'object_threshold': 0.7}
