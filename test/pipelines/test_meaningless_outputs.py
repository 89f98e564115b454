"""What a network puts out that is no result, on the device of the doubles; docs/faults.md."""

import broken_models
import fake_cuda
import fake_tensorrt
import numpy as np
import pytest
import tiny_detections
import tiny_model
import tiny_queries
from cuda_on_cpu import BUILD, Launcher, Program
from gpu_plans import make_plan

from panoptic_ros import Segmenter, families
from panoptic_ros.tensors import OutputError

pytestmark = pytest.mark.compile

SCENE = tiny_model.scene()
WHITE = np.full_like(SCENE, 255)
NETWORKS = {'deeplab': (tiny_model, 'semantic'), 'fpn': (tiny_detections, 'semantic'),
            'masks': (tiny_queries, 'classes')}


@pytest.fixture(params=NETWORKS)
def opened(request, monkeypatch, tmp_path):
    """A family, and a segmenter whose network gives NaN for a poisoned image."""
    family, network = request.param, NETWORKS[request.param]
    launcher = Launcher(Program(families.find(family).kernels / 'kernels.cu', BUILD))
    onnx = broken_models.build(tmp_path / 'broken.onnx', [0] * 255 + [np.nan], *network)
    for cuda in fake_cuda.install(monkeypatch, kernels=launcher):
        fake_tensorrt.install(monkeypatch, cuda.machine)
        segmenter = Segmenter.open(make_plan(tmp_path / 'broken.plan', onnx))
        yield family, segmenter
        segmenter.close()


def test_nan_is_no_result_on_a_gpu_either(opened):
    _, segmenter = opened
    expected = segmenter(SCENE).labels
    for _ in range(3):          # enqueued, recorded, launched
        with pytest.raises(OutputError, match='the network gives NaN or one number everywhere'):
            segmenter(broken_models.poisoned(SCENE))
        np.testing.assert_array_equal(segmenter(SCENE).labels, expected)
    with pytest.raises(OutputError):        # white comes after it in the batch
        segmenter.segment([broken_models.poisoned(SCENE), WHITE])


def test_an_image_in_which_nothing_is_seen_is_a_result(opened):
    family, segmenter = opened
    image = np.full_like(SCENE, 250)            # is of no class, and no poison
    for _ in range(3):
        assert (len(segmenter(image).segments) == 0) == (family == 'masks')
