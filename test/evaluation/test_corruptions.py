import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from panoptic_ros.evaluation.corruptions import CORRUPTIONS, corrupt

RANDOM = {'hard shadows', 'motion blur', 'noise'}


def textured(height, width, seed=0):
    """A picture of soft and hard edges in all colours."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    waves = [np.sin(x / random.uniform(2, 9) + y / random.uniform(2, 9)) for _ in range(3)]
    return (128 + 90 * np.stack(waves, 2) * np.sign(np.sin(y / 5))[..., None]).astype(np.uint8)


@settings(max_examples=examples(60))
@given(st.sampled_from(sorted(CORRUPTIONS)), st.integers(1, 70), st.integers(1, 70),
       st.integers(0, 1 << 40))
def test_a_seed_gives_the_same_bytes_and_the_image_stays(name, height, width, seed):
    image = textured(height, width)
    before = image.copy()
    first, second = (corrupt(image, name, seed) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(image, before)
    assert first.shape == image.shape
    assert first.dtype == np.uint8


@pytest.mark.parametrize('name', CORRUPTIONS)
def test_it_changes_images_and_only_the_random_ones_ask_the_seed(name):
    image = textured(256, 256)
    seen = [corrupt(image, name, seed).tobytes() for seed in range(3)]
    assert image.tobytes() not in seen
    assert len(set(seen)) == (3 if name in RANDOM else 1)


def test_each_does_what_its_name_says():
    image = textured(256, 512)
    seen = {name: corrupt(image, name, 0).astype(float) for name in CORRUPTIONS}
    detail = {name: np.abs(np.diff(changed, axis=1)).mean() for name, changed in seen.items()}
    clean = np.abs(np.diff(image.astype(float), axis=1)).mean()
    assert seen['low contrast'].std() < image.std() < seen['high contrast'].std()
    assert seen['dark'].mean() < image.mean() / 1.8
    assert (seen['blown out'] == 255).mean() > 0.1 > (image == 255).mean()
    assert (seen['hard shadows'] <= image).all()
    assert 0.1 < (seen['hard shadows'] < image - 9).mean() < 0.7
    assert max(detail['defocus'], detail['motion blur'], detail['haze']) < clean
    assert detail['noise'] > clean
    assert detail['sharpened'] > clean
    errors = [np.abs(seen[f'jpeg {quality}'] - image).mean() for quality in (90, 50, 20)]
    assert 0 < errors[0] < errors[1] < errors[2]
    blue, _, red = image.mean((0, 1))
    assert seen['warm'][..., 2].mean() / seen['warm'][..., 0].mean() > 1.2 * red / blue
    assert seen['cold'][..., 0].mean() / seen['cold'][..., 2].mean() > 1.2 * blue / red
    assert (np.ptp(seen['gray'], axis=2) == 0).all()


@pytest.mark.parametrize(('name', 'seed', 'said'), [
    ('rain', 0, "no corruption 'rain': expected one of low contrast"),
    ('gray', -1, 'seed is -1: expected 0 or more')])
def test_what_is_none_is_refused(name, seed, said):
    with pytest.raises(ValueError, match=said):
        corrupt(textured(8, 8), name, seed)
