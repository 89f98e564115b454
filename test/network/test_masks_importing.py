"""Published networks of the family masks become networks of this package, entry by entry."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='networks need PyTorch')
pytest.importorskip('transformers', reason='pip install transformers scipy')
pytest.importorskip('scipy', reason='pip install transformers scipy')

import masks_networks as nets  # noqa: E402
from foreign_checkpoints import pkl  # noqa: E402

from panoptic_ros.cli import import_checkpoint as command  # noqa: E402
from panoptic_ros.labels import LabelSpace  # noqa: E402
from panoptic_ros.network.checkpoint import Checkpoint, CheckpointError  # noqa: E402
from panoptic_ros.network.families.masks.importing.folder import Folder  # noqa: E402
from panoptic_ros.network.families.masks.importing.mask2former import (  # noqa: E402
    renamed,
    settings_of,
)
from panoptic_ros.network.families.masks.model import MasksNetwork  # noqa: E402
from panoptic_ros.network.families.masks.variants import PRESETS  # noqa: E402
from panoptic_ros.network.family import ImportOptions  # noqa: E402
from panoptic_ros.network.importing.recognition import recognise  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.slow]
CITYSCAPES = LabelSpace.load('cityscapes')


@pytest.fixture(scope='module')
def published(tmp_path_factory):
    """The source's network and the folder that it was saved to, by kind."""
    found = {}
    for kind in nets.KINDS:
        model = nets.source(kind)
        found[kind] = model, nets.folder(model, tmp_path_factory.mktemp(kind))
    return found


def conversion(path, *allowed):
    return recognise(Path(path), False, ImportOptions(allowed))


def copy_of(folder, target, **changes):
    for file in folder.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    config = json.loads((folder / 'config.json').read_text()) | changes
    (target / 'config.json').write_text(json.dumps(config))
    return target


def rewritten(folder, target, change):
    """A folder whose weights another function made."""
    from safetensors.torch import load_file, save_file
    copy_of(folder, target)
    weights = load_file(folder / 'model.safetensors')
    change(weights)
    save_file(weights, target / 'model.safetensors')
    return target


@pytest.mark.parametrize('kind', nets.KINDS)
def test_a_folder_gives_the_numbers_of_its_source(kind, published):
    model, folder = published[kind]
    found = conversion(folder)
    assert found.comparison.complete
    assert len(found.comparison.used) == len(found.source.weights)
    labels = found.label_space()
    assert labels.name == 'cityscapes'
    network = found.checkpoint(labels).network()
    shown = nets.images(kind, 2)
    with torch.inference_mode():
        ours = [output.numpy() for output in network(torch.from_numpy(shown))]
    nets.close(ours, nets.outputs(model, shown))


def test_the_source_s_way_with_images_is_kept(published, tmp_path):
    pad = conversion(published['swin'][1]).config
    assert (pad.fit, pad.padding) == ('pad', (104, 116, 124))
    assert conversion(published['eomt'][1]).config.padding == (0, 0, 0)
    other = copy_of(published['swin'][1], tmp_path)
    (other / 'preprocessor_config.json').write_text(json.dumps(
        {'size': {'height': 64, 'width': 128}, 'image_mean': [0.5] * 3, 'image_std': [0.25] * 3}))
    config = conversion(other).config
    assert (config.fit, config.padding) == ('stretch', ())
    assert config.mean == pytest.approx((127.5,) * 3)
    assert config.deviation == pytest.approx((63.75,) * 3)
    (other / 'preprocessor_config.json').write_text('{"image_mean": [0.5], "image_std": [1]}')
    with pytest.raises(CheckpointError, match='image_mean is a list of 1'):
        conversion(other)


def test_classes_are_brought_into_the_order_of_the_label_space(published, tmp_path):
    names = list(CITYSCAPES.names)
    names[0], names[-1] = names[-1].upper(), names[0]
    ids = {str(number): name for number, name in enumerate(names)}
    folder = copy_of(published['eomt'][1], tmp_path, id2label=ids)
    usual = conversion(published['eomt'][1]).checkpoint(CITYSCAPES).weights
    found = conversion(folder)
    assert found.label_space() == CITYSCAPES
    swapped = found.checkpoint(CITYSCAPES).weights
    order = [18, *range(1, 18), 0, 19]
    for name in ('model.class_predictor.weight', 'model.class_predictor.bias'):
        assert torch.equal(swapped[name], usual[name][order])


def test_coco_is_known_by_its_names(tmp_path):
    names = LabelSpace.load('coco').names
    folder = nets.folder(nets.source('eomt', classes=133), tmp_path, names)
    assert conversion(folder).label_space().name == 'coco'


