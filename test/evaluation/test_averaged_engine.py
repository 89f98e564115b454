from dataclasses import replace

import cv2
import engines
import numpy as np
import pytest
import tiny_model

from panoptic_ros import LabelSpace, Segmenter
from panoptic_ros.engine import ModelMetadata
from panoptic_ros.evaluation.deeplab.averaged_engine import AveragedEngine
from panoptic_ros.families import deeplab
from panoptic_ros.pipelines.cpu import CpuPipeline

SPACE = LabelSpace.load('cityscapes')


class RampEngine:
    """Knows where in the image its cells lie: the offset points at the middle of the image."""

    description = 'ramp'

    def __init__(self, size, align_corners=False, confidence=2.0):
        self.metadata = ModelMetadata('ramp', size, SPACE, layout={
            'stride': 4, 'align_corners': align_corners})
        self.confidence = confidence
        self.closed = False

    def __call__(self, images):
        assert images.shape[1:] == (*self.metadata.input_size, 3)
        heads = [self.heads(image) for image in images]
        return {'semantic': np.stack([h.semantic for h in heads]),
                'center': np.stack([h.center[None] for h in heads]),
                'offset': np.stack([h.offset for h in heads])}

    def heads(self, image):
        grid = deeplab.grid_of(self.metadata)
        y, x = ((np.arange(cells) + grid.shift) * grid.stride for cells in grid.cells)
        height, width = self.metadata.input_size
        offset = np.stack(np.meshgrid(height / 2 - y, width / 2 - x, indexing='ij'))
        semantic = np.zeros((len(SPACE), *grid.cells), np.float32)
        # the class says whether the image is bright there
        column = np.clip(x.astype(int), 0, width - 1)
        bright = image[np.clip(y.astype(int), 0, height - 1)][:, column, 0] > 127
        semantic[0], semantic[10] = self.confidence * bright, self.confidence * ~bright
        center = np.broadcast_to(x / width, grid.cells)
        return deeplab.Heads(semantic, center.astype(np.float32), offset.astype(np.float32),
                             grid.stride, grid.align_corners, grid.input_size)

    def close(self):
        self.closed = True


