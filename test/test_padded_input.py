"""Models that ask for padding, from their files to labels of the camera's size."""

from dataclasses import replace

import cv2
import engines
import numpy as np
import pytest
import tiny_model

from panoptic_ros import Segmenter
from panoptic_ros.engine.calibration import CalibrationImages
from panoptic_ros.engine.fitting import fit
from panoptic_ros.families import deeplab
from panoptic_ros.pipelines.cpu import CpuPipeline
from panoptic_ros.segmenter import Setup

INPUT = (64, 128)
GRAY = (104, 116, 124)


@pytest.fixture(scope='module')
def padding_onnx(tmp_path_factory):
    metadata = replace(tiny_model.describe(INPUT), fit='pad', padding=GRAY)
    return tiny_model.build(tmp_path_factory.mktemp('models') / 'padding.onnx',
                            metadata=metadata.to_properties())


@pytest.fixture(scope='module')
def segmenter(padding_onnx):
    return Segmenter.open(padding_onnx)


@pytest.fixture(scope='module')
def stretching(tiny_onnx):
    return Segmenter.open(tiny_onnx)


def test_the_image_fills_the_upper_left_and_the_rest_has_the_colour():
    image = tiny_model.scene((96, 96))
    fitted = fit(image, INPUT, GRAY)
    assert fitted.shape == (*INPUT, 3)
    expected = cv2.resize(image, (64, 64), interpolation=cv2.INTER_AREA)
    np.testing.assert_array_equal(fitted[:, :64], expected)
    assert (fitted[:, 64:] == GRAY).all()
    wide = fit(image[:30], INPUT, GRAY)
    assert (wide[40:] == GRAY).all()
    np.testing.assert_array_equal(wide[:40], cv2.resize(image[:30], (128, 40)))


@pytest.mark.parametrize('size', [(64, 128), (32, 64), (128, 256), (300, 600)])
def test_an_image_of_the_network_s_shape_is_not_padded(size):
    image = tiny_model.scene(size)
    np.testing.assert_array_equal(fit(image, INPUT, GRAY), fit(image, INPUT))


@pytest.mark.parametrize('part', [(64, 116), (64, 117), (52, 128), (61, 128)])
def test_a_part_of_a_scene_is_segmented_as_in_the_whole(segmenter, stretching, part):
    """To the last row and column, next to which the network sees the padding."""
    scene = tiny_model.scene()
    height, width = part
    expected, found = stretching(scene), segmenter(scene[:height, :width])
    np.testing.assert_array_equal(found.labels, expected.labels[:height, :width])
    assert len(found.things) == 3


@pytest.mark.parametrize('size', [(96, 96), (37, 61), (270, 480), (50, 300), (300, 100), (1, 9)])
def test_labels_are_those_of_the_reference_on_the_part(segmenter, padding_onnx, size):
    image = tiny_model.scene(size) if min(size) > 1 else np.zeros((*size, 3), np.uint8)
    metadata = segmenter.metadata
    engine = engines.load(padding_onnx)
    outputs = engine(fit(image, metadata.input_size, metadata.padding)[np.newaxis])
    scale = min(64 / size[0], 128 / size[1])
    part = tuple(max(1, int(side * scale + 0.5)) for side in size)
    heads = deeplab.heads_of({name: tensor[0] for name, tensor in outputs.items()},
                             replace(deeplab.grid_of(metadata), image_size=part))
    expected = deeplab.decode(heads, metadata.label_space, size, 'reference', segmenter.options,
                              confidence=True)
    found = segmenter(image, confidence=True)
    assert found.size == size
    np.testing.assert_array_equal(found.labels, expected.labels)
    assert abs(found.confidence.astype(int) - expected.confidence).max() <= 1
    by_reference = Segmenter.open(padding_onnx, setup=Setup(method='reference'))(image)
    np.testing.assert_array_equal(by_reference.labels, expected.labels)


def test_things_keep_their_shape(segmenter):
    """A scene of another shape, painted in the camera's, is found where it was painted."""
    names = segmenter.label_space.names
    size = (256, 384)                                   # fills 64x96
    image = np.empty((*size, 3), np.uint8)
    image[:] = segmenter.label_space.colors[names.index('road')][::-1]
    image[64:192, 320:] = segmenter.label_space.colors[names.index('car')][::-1]
    image[128:144, 352:368] = 255
    image[192:, :64] = segmenter.label_space.colors[names.index('person')][::-1]
    image[240:, 32:48] = 255
    things = segmenter(image).things
    assert [names[c] for c in things.class_id] == ['car', 'person']
    np.testing.assert_allclose(things.box, [[320, 64, 384, 192], [0, 192, 64, 256]], atol=8)
    assert things.box[0, 2] == 384
    assert things.box[1, 3] == 256


def test_int8_is_calibrated_with_what_the_network_is_given(padding_onnx):
    class Spy:
        def __init__(self):
            self._engine = engines.load(padding_onnx)
            self.metadata, self.description = self._engine.metadata, 'spy'

        def __call__(self, images):
            self.image = images[0]
            return self._engine(images)

    image = np.random.default_rng(0).integers(0, 256, (90, 70, 3), np.uint8)
    spy = Spy()
    Segmenter(CpuPipeline(spy))(image)
    [fitted] = CalibrationImages.from_images([image], INPUT, padding=spy.metadata.padding)
    np.testing.assert_array_equal(fitted, spy.image)
    assert (fitted[:, 50:] == GRAY).all()


def test_calibration_from_a_folder_pads(tmp_path, padding_onnx):
    cv2.imwrite(str(tmp_path / 'a.png'), np.full((64, 64, 3), 9, np.uint8))
    [fitted] = CalibrationImages.from_folder(tmp_path, INPUT, padding=GRAY)
    assert (fitted[:, :64] == 9).all()
    assert (fitted[:, 64:] == GRAY).all()
