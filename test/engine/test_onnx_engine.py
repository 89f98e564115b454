from contextlib import nullcontext
from dataclasses import replace

import engines
import numpy as np
import onnx
import pytest
import tiny_model

from panoptic_ros.engine import ModelError, ModelMetadata, Output


def test_heads_of_a_batch(tiny_onnx, cityscapes):
    loaded = engines.load(tiny_onnx, threads=1)
    images = np.zeros((3, 64, 128, 3), np.uint8)
    images[1] = cityscapes.colors[cityscapes.names.index('sky')][::-1]
    images[2] = 255
    heads = engines.heads(loaded, images)
    assert [h.semantic.shape for h in heads] == [(19, 16, 32)] * 3
    assert (heads[1].semantic.argmax(0) == cityscapes.names.index('sky')).all()
    assert heads[1].center.max() < 0.1 < heads[2].center.min()
    assert heads[2].input_size == loaded.metadata.input_size == (64, 128)


def test_metadata_survives_the_file(tiny_onnx):
    loaded = engines.load(tiny_onnx)
    assert loaded.metadata == tiny_model.describe((64, 128))
    assert 'ONNX Runtime' in loaded.description


@pytest.mark.parametrize('images', [
    np.zeros((1, 64, 127, 3), np.uint8), np.zeros((64, 128, 3), np.uint8),
    np.zeros((1, 64, 128, 3), np.float32)])
def test_refuses_other_images(tiny_onnx, images):
    with pytest.raises(ValueError, match=r'expected uint8 \(N, 64, 128, 3\)'):
        engines.load(tiny_onnx)(images)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no model file .*absent\.onnx'):
        engines.load(tmp_path / 'absent.onnx')


def test_corrupt_file_is_refused(tmp_path, tiny_onnx):
    path = tmp_path / 'corrupt.onnx'
    path.write_bytes(tiny_onnx.read_bytes()[:300])
    with pytest.raises(ModelError, match=r'corrupt\.onnx is not a model'):
        engines.load(path)


def test_unknown_ending_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r'ends in \.onnx'):
        engines.load(tmp_path / 'model.pth')


def test_missing_metadata_is_listed(tmp_path):
    properties = tiny_model.describe((64, 128)).to_properties()
    for key in ('stride', 'training'):
        del properties[f'panoptic_ros.{key}']
    path = tiny_model.build(tmp_path / 'mute.onnx', metadata=properties)
    with pytest.raises(ModelError, match=r'mute\.onnx lacks the metadata training'):
        engines.load(path)


@pytest.mark.parametrize(('key', 'value'), [
    ('label_space', '{"name": "x"}'), ('input_size', '[64]'), ('stride', 'four'),
    ('grouping', '['), ('network', '"'), ('input_size', '[64, Infinity]'),
    ('input_size', '[64, 1000000]'), ('stride', '1e999'), ('training', '[' * 100_000)])
def test_unreadable_metadata_is_refused(tmp_path, key, value):
    properties = tiny_model.describe((64, 128)).to_properties() | {f'panoptic_ros.{key}': value}
    path = tiny_model.build(tmp_path / 'garbled.onnx', metadata=properties)
    with pytest.raises(ModelError, match=r'garbled\.onnx has metadata that cannot be read'):
        engines.load(path)


def test_metadata_that_are_no_json_are_named(tmp_path):
    """Also those that only the family reads."""
    properties = tiny_model.describe((64, 128)).to_properties() | {'panoptic_ros.note': 'mine'}
    path = tiny_model.build(tmp_path / 'noted.onnx', metadata=properties)
    with pytest.raises(ModelError, match=r"cannot be read: note is 'mine': expected JSON"):
        engines.load(path)


def test_wrong_input_is_refused(tmp_path):
    properties = tiny_model.describe((128, 128)).to_properties()
    path = tiny_model.build(tmp_path / 'm.onnx', metadata=properties)
    with pytest.raises(ModelError, match=r'contract asks for uint8 \(N, 128, 128, 3\)'):
        engines.load(path)


