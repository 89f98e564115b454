"""Another look of a crop: every change keeps its size, and all follow from the random state."""

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='spectra are mixed with PyTorch')

from panoptic_ros.network import photometric  # noqa: E402
from panoptic_ros.network.fields import pink, smooth  # noqa: E402
from panoptic_ros.streets import Drive  # noqa: E402

pytestmark = pytest.mark.torch

CHANGES = [change for part in (photometric._SCENE, photometric._LENS, photometric._SENSOR)
           for _, change in part]


@pytest.fixture(scope='module')
def street():
    return Drive(7, (64, 128)).image_and_labels(1.0)


def test_the_random_state_decides_everything(street):
    image, labels = street
    before = image.copy()
    first, second, other = (photometric.randomised(image, labels, np.random.default_rng(seed))
                            for seed in (5, 5, 6))
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)
    assert first.shape == image.shape
    assert first.dtype == np.uint8
    assert np.array_equal(image, before)


@pytest.mark.parametrize('change', CHANGES, ids=lambda change: change.__name__.strip('_'))
def test_each_change_changes_an_image_and_keeps_its_size(change, street):
    image, labels = street
    random = np.random.default_rng(3)
    if change in [one for _, one in photometric._SENSOR]:
        found = change(image, random)
        assert found.dtype == np.uint8
    else:
        image = image.astype(np.float32) / 255
        arguments = (labels,) if change in [one for _, one in photometric._SCENE] else ()
        found = change(image, *arguments, random)
        assert np.isfinite(found).all()
    assert found.shape == image.shape
    assert not np.array_equal(found, image)


@pytest.mark.parametrize('size', [(1, 1), (1, 70), (33, 2), (1100, 16)])
def test_crops_of_any_size_are_taken(size):
    image = np.full((*size, 3), 128, np.uint8)
    for seed in range(20):
        found = photometric.randomised(image, np.zeros(size, np.uint16),
                                       np.random.default_rng(seed))
        assert found.shape == image.shape


def test_looks_differ_widely_but_shapes_stay(street):
    """The edges of a scene are still those of the image in most of its looks."""
    image, labels = street
    edges = np.abs(np.diff(image.astype(float).mean(2)))
    means, agreeing = [], []
    for seed in range(40):
        found = photometric.randomised(image, labels, np.random.default_rng(seed))
        means.append(found.mean())
        agreeing.append(np.corrcoef(edges.ravel(), np.abs(np.diff(
            found.astype(float).mean(2))).ravel())[0, 1])
    assert np.ptp(means) > 100
    assert np.median(agreeing) > 0.4


def test_fields_have_a_deviation_of_about_one():
    random = np.random.default_rng(0)
    for field in (pink, smooth):
        found = np.array([field((96, 160), random).std() for _ in range(40)])
        assert 0.5 < np.median(found) < 1.5