@pytest.mark.parametrize(('labels', 'message'), [
    ({'0': 'cat', '2': 'dog'}, 'lacks the id 1'),
    ({}, 'id2label is a dict: expected the name of each class'),
    (None, 'id2label is nothing')])
def test_ids_of_classes_that_are_none(labels, message, published, tmp_path):
    with pytest.raises(CheckpointError, match=message):
        conversion(copy_of(published['eomt'][1], tmp_path, id2label=labels))


def test_classes_of_no_known_data_set_need_a_label_space(published, tmp_path):
    ids = {str(number): f'thing {number}' for number in range(19)}
    found = conversion(copy_of(published['eomt'][1], tmp_path, id2label=ids))
    with pytest.raises(CheckpointError, match='name its label space with --labels'):
        found.label_space()
    with pytest.raises(CheckpointError, match="'road' where id2label has 'thing 0'"):
        found.label_space(CITYSCAPES)
    with pytest.raises(CheckpointError, match="label space 'coco' has 133"):
        found.label_space(LabelSpace.load('coco'))


def test_every_entry_must_be_used(published, tmp_path):
    def change(weights):
        del weights['layers.0.norm1.bias']
        weights['surplus.weight'] = torch.zeros(2)
        weights['layers.1.norm1.bias'] = torch.zeros(5)
    folder = rewritten(published['eomt'][1], tmp_path, change)
    compared = conversion(folder).comparison
    assert not compared.complete
    assert compared.missing == ('layers.0.norm1.bias',)
    assert compared.left_over == ('surplus.weight',)
    assert compared.mismatched == {'layers.1.norm1.bias': ((5,), (32,))}
    assert conversion(folder, 'surplus*').comparison.allowed == ('surplus.weight',)
    with pytest.raises(CheckpointError, match='is not complete'):
        conversion(folder).checkpoint(CITYSCAPES)


def test_what_only_a_training_needs_may_be_missing(published, tmp_path):
    def change(weights):
        del weights['criterion.empty_weight']
    compared = conversion(rewritten(published['eomt'][1], tmp_path, change)).comparison
    assert compared.complete
    assert compared.counters == ('criterion.empty_weight',)


def test_weights_of_no_network_are_refused(published, tmp_path):
    def change(weights):
        weights['layers.0.norm1.bias'][3] = float('nan')
    folder = rewritten(published['eomt'][1], tmp_path, change)
    with pytest.raises(CheckpointError, match=r'layers\.0\.norm1\.bias: 1 of 32 values are NaN'):
        conversion(folder).checkpoint(CITYSCAPES)


@pytest.mark.parametrize(('changes', 'message'), [
    ({'model_type': 'bert'}, "model_type is 'bert': expected mask2former or eomt"),
    ({'model_type': 'mask2former'}, 'backbone_config is nothing'),
    ({'num_queries': 10 ** 9}, 'num_queries is 1000000000: expected a whole number'),
    ({'hidden_act': 'os.system'}, "hidden_act is 'os.system'"),
    ({'image_size': 70}, 'image_size is 70: expected a multiple of patch_size, 16'),
    ({'hidden_size': 33}, 'hidden_size is 33: expected a multiple of num_attention_heads, 2'),
    ({'patch_size': 8, 'num_upscale_blocks': 4}, 'patch_size is 8: expected a multiple of 16'),
    ({'num_blocks': 4}, 'num_blocks is 4: expected at most the 3 of num_hidden_layers'),
    ({'num_hidden_layers': 1}, 'num_blocks is 2: expected at most the 1 of num_hidden_layers'),
    ({'layerscale_value': 10 ** 400}, 'layerscale_value is .*: expected a number from 0 to 100'),
    ({'hidden_size': 4096, 'num_attention_heads': 64, 'num_hidden_layers': 64, 'mlp_ratio': 16},
     'settings are those of a network of [0-9]{11} parameters, and the file has')])
def test_configurations_of_other_networks(changes, message, published, tmp_path):
    with pytest.raises(CheckpointError, match=message):
        conversion(copy_of(published['eomt'][1], tmp_path, **changes))


def test_numbers_are_of_the_type_that_the_library_asks_for(published, tmp_path):
    folder = copy_of(published['eomt'][1], tmp_path, num_channels=3.0, num_hidden_layers=2.0)
    settings = conversion(folder).config.settings
    assert [type(settings[name]) for name in ('num_channels', 'num_hidden_layers')] == [int, int]


