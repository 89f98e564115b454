"""The reference against Mask2Former's rule in PyTorch's operations, and its sigmoid."""

import numpy as np
import pytest
from grouping_cases import make_label_space

from panoptic_ros.families import masks
from panoptic_ros.labels import UNLABELED

pytestmark = pytest.mark.torch
torch = pytest.importorskip('torch')
from panoptic_ros.benchmarks.torch_masks import merge  # noqa: E402

SPACE = make_label_space([False, False, True, True, False], 1000)


def smooth(seed, count, cells):
    """Make queries whose masks are smooth and overlap, of sure and of unsure classes."""
    random = np.random.default_rng(seed)
    coarse = torch.from_numpy(random.normal(0, 8, (count, 5, 6)))
    logits = torch.nn.functional.interpolate(coarse[None], cells, mode='bilinear')[0].numpy()
    logits = logits - 3 + random.normal(0, 0.5, (count, *cells))
    classes = random.normal(0, 1, (count, len(SPACE) + 1))
    classes[np.arange(count), random.integers(0, len(SPACE) + 1, count)] += random.uniform(
        2, 9, count)
    return classes, logits


@pytest.mark.parametrize('dtype', ['float32', 'float64'])
@pytest.mark.parametrize(('full', 'part', 'size'), [
    ((64, 128), None, (64, 128)), ((64, 128), None, (50, 101)), ((64, 128), None, (100, 201)),
    ((61, 130), (61, 97), (61, 97)), ((61, 130), (47, 130), (131, 177)),
    ((61, 130), (9, 8), (5, 3)),
    ((16, 32), None, (16, 32)), ((16, 32), (13, 30), (99, 201))])
def test_the_reference_is_mask2former_s_rule(full, part, size, dtype):
    segments = 0
    for seed in range(3):
        classes, logits = smooth(seed, 25, (16, 32))
        kind = np.float16 if seed == 2 else np.float32
        queries = masks.Queries(classes.astype(kind), logits.astype(kind), full, part)
        options = masks.Options(object_threshold=0.5, overlap_threshold=0.3)
        result = masks.decode(queries, SPACE, size, 'reference', options)
        labels, product = merge(queries, SPACE, size, options, getattr(torch, dtype))
        assert (result.labels != labels.numpy()).sum() <= size[0] * size[1] / 10000
        table = result.segments
        segments += len(table)
        assert set(table.label.tolist()) == set(labels.unique().tolist()) - {UNLABELED}
        for label, score in zip(table.label.tolist(), table.score, strict=True):
            assert score == pytest.approx(product[labels == label].mean().item(), abs=1e-4)
    assert segments > 8 or size == (5, 3)


def test_the_sigmoid_is_that_of_torch():
    from panoptic_ros.families.masks.sigmoid import sigmoid
    logits = np.concatenate([np.linspace(-85, 85, 100001), np.geomspace(1e-30, 1, 999)])
    logits = np.concatenate([logits, -logits]).astype(np.float32)
    expected = torch.from_numpy(np.clip(logits, -80, 80)).double().sigmoid().numpy()
    np.testing.assert_allclose(sigmoid(logits), expected, rtol=1.5e-7)
    assert (np.diff(sigmoid(np.sort(logits))) >= 0).all()
    assert sigmoid(np.array([0, 20, 1e30, -1e30], np.float32)).tolist() == [
        0.5, 1, 1, pytest.approx(1.8e-35, rel=0.01)]
