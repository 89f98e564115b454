from dataclasses import replace

import numpy as np
import pytest
import tiny_model

from panoptic_ros import Segmenter
from panoptic_ros.engine import ModelError
from panoptic_ros.families import deeplab
from panoptic_ros.segmenter import Setup


@pytest.fixture(scope='module')
def segmenter(tiny_onnx):
    return Segmenter.open(tiny_onnx)


def test_three_lines_from_an_image_to_its_segments(segmenter):
    panoptic = segmenter(tiny_model.scene())
    names = segmenter.label_space.names
    found = sorted(names[c] for c in panoptic.segments.class_id)
    assert found == ['car', 'car', 'person', 'road', 'sky']
    cars = panoptic.things[panoptic.things.class_id == names.index('car')]
    assert sorted(cars.instance.tolist()) == [1, 2]
    assert sorted(cars.box[:, 0].tolist()) == pytest.approx([16, 80], abs=2)
    panoptic.check()


@pytest.mark.parametrize('size', [(64, 128), (128, 256), (96, 200), (37, 61)])
def test_labels_have_the_camera_size(segmenter, size):
    panoptic = segmenter(tiny_model.scene(size))
    assert panoptic.size == size
    assert len(panoptic.things) == 3


def test_cpu_and_reference_agree(tiny_onnx, segmenter):
    image = tiny_model.scene((128, 256))
    expected = Segmenter.open(tiny_onnx, setup=Setup(method='reference'))(image)
    assert np.array_equal(segmenter(image).labels, expected.labels)


def test_accepts_views(segmenter):
    image = tiny_model.scene()
    mirrored = segmenter(image[:, ::-1])
    assert np.array_equal(mirrored.labels, segmenter(image[:, ::-1].copy()).labels)
    rgba = np.dstack([image, image[..., 0]])
    assert np.array_equal(segmenter(rgba[..., :3]).labels, segmenter(image).labels)


def test_options_come_from_the_model_and_can_be_changed(tiny_onnx):
    segmenter = Segmenter.open(tiny_onnx)
    assert segmenter.options.stuff_area == tiny_model.STUFF_AREA
    segmenter.options = deeplab.Options(stuff_area=10 ** 6)
    assert len(segmenter(tiny_model.scene()).stuff) == 0


def test_times_name_the_stages(segmenter):
    panoptics, seconds = segmenter.segment([tiny_model.scene(), tiny_model.scene((96, 200))])
    assert [panoptic.size for panoptic in panoptics] == [(64, 128), (96, 200)]
    assert tuple(seconds) == segmenter.stages == ('resize', 'network', 'grouping')
    assert all(value > 0 for value in seconds.values())


def test_confidence_on_demand(segmenter):
    image = tiny_model.scene()
    assert segmenter(image).confidence is None
    assert segmenter(image, confidence=True).confidence.shape == image.shape[:2]


@pytest.mark.parametrize('image', [
    np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((0, 4, 3), np.uint8),
    np.zeros((4, 4, 3), np.float32)])
def test_refuses_what_is_no_image(segmenter, image):
    with pytest.raises(ValueError, match=r'expected uint8 \(H, W, 3\)'):
        segmenter(image)


@pytest.mark.parametrize(('name', 'device', 'error', 'message'), [
    ('absent.onnx', 'auto', FileNotFoundError, r'no model file .*absent\.onnx'),
    ('model.pth', 'auto', ModelError, r'model\.pth: expected a model file that ends in \.onnx or'),
    ('m.plan', 'cpu', ModelError, r'm\.plan is a plan, which runs on a GPU only'),
    ('m.onnx', 'cuda', ValueError, "device is 'cuda': expected one of auto, cpu, gpu"),
])
def test_what_cannot_be_opened_is_named(tmp_path, name, device, error, message):
    with pytest.raises(error, match=message):
        Segmenter.open(tmp_path / name, device)


def test_a_machine_without_a_gpu_says_why_it_takes_the_processor(tiny_onnx):
    lines = []
    segmenter = Segmenter.open(tiny_onnx, setup=Setup(log=lines.append, warn=lines.append))
    line, = lines
    assert line == f'{tiny_onnx.name} runs on the CPU, not on a GPU: {segmenter.reason}'
    assert Segmenter.open(tiny_onnx, 'cpu').reason == 'the device asked for is cpu'


def test_what_does_not_suit_the_family_ends_the_opening_before_the_model_is_built(tiny_onnx):
    def refuse(family):
        raise ValueError(f'no {family.name}')

    with pytest.raises(ValueError, match='no deeplab'):
        Segmenter.open(tiny_onnx, setup=Setup(accept=refuse))


def test_options_that_there_are_not_are_refused(tmp_path):
    metadata = replace(tiny_model.describe((64, 128)), options={'threshold': 0.5})
    path = tiny_model.build(tmp_path / 'm.onnx', metadata=metadata.to_properties())
    with pytest.raises(ModelError, match=r"m\.onnx: the model recommends options .*'threshold'"):
        Segmenter.open(path)


def test_warm_up_and_close(tiny_onnx):
    segmenter = Segmenter.open(tiny_onnx)
    segmenter.warm_up((60, 80))
    segmenter.close()
