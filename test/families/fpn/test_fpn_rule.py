"""The reference against Detectron2's rule in PyTorch's operations."""

import numpy as np
import pytest

from panoptic_ros.benchmarks.detections import make_detections
from panoptic_ros.families import fpn
from panoptic_ros.families.fpn.detections import Detections
from panoptic_ros.labels import UNLABELED, LabelSpace

pytestmark = pytest.mark.torch
torch = pytest.importorskip('torch')
from panoptic_ros.benchmarks.torch_fpn import merge, paste  # noqa: E402

SPACE = LabelSpace.load('cityscapes')


@pytest.mark.parametrize('dtype', ['float32', 'float64'])
@pytest.mark.parametrize(('full', 'part', 'size'), [
    ((64, 128), None, (64, 128)), ((64, 128), None, (100, 201)),
    ((64, 128), (61, 97), (61, 97)), ((64, 128), (47, 128), (131, 177)),
    ((128, 256), (100, 240), (50, 101))])
def test_the_reference_is_detectron2_s_rule(full, part, size, dtype):
    segments = 0
    for seed in range(3):
        drawn = make_detections(SPACE, full, 30, 40, seed)
        detections = Detections(drawn.semantic, drawn.boxes, drawn.scores, drawn.classes,
                                drawn.masks, full, part)
        options = fpn.Options(0.6, 0.4, 50)
        result = fpn.decode(detections, SPACE, size, 'reference', options)
        labels = merge(detections, SPACE, size, options, getattr(torch, dtype))
        assert (result.labels != labels.numpy()).sum() <= size[0] * size[1] / 2000
        assert set(result.segments.label.tolist()) == set(labels.unique().tolist()) - {UNLABELED}
        segments += len(result.segments)
    assert segments > 30


def test_no_pixel_beyond_a_box_is_inside_of_its_mask():
    """Where pixels are much smaller than cells, the source interpolates beyond the border, too."""
    masks = torch.ones(1, 2, 2)
    for box in ((10.2, 20.7, 50.1, 61.3), (10.5, 20.5, 50.5, 60.5), (0.3, 0.1, 3.4, 79.9)):
        left, top, right, bottom = box
        found = paste(masks, torch.tensor([box]), (80, 70))[0].numpy()
        y, x = np.mgrid[:80, :70] + 0.5
        np.testing.assert_array_equal(found, (x >= left) & (x <= right) & (y >= top)
                                      & (y <= bottom) & ~_corners(found, x, y, box))


def _corners(found, x, y, box):
    """Return pixels near the corners, where 0.75 of a cell's weight is on zeros: 0.25 to 0.5."""
    left, top, right, bottom = box
    wide, tall = (right - left) / 2, (bottom - top) / 2
    across = np.minimum(np.minimum((x - left) / wide, (right - x) / wide) + 0.5, 1)
    down = np.minimum(np.minimum((y - top) / tall, (bottom - y) / tall) + 0.5, 1)
    return across * down < 0.5 - 1e-6