def half_bright(size):
    image = np.zeros((1, *size, 3), np.uint8)
    image[:, :, :size[1] // 2] = 255
    return image


@pytest.mark.parametrize('align_corners', [False, True])
def test_scales_are_averaged_where_they_lie_and_in_pixels_of_the_largest(align_corners):
    small, large = RampEngine((32, 64), align_corners), RampEngine((64, 128), align_corners)
    averaged = AveragedEngine([small, large])
    assert averaged.metadata is large.metadata
    image = half_bright((64, 128))
    heads, = engines.heads(averaged, image)
    expected, = engines.heads(large, image)
    inner = np.s_[..., 1:-2, 1:-2]      # cells past the small network's outermost have no other
    np.testing.assert_allclose(heads.offset[inner], expected.offset[inner], atol=1e-4)
    np.testing.assert_allclose(heads.center[inner], expected.center[inner], atol=1e-5)
    assert heads.grid == expected.grid


@pytest.mark.parametrize('align_corners', [False, True])
def test_a_mirrored_image_is_mirrored_back(align_corners):
    engine = RampEngine((32, 64), align_corners)
    image = half_bright((32, 64))
    heads, = engines.heads(AveragedEngine([engine], flip=True), image)
    expected, = engines.heads(engine, image)
    inner = np.s_[..., 1:-2]
    np.testing.assert_allclose(heads.offset[inner], expected.offset[inner], atol=1e-4)
    np.testing.assert_array_equal(heads.semantic.argmax(0), expected.semantic.argmax(0))
    np.testing.assert_allclose(heads.center[inner], 0.5, atol=1e-5)     # a ramp and its mirror


def test_probabilities_are_averaged_not_logits():
    sure, unsure = RampEngine((32, 64)), RampEngine((32, 64), confidence=-0.5)
    image = half_bright((32, 64))
    heads, = engines.heads(AveragedEngine([sure, unsure]), image)

    def probability(heads):
        weight = np.exp(heads.semantic)
        return weight / weight.sum(0)

    np.testing.assert_allclose(
        np.exp(heads.semantic), sum(
            probability(engines.heads(engine, image)[0]) for engine in (sure, unsure)) / 2,
        rtol=1e-5)


def test_a_symmetric_network_gains_nothing_from_mirrors(tiny_onnx):
    rng = np.random.default_rng(0)
    image = SPACE.colors[rng.choice(SPACE.stuff_ids, (16, 32))][..., ::-1]
    image = cv2.resize(image, (256, 128), interpolation=cv2.INTER_NEAREST)
    plain = Segmenter.open(tiny_onnx)(image)
    flipped = Segmenter(CpuPipeline(AveragedEngine([engines.load(tiny_onnx)], flip=True)))(image)
    assert (plain.semantic() == flipped.semantic()).mean() > 0.99
    assert len(np.unique(plain.labels)) > 5


def test_networks_of_several_files_are_one(tiny_onnx, tmp_path):
    metadata = engines.load(tiny_onnx).metadata
    bigger = ModelMetadata('tiny', (128, 256), SPACE, options=metadata.options,
                           layout=metadata.layout)
    path = tiny_model.build(tmp_path / 'bigger.onnx', (128, 256), bigger.to_properties())
    image = np.zeros((128, 256, 3), np.uint8)
    image[:] = SPACE.colors[0][::-1]
    averaged = AveragedEngine([engines.load(tiny_onnx), engines.load(path)])
    segmenter = Segmenter(CpuPipeline(averaged))
    assert segmenter.metadata.input_size == (128, 256)
    assert '64x128, 128x256' in segmenter.description
    assert (segmenter(image).labels == 0).all()


class PaddedRampEngine(RampEngine):
    """The same for the part of the image: its ramp and its offsets end with the image."""

    def __init__(self, size, confidence=2.0):
        super().__init__(size, confidence=confidence)
        self.metadata = replace(self.metadata, fit='pad', padding=(9, 9, 9))

    def heads(self, image):
        heads = super().heads(image)
        width = np.flatnonzero((image != 9).any((0, 2)))[-1] + 1
        x = (np.arange(heads.center.shape[1]) + 0.5) * 4
        heads.center[:] = x / width
        heads.offset[1] = width / 2 - x
        return heads


def test_what_is_mirrored_ends_with_the_image():
    """The padding stays on the right, as a network that pads always sees it."""
    small, large = PaddedRampEngine((32, 64)), PaddedRampEngine((64, 128))
    image = half_bright((64, 80))
    padded = np.full((1, 64, 128, 3), 9, np.uint8)
    padded[:, :, :80] = image
    expected, = engines.heads(large, padded)
    for networks in ([large], [small, large]):
        heads, = engines.heads(AveragedEngine(networks, flip=True), padded)
        inner = np.s_[..., 1:-2, 1:18]
        np.testing.assert_allclose(heads.offset[inner], expected.offset[inner], atol=1e-4)
        np.testing.assert_allclose(heads.center[inner], 0.5, atol=1e-5)
        np.testing.assert_array_equal(heads.semantic.argmax(0)[:, :20],
                                      expected.semantic.argmax(0)[:, :20])


def test_images_are_brought_to_all_networks_in_one_way():
    with pytest.raises(ValueError, match=r'by stretch \(\) and pad \(9, 9, 9\): expected one way'):
        AveragedEngine([RampEngine((64, 128)), PaddedRampEngine((32, 64))])


def test_closing_closes_all():
    networks = [RampEngine((32, 64)), RampEngine((64, 128))]
    AveragedEngine(networks).close()
    assert all(network.closed for network in networks)


def test_networks_must_know_the_same_classes():
    other = RampEngine((64, 128))
    few = LabelSpace('few', 1000, SPACE.categories[:5])
    other.metadata = ModelMetadata('few', (64, 128), few, layout={'stride': 4})
    with pytest.raises(ValueError, match="'few' and 'cityscapes'"):
        AveragedEngine([RampEngine((32, 64)), other])
    other.metadata = replace(RampEngine((32, 64)).metadata, family='queries')
    with pytest.raises(ValueError, match='of the family queries: expected deeplab'):
        AveragedEngine([other])
    with pytest.raises(ValueError, match='no engines'):
        AveragedEngine([])