def test_wrong_output_is_refused(tmp_path):
    path = tiny_model.build(tmp_path / 'm.onnx', center='heatmap')
    with pytest.raises(ModelError, match='output center is absent'):
        engines.load(path)


def test_metadata_is_plain_properties(cityscapes):
    metadata = ModelMetadata('mobile', (512, 1024), cityscapes, {'seed': 1}, {'PQ': 50.0},
                             layout={'stride': 4})
    properties = metadata.to_properties()
    assert all(isinstance(value, str) for value in properties.values())
    assert ModelMetadata.from_properties(properties, 'x') == metadata


def test_how_images_are_brought_to_the_network_survives_the_file(tmp_path, tiny_onnx):
    padded = replace(tiny_model.describe((64, 128)), fit='pad', padding=(104, 116, 124))
    path = tiny_model.build(tmp_path / 'm.onnx', metadata=padded.to_properties())
    assert engines.load(path).metadata == padded
    stretched = engines.load(tiny_onnx).metadata
    assert (stretched.fit, stretched.padding) == ('stretch', ())


def test_file_from_any_producer_is_judged_by_the_contract(tmp_path, tiny_onnx):
    model = onnx.load(tiny_onnx)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / 'foreign.onnx')
    with pytest.raises(ModelError, match='lacks the metadata network, input_size'):
        engines.load(tmp_path / 'foreign.onnx')


@pytest.mark.parametrize('stride', [0, -4])
def test_a_layout_of_no_use_is_refused(tmp_path, cityscapes, stride):
    metadata = ModelMetadata('mobile', (512, 1024), cityscapes, layout={'stride': stride})
    path = tiny_model.build(tmp_path / 'x.onnx', metadata=metadata.to_properties())
    with pytest.raises(ModelError, match=rf'x\.onnx has .*: stride is {stride}: expected 1 to'):
        engines.load(path)


def test_a_family_that_is_not_known_is_refused(tmp_path):
    metadata = replace(tiny_model.describe((64, 128)), family='queries')
    path = tiny_model.build(tmp_path / 'm.onnx', metadata=metadata.to_properties())
    with pytest.raises(ModelError, match="family is 'queries': expected one of deeplab"):
        engines.load(path)


@pytest.mark.parametrize(('output', 'message'), [
    (Output('center', (1, 16, 32), 'float32'), ''),
    (Output('center', (1, 16, 33), 'float32'), r'announce float32 \(N, 1, 16, 33\)'),
    (Output('center', (1, 16, 32), 'float16'), r'announce float16 \(N, 1, 16, 32\)'),
    (Output('queries', (1, 16, 32), 'float32'), "output 'queries' is absent"),
])
def test_announced_outputs_are_those_of_the_graph(tmp_path, output, message):
    metadata = replace(tiny_model.describe((64, 128)), outputs=(output,))
    path = tiny_model.build(tmp_path / 'm.onnx', metadata=metadata.to_properties())
    with pytest.raises(ModelError, match=message) if message else nullcontext():
        assert engines.load(path).metadata.outputs == (output,)


def test_files_of_before_there_were_families_say_the_same(tmp_path):
    metadata = tiny_model.describe((64, 128))
    former = {key: value for key, value in metadata.to_properties().items()
              if key.removeprefix('panoptic_ros.') not in ('family', 'outputs', 'fit', 'padding')}
    former['panoptic_ros.grouping'] = former.pop('panoptic_ros.options')
    path = tiny_model.build(tmp_path / 'm.onnx', metadata=former)
    assert engines.load(path).metadata == metadata


def test_layout_and_metadata_do_not_contradict_each_other(cityscapes):
    with pytest.raises(ValueError, match='layout has family: expected names'):
        ModelMetadata('m', (64, 128), cityscapes, layout={'family': 'other'})
