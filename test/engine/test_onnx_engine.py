import numpy as np
import onnx
import pytest
import tiny_model

from panoptic_ros import engine
from panoptic_ros.engine import ModelError, ModelMetadata


def test_heads_of_a_batch(tiny_onnx, cityscapes):
    loaded = engine.load(tiny_onnx, threads=1)
    images = np.zeros((3, 64, 128, 3), np.uint8)
    images[1] = cityscapes.colors[cityscapes.names.index('sky')][::-1]
    images[2] = 255
    heads = loaded(images)
    assert [h.semantic.shape for h in heads] == [(19, 16, 32)] * 3
    assert (heads[1].semantic.argmax(0) == cityscapes.names.index('sky')).all()
    assert heads[1].center.max() < 0.1 < heads[2].center.min()
    assert heads[2].input_size == loaded.metadata.input_size == (64, 128)


def test_metadata_survives_the_file(tiny_onnx):
    loaded = engine.load(tiny_onnx)
    assert loaded.metadata == tiny_model.describe((64, 128))
    assert 'ONNX Runtime' in loaded.description


@pytest.mark.parametrize('images', [
    np.zeros((1, 64, 127, 3), np.uint8), np.zeros((64, 128, 3), np.uint8),
    np.zeros((1, 64, 128, 3), np.float32)])
def test_refuses_other_images(tiny_onnx, images):
    with pytest.raises(ValueError, match=r'expected uint8 \(N, 64, 128, 3\)'):
        engine.load(tiny_onnx)(images)


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r'no model file .*absent\.onnx'):
        engine.load(tmp_path / 'absent.onnx')


def test_corrupt_file_is_refused(tmp_path, tiny_onnx):
    path = tmp_path / 'corrupt.onnx'
    path.write_bytes(tiny_onnx.read_bytes()[:300])
    with pytest.raises(ModelError, match=r'corrupt\.onnx is not a model'):
        engine.load(path)


def test_unknown_ending_is_refused(tmp_path):
    with pytest.raises(ModelError, match=r'ends in \.onnx'):
        engine.load(tmp_path / 'model.pth')


def test_missing_metadata_is_listed(tmp_path):
    properties = tiny_model.describe((64, 128)).to_properties()
    for key in ('stride', 'training'):
        del properties[f'panoptic_ros.{key}']
    path = tiny_model.build(tmp_path / 'mute.onnx', metadata=properties)
    with pytest.raises(ModelError, match=r'mute\.onnx lacks the metadata stride, training'):
        engine.load(path)


@pytest.mark.parametrize(('key', 'value'), [
    ('label_space', '{"name": "x"}'), ('input_size', '[64]'), ('stride', 'four'),
    ('grouping', '['), ('network', '"'), ('input_size', '[64, Infinity]'),
    ('input_size', '[64, 1000000]'), ('stride', '1e999'), ('training', '[' * 100_000)])
def test_unreadable_metadata_is_refused(tmp_path, key, value):
    properties = tiny_model.describe((64, 128)).to_properties() | {f'panoptic_ros.{key}': value}
    path = tiny_model.build(tmp_path / 'garbled.onnx', metadata=properties)
    with pytest.raises(ModelError, match=r'garbled\.onnx has metadata that cannot be read'):
        engine.load(path)


def test_wrong_input_is_refused(tmp_path):
    properties = tiny_model.describe((128, 128)).to_properties()
    path = tiny_model.build(tmp_path / 'm.onnx', metadata=properties)
    with pytest.raises(ModelError, match=r'contract asks for uint8 \(N, 128, 128, 3\)'):
        engine.load(path)


def test_wrong_output_is_refused(tmp_path):
    path = tiny_model.build(tmp_path / 'm.onnx', center='heatmap')
    with pytest.raises(ModelError, match='output center is absent'):
        engine.load(path)


def test_metadata_is_plain_properties(cityscapes):
    metadata = ModelMetadata('mobile', (512, 1024), 4, cityscapes, {'seed': 1}, {'PQ': 50.0})
    properties = metadata.to_properties()
    assert all(isinstance(value, str) for value in properties.values())
    assert ModelMetadata.from_properties(properties, 'x') == metadata


def test_file_from_any_producer_is_judged_by_the_contract(tmp_path, tiny_onnx):
    model = onnx.load(tiny_onnx)
    del model.metadata_props[:]
    onnx.save(model, tmp_path / 'foreign.onnx')
    with pytest.raises(ModelError, match='lacks the metadata network, input_size'):
        engine.load(tmp_path / 'foreign.onnx')


@pytest.mark.parametrize('stride', [0, -4])
def test_metadata_of_no_use_is_refused(cityscapes, stride):
    properties = ModelMetadata('mobile', (512, 1024), 4, cityscapes, {}, {}).to_properties()
    properties['panoptic_ros.stride'] = str(stride)
    with pytest.raises(ModelError, match=f'x has metadata .*: stride is {stride}: expected 1 to '):
        ModelMetadata.from_properties(properties, 'x')