def test_entries_that_come_twice(published, tmp_path):
    folder = copy_of(published['eomt'][1], tmp_path)
    weights = (folder / 'model.safetensors').read_bytes()
    (folder / 'model.safetensors').unlink()
    for name in 'ab':
        (folder / name).write_bytes(weights)
    (folder / 'model.safetensors.index.json').write_text(
        json.dumps({'weight_map': {'one': 'a', 'two': 'b'}}))
    with pytest.raises(CheckpointError, match='as another file of the folder has: expected each'):
        Folder.read(folder)


def test_a_configuration_has_nothing_executed_or_fetched(published, tmp_path):
    """Settings by which the library would import, fetch or compile something are left out."""
    folder = copy_of(published['eomt'][1], tmp_path, auto_map={'AutoModel': 'evil--evil.Evil'},
                     quantization_config={'quant_method': 'bitsandbytes', 'load_in_4bit': True},
                     attn_implementation='evil/kernels', _attn_implementation='evil/kernels',
                     use_timm_backbone=True, backbone='evil', transformers_weights='x.bin')
    (folder / 'evil.py').write_text('raise SystemExit')
    (folder / 'adapter_config.json').write_text('{"base_model_name_or_path": "evil/evil"}')
    found = conversion(folder)
    assert found.comparison.complete
    assert found.config.settings == conversion(published['eomt'][1]).config.settings


def test_the_library_is_offline_and_the_environment_stays():
    """What else runs in the process, or is started by it, is not ours to cut off."""
    program = ('import os\n'
               'os.environ["DO_NOT_TRACK"] = "0"\n'
               'before = dict(os.environ)\n'
               'from panoptic_ros.network.families.masks.optional import load_transformers\n'
               'load_transformers()\n'
               'from huggingface_hub import constants\n'
               'print(constants.is_offline_mode(), constants.HF_HUB_DISABLE_TELEMETRY)\n'
               'print({name for name in {*before, *os.environ} if name.startswith(("HF_", "DO_", '
               '"TRANSFORMERS")) and before.get(name) != os.environ.get(name)})')
    ran = subprocess.run([sys.executable, '-c', program], capture_output=True, text=True)
    assert ran.stdout == 'True True\nset()\n', ran.stderr


def test_weights_in_several_files(published, tmp_path):
    model, folder = published['swin']
    model.save_pretrained(tmp_path, max_shard_size='50KB')
    copied = json.loads((folder / 'config.json').read_text())
    (tmp_path / 'config.json').write_text(json.dumps(copied))
    assert len(list(tmp_path.glob('model-*.safetensors'))) > 2
    found = conversion(tmp_path)
    assert found.comparison.complete
    assert 'files' in found.source.format
    index = tmp_path / 'model.safetensors.index.json'
    index.write_text(json.dumps({'weight_map': {'a': '../evil.safetensors'}}))
    with pytest.raises(CheckpointError, match='expected a file in the same folder'):
        Folder.read(tmp_path)


@pytest.mark.parametrize(('name', 'content', 'message'), [
    ('config.json', None, 'has no config.json'),
    ('config.json', b'[1]', 'is a list of 1: expected keys and values'),
    ('config.json', b'{', 'is no JSON'),
    ('config.json', b'[' * 100_000, 'is no JSON'),
    ('model.safetensors', None, 'has neither model.safetensors nor'),
    ('model.safetensors', b'version https://git-lfs.github.com/spec/v1', 'git lfs pull'),
    ('model.safetensors', b'\x80\x04pickle', 'expected safetensors')])
def test_folders_that_are_none(name, content, message, published, tmp_path):
    folder = copy_of(published['eomt'][1], tmp_path)
    if content is None:
        (folder / name).unlink()
    else:
        (folder / name).write_bytes(content)
    with pytest.raises(CheckpointError, match=re.escape(message)):
        Folder.read(folder)


def test_weights_without_their_folder(published):
    with pytest.raises(CheckpointError, match='give the folder that has its config'):
        conversion(published['eomt'][1] / 'model.safetensors')


@pytest.fixture(scope='module', params=['swin', 'resnet'])
def theirs(request, tmp_path_factory):
    """A network of the source, and its entries by the names of Mask2Former's own code."""
    model = nets.source(request.param)
    entries = nets.in_mask2former_names(nets.saved(model, tmp_path_factory.mktemp('saved')))
    return request.param, model, entries


def write(path, entries):
    path.write_bytes(pkl(entries))
    return path


