"""The exported file keeps the engine contract and does what the network does."""

import json
import logging
import warnings
from dataclasses import replace
from logging.handlers import BufferingHandler

import engines
import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='exporting needs PyTorch')
onnx = pytest.importorskip('onnx', reason='exporting needs onnx')
pytest.importorskip('onnxscript', reason="PyTorch's exporter needs onnxscript")
onnxruntime = pytest.importorskip('onnxruntime', reason='exporting is checked by ONNX Runtime')

import foreign_checkpoints  # noqa: E402
from tiny_training import TINY  # noqa: E402

from panoptic_ros.cli import export as command  # noqa: E402
from panoptic_ros.cli import import_checkpoint  # noqa: E402
from panoptic_ros.engine.build import build_plan  # noqa: E402
from panoptic_ros.engine.build_options import BuildOptions  # noqa: E402
from panoptic_ros.engine.metadata import ModelMetadata  # noqa: E402
from panoptic_ros.families import deeplab  # noqa: E402
from panoptic_ros.labels import LabelSpace  # noqa: E402
from panoptic_ros.network import export  # noqa: E402
from panoptic_ros.network.checkpoint import Checkpoint  # noqa: E402
from panoptic_ros.network.families.deeplab.family import DeepLabNetworks  # noqa: E402
from panoptic_ros.network.families.deeplab.model import PanopticDeepLab  # noqa: E402
from panoptic_ros.network.families.deeplab.variants import PRESETS  # noqa: E402
from panoptic_ros.network.metadata import metadata_of  # noqa: E402
from panoptic_ros.network.samples import MEAN  # noqa: E402
from panoptic_ros.network.size import measure  # noqa: E402
from panoptic_ros.segments.grid import Grid  # noqa: E402

pytestmark = pytest.mark.torch

SIZE = (64, 96)
PUBLIC = 'mobilenet_v2-bowenc'


@pytest.fixture(scope='module')
def checkpoint():
    torch.manual_seed(1)
    space = LabelSpace.load('cityscapes')
    network = PanopticDeepLab(TINY, len(space))
    with torch.no_grad():       # batch statistics that folding must respect
        for name, buffer in network.named_buffers():
            if name.endswith('running_mean'):
                buffer.normal_(0, 0.1)
            elif name.endswith('running_var'):
                buffer.uniform_(0.5, 1.5)
        for name, parameter in network.named_parameters():
            if name.endswith('bias'):       # equal ones would be one in the file
                parameter.normal_(0, 0.1)
    return Checkpoint(TINY, space, network.state_dict(), {'seed': 1}, {})


@pytest.fixture(scope='module')
def exported(checkpoint, tmp_path_factory):
    """The file, and what torch said meanwhile."""
    path = tmp_path_factory.mktemp('export') / 'model.onnx'
    logger, said = logging.getLogger('torch.onnx'), BufferingHandler(1000)
    logger.addHandler(said)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter('always')
        export.export_onnx(checkpoint, path, SIZE, fit='pad', quality={'all': {'pq': 12.5}},
                           options={'stuff_area': 512})
    logger.removeHandler(said)
    return path, [entry.getMessage() for entry in said.buffer] + [
        str(warning.message) for warning in warned]


@pytest.fixture(scope='module')
def model(exported):
    return exported[0]


def test_torch_is_quiet_about_itself(exported):
    assert exported[1] == []


@pytest.fixture
def traced(model, monkeypatch):
    """Tracing takes seconds: take the graph that there is."""
    monkeypatch.setattr(export, 'trace', lambda network, size, outputs: onnx.load(model))


def test_the_file_does_what_the_network_does(checkpoint, model):
    session = onnxruntime.InferenceSession(model, providers=['CPUExecutionProvider'])
    images = np.random.default_rng(5).integers(0, 256, (3, *SIZE, 3), np.uint8)
    with torch.inference_mode():
        expected = checkpoint.network()(torch.from_numpy(images))
    for ours, theirs in zip(session.run(None, {'image': images}), expected, strict=True):
        assert theirs.std() > 0
        np.testing.assert_allclose(ours, theirs.numpy(), atol=1e-4 * float(theirs.abs().max()))


