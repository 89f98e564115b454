"""The weights in models/ against what their metadata and the renderer say."""

import pytest

from panoptic_ros import LabelSpace, Segmenter
from panoptic_ros.evaluation import PanopticQuality
from panoptic_ros.evaluation.held_out import single_frame
from panoptic_ros.resources import share_directory
from panoptic_ros.streets import FIRST_HELD_OUT_SEED

MODEL = share_directory() / 'models' / 'streets.onnx'
SIZE = (512, 1024)


@pytest.fixture(scope='module')
def segmenter():
    return Segmenter.open(MODEL)


def test_it_is_small_and_describes_itself(segmenter):
    assert MODEL.stat().st_size <= 15e6
    assert segmenter.metadata.input_size == SIZE
    assert segmenter.label_space == LabelSpace.load('cityscapes')
    assert segmenter.metadata.training
    assert MODEL.with_suffix('.md').is_file()


@pytest.mark.slow
def test_it_still_knows_the_streets_that_are_rendered(segmenter):
    """Fails when renderer, grouping or metadata move away from the weights."""
    quality = PanopticQuality(segmenter.label_space)
    for number in range(12):
        image, truth = single_frame(FIRST_HELD_OUT_SEED + number, SIZE)
        panoptic = segmenter(image)
        panoptic.check()
        quality.update(panoptic.labels, truth.labels)
    assert quality.compute().all.pq > 40