def test_a_file_of_mask2former_gives_the_same_network(theirs, tmp_path):
    kind, model, entries = theirs
    found = conversion(write(tmp_path / 'model.pkl', entries))
    assert found.origin == 'Mask2Former'
    assert found.comparison.complete, found.comparison
    assert set(found.comparison.used) == set(entries)
    assert found.config.settings['num_attention_heads'] == 4
    network = found.checkpoint(found.label_space()).network()
    shown = nets.images(kind)
    with torch.inference_mode():
        ours = [output.numpy() for output in network(torch.from_numpy(shown))]
    nets.close(ours, nets.outputs(model, shown))


def test_older_files_and_what_a_window_determines(theirs, tmp_path):
    kind, _, entries = theirs
    predictor = 'sem_seg_head.predictor.'
    older = {name.replace('query_feat', 'static_query'): value for name, value in entries.items()}
    assert predictor + 'static_query.weight' in older
    if kind == 'swin':
        older['backbone.layers.0.blocks.0.attn.relative_position_index'] = torch.zeros(9, 9)
    compared = conversion(write(tmp_path / 'older.pkl', older)).comparison
    assert compared.complete
    assert len(compared.allowed) == (kind == 'swin')


def test_files_of_mask2former_with_other_entries(theirs, tmp_path):
    _, _, entries = theirs
    changed = dict(entries)
    changed['sem_seg_head.predictor.nobody.weight'] = torch.zeros(2)
    del changed['sem_seg_head.predictor.decoder_norm.bias']
    changed['sem_seg_head.predictor.mask_embed.layers.0.bias'] = torch.zeros(7)
    compared = conversion(write(tmp_path / 'changed.pkl', changed)).comparison
    assert compared.left_over == ('sem_seg_head.predictor.nobody.weight',)
    assert compared.missing == ('model.transformer_module.decoder.layernorm.bias',)
    assert compared.mismatched == {'sem_seg_head.predictor.mask_embed.layers.0.bias':
                                   ((7,), (32,))}
    del changed['sem_seg_head.pixel_decoder.mask_features.weight']
    with pytest.raises(CheckpointError, match=r'mask_features\.weight is missing'):
        conversion(write(tmp_path / 'changed.pkl', changed))


@pytest.mark.parametrize(('name', 'count'), [
    ('mask2former-r50', 558), ('mask2former-swin-t', 482)])
def test_the_published_files_have_as_many_entries(name, count):
    """As counted in the files of the source's model zoo; there, windows have an index."""
    config = PRESETS[name]
    with torch.device('meta'):
        model = MasksNetwork(config, 19).model
    from transformers.core_model_loading import revert_weight_conversion
    entries = nets.in_mask2former_names(revert_weight_conversion(model, model.state_dict()))
    indices = sum(config.settings['backbone_config']['depths']) if 'swin' in name else 0
    assert len(entries) + indices == count
    settings, classes = settings_of(entries)
    assert classes == 19
    assert all(list(renamed(entry, value)) for entry, value in entries.items())
    for key, value in settings.items():
        assert config.settings.get(key, value) == value or key == 'backbone_config'


def test_the_command_imports_a_folder_and_says_what_comes_next(published, tmp_path, capsys):
    _, folder = published['eomt']
    command.main([str(folder), '-o', str(tmp_path / 'eomt.pt'),
                  '--json', str(tmp_path / 'report.json')])
    said = capsys.readouterr().out
    assert 'keep their aspect and are padded' in said
    assert '--size 64x64' in said
    report = json.loads((tmp_path / 'report.json').read_text())
    assert report['complete']
    assert report['source'] == 'Hugging Face'
    found = Checkpoint.load(tmp_path / 'eomt.pt')
    assert found.config.family == 'masks'
    assert found.training['sha256'] == report['sha256']
    assert np.isfinite(found.weights['model.query.weight'].numpy()).all()


def test_without_the_library_the_command_names_the_install_line(published, tmp_path, capsys,
                                                                monkeypatch):
    monkeypatch.setitem(sys.modules, 'transformers', None)
    with pytest.raises(SystemExit) as exited:
        command.main([str(published['eomt'][1]), '-o', str(tmp_path / 'eomt.pt')])
    assert exited.value.code == 1
    assert "transformers, which is not installed: `pip install 'panoptic_ros[masks]'`" \
        in capsys.readouterr().err


def test_what_is_of_no_family_is_refused_with_what_was_looked_for(tmp_path):
    write(tmp_path / 'other.pkl', {'fc.weight': torch.zeros(2, 2)})
    with pytest.raises(CheckpointError, match=r'looked for .*\(detectron2\).*\(Mask2Former\)'):
        conversion(tmp_path / 'other.pkl')