def test_inputs_and_outputs_are_those_of_the_contract(model):
    session = onnxruntime.InferenceSession(model, providers=['CPUExecutionProvider'])
    image, = session.get_inputs()
    assert (image.name, image.type) == ('image', 'tensor(uint8)')
    assert isinstance(image.shape[0], str)
    assert image.shape[1:] == [*SIZE, 3]
    outputs = {value.name: (value.type, value.shape[1:]) for value in session.get_outputs()}
    assert outputs == {'semantic': ('tensor(float)', [19, 16, 24]),
                       'center': ('tensor(float)', [1, 16, 24]),
                       'offset': ('tensor(float)', [2, 16, 24])}


def test_the_graph_suits_tensorrt(model):
    graph = onnx.load(model).graph
    first, = (node for node in graph.node if 'image' in node.input)
    assert first.op_type == 'Cast'
    assert 'BatchNormalization' not in {node.op_type for node in graph.node}


def test_the_file_describes_itself_and_not_the_machine_it_was_made_on(model):
    loaded = onnx.load(model)
    properties = {entry.key: entry.value for entry in loaded.metadata_props}
    metadata = ModelMetadata.from_properties(properties, str(model))
    assert metadata.network == 'tiny'
    assert metadata.input_size == SIZE
    assert metadata.quality == {'all': {'pq': 12.5}}
    assert metadata.options == {'stuff_area': 512}
    assert metadata.training == {'seed': 1}
    assert (metadata.fit, metadata.padding) == ('pad', MEAN)
    assert b'.py' not in model.read_bytes()


@pytest.mark.parametrize(('own', 'fit', 'expected'), [
    (('stretch', ()), None, ('stretch', ())),
    (('stretch', ()), 'pad', ('pad', MEAN)),
    (('pad', (1, 2, 3)), None, ('pad', (1, 2, 3))),
    (('pad', (1, 2, 3)), 'pad', ('pad', (1, 2, 3))),
    (('pad', (1, 2, 3)), 'stretch', ('stretch', ()))])
def test_a_network_keeps_its_own_way_to_fit_images_unless_asked(monkeypatch, own, fit, expected):
    monkeypatch.setattr(DeepLabNetworks, 'fitting', lambda family, config: own)
    metadata = metadata_of(TINY, LabelSpace.load('cityscapes'), SIZE, fit)
    assert (metadata.fit, metadata.padding) == expected


def test_a_size_that_the_network_cannot_take_is_refused(checkpoint, tmp_path):
    with pytest.raises(ValueError, match='multiples of 8'):
        export.export_onnx(checkpoint, tmp_path / 'model.onnx', (100, 96))


def test_a_graph_that_differs_is_not_written(checkpoint, tmp_path, traced):
    path = tmp_path / 'model.onnx'
    path.write_bytes(b'the old file')
    weights = {name: 1.001 * value if name == 'center.1.weight' else value
               for name, value in checkpoint.weights.items()}
    with pytest.raises(export.ExportError, match='is not written'):
        export.export_onnx(replace(checkpoint, weights=weights), path, SIZE)
    assert path.read_bytes() == b'the old file'
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture(scope='module')
def imported(tmp_path_factory):
    """A public checkpoint that the commands have imported and exported; network, file, report."""
    folder = tmp_path_factory.mktemp('imported')
    # a sliding window which the image below exceeds
    config = replace(PRESETS[PUBLIC], window=(33, 65))
    network = foreign_checkpoints.network(config)
    theirs, ours, model = (folder / name for name in ('theirs.pkl', 'ours.pt', 'ours.onnx'))
    theirs.write_bytes(foreign_checkpoints.pkl(foreign_checkpoints.weights('bowenc', network)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(PRESETS, PUBLIC, config)
        import_checkpoint.main([str(theirs), '-o', str(ours)])
    command.main([str(ours), '-o', str(model), '--size', '64x128',
                  '--json', str(folder / 'report.json')])
    return network, model, json.loads((folder / 'report.json').read_text())


@pytest.mark.slow
def test_a_network_of_the_literature_is_imported_and_exported(imported):
    """Aligned corners, padding and a sliding window; `make models` does it with all networks."""
    network, model, report = imported
    assert 0 < report['difference'] < 1e-4
    engine = engines.load(model)
    assert engine.metadata.training['imported_from'] == 'theirs.pkl'
    images = np.random.default_rng(0).integers(0, 256, (1, 64, 128, 3), np.uint8)
    heads, = engines.heads(engine, images)
    assert heads.grid == deeplab.grid_of(engine.metadata) == Grid((64, 128), 4, align_corners=True)
    assert heads.semantic.shape[1:] == (17, 33)
    assert deeplab.decode(heads, LabelSpace.load('cityscapes')).size == (64, 128)
    with torch.inference_mode():
        expected = network(torch.from_numpy(images))
    for found, head in zip((heads.semantic, heads.center, heads.offset), expected, strict=True):
        assert head.std() > 0
        np.testing.assert_allclose(found, head[0].squeeze(), atol=1e-4 * float(head.abs().max()))


@pytest.mark.slow
def test_and_then_it_is_built(imported, monkeypatch):
    pytest.importorskip('tensorrt_rtx', reason='pip install tensorrt-rtx')
    monkeypatch.setenv('PANOPTIC_ROS_TENSORRT', 'tensorrt_rtx')
    _, model, _ = imported
    built = build_plan(engines.read(model), BuildOptions('fp16', 'sm_89'))
    assert built.info.metadata('plan').network == PUBLIC
    assert len(built.plan) > model.stat().st_size / 3


def test_the_command_exports_and_reports(checkpoint, tmp_path, capsys, traced):
    checkpoint.save(tmp_path / 'checkpoint.pt')
    report = {'source': {'streets': [64, 96]}, 'frames': 3, 'panoptic_quality': {
        group: {'pq': 1.0, 'sq': 2.0, 'rq': 3.0, 'classes': 19}
        for group in ('all', 'things', 'stuff')}}
    (tmp_path / 'quality.json').write_text(json.dumps(report))
    output = tmp_path / 'model.onnx'
    command.main([str(tmp_path / 'checkpoint.pt'), '-o', str(output), '--size', '64x96',
                  '--fit', 'pad', '--quality', str(tmp_path / 'quality.json'),
                  '--deeplab.stuff-area', '100', '--deeplab.nms-kernel', '13',
                  '--deeplab.center-threshold', '0.1',
                  '--json', str(tmp_path / 'report.json')])
    assert 'MB' in capsys.readouterr().out
    written = json.loads((tmp_path / 'report.json').read_text())
    assert written['bytes'] == output.stat().st_size
    assert written['difference'] < 1e-4
    assert written['parameters'] == sum(
        p.numel() for p in checkpoint.network().parameters())
    assert written['multiply_adds'] == measure(TINY, SIZE).multiply_adds
    properties = {entry.key: entry.value for entry in onnx.load(output).metadata_props}
    metadata = ModelMetadata.from_properties(properties, 'model')
    assert metadata.quality['all'] == {'pq': 1.0, 'sq': 2.0, 'rq': 3.0}
    assert metadata.options == {'stuff_area': 100, 'nms_kernel': 13}
    assert (metadata.fit, metadata.padding) == ('pad', MEAN)


def test_an_export_is_exported_again_for_another_size(model, tmp_path, monkeypatch):
    """Its options, its way to fit images and its training stay; what was measured does not."""
    monkeypatch.setitem(PRESETS, 'tiny', TINY)
    sizes = []
    monkeypatch.setattr(export, 'trace', lambda network, size, outputs: sizes.append(size)
                        or onnx.load(model))
    output = tmp_path / 'again.onnx'
    command.main([str(model), '-o', str(output), '--size', '64x96'])
    found, before = (ModelMetadata.from_properties(
        {entry.key: entry.value for entry in onnx.load(file).metadata_props}, 'model')
        for file in (output, model))
    assert sizes == [SIZE]
    assert found == replace(before, quality={}, training={
        'unfolded_from': 'model.onnx', **before.training})


@pytest.mark.parametrize(('arguments', 'message'), [
    (['missing.pt', '-o', 'model.onnx'], 'no checkpoint missing.pt'),
    (['missing.pt', '-o', 'model.onnx', '--deeplab.nms-kernel', '4'], 'nms_kernel is 4'),
    (['missing.pt', '-o', 'model.onnx', '--size', '5'], 'expected HEIGHTxWIDTH')])
def test_the_command_says_what_is_wrong(arguments, message, capsys):
    with pytest.raises(SystemExit) as exited:
        command.main(arguments)
    assert exited.value.code != 0
    assert message in capsys.readouterr().err
