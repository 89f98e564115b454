"""Frames of which a network is unsure are smoothed, and no others."""

from dataclasses import replace
from itertools import pairwise

import engines
import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='the network needs PyTorch')
onnx = pytest.importorskip('onnx', reason='exporting needs onnx')

from tiny_training import TINY  # noqa: E402

from panoptic_ros.cli import export  # noqa: E402
from panoptic_ros.engine.metadata import ModelMetadata  # noqa: E402
from panoptic_ros.network.checkpoint import Checkpoint  # noqa: E402
from panoptic_ros.network.families.deeplab.model import PanopticDeepLab  # noqa: E402
from panoptic_ros.network.families.deeplab.smoothing import Smoothing, smoothed  # noqa: E402
from panoptic_ros.network.families.deeplab.variants import PRESETS  # noqa: E402
from panoptic_ros.network.presets import presets  # noqa: E402

pytestmark = pytest.mark.torch

BETWEEN = Smoothing(0.3, 0.7)


def drawn(images=1, scale=1.0, size=(16, 24), classes=3):
    random = np.random.default_rng(images)
    return torch.from_numpy(random.normal(0, scale, (images, classes, *size)).astype(np.float32))


def mean_probability(logits):
    return logits.softmax(1).amax(1).mean((1, 2))


def slowly(logits, smoothing):
    """The same by loops over cells, in double precision; ``logits`` (C, h, w)."""
    logits = logits.astype(np.float64)
    exponentials = np.exp(logits - logits.max(0))
    probability = (exponentials / exponentials.sum(0)).max(0)
    share = np.clip((smoothing.sure - probability.mean()) / (smoothing.sure - smoothing.unsure),
                    0, 1)
    classes, height, width = logits.shape
    for _ in range(2):
        rows, columns = -(-height // 4), -(-width // 4)
        means = np.empty((classes, rows, columns))
        filled = np.pad(logits, ((0, 0), (0, 4 * rows - height), (0, 4 * columns - width)), 'edge')
        for y in range(rows):
            for x in range(columns):
                part = filled[:, max(4 * y - 2, 0):4 * y + 6, max(4 * x - 2, 0):4 * x + 6]
                means[:, y, x] = part.mean((1, 2))
        around = np.empty_like(logits)
        for y in range(height):
            for x in range(width):
                upper, lower, below = between(y, rows)
                left, right, after = between(x, columns)
                around[:, y, x] = (
                    (1 - below) * ((1 - after) * means[:, upper, left]
                                   + after * means[:, upper, right])
                    + below * ((1 - after) * means[:, lower, left]
                               + after * means[:, lower, right]))
        logits = logits + share * (1 - probability ** 4) * (around - logits)
    return logits


def between(cell, count):
    """Return the means before and after a cell, and the weight of the latter."""
    place = max((cell + 0.5) / 4 - 0.5, 0)
    before = int(place)
    return before, min(before + 1, count - 1), place - before


@pytest.mark.parametrize(('scale', 'size'), [
    (0.2, (16, 24)), (0.8, (16, 24)), (1.2, (16, 24)), (0.8, (17, 23)), (0.8, (18, 33))])
def test_cells_come_nearer_to_their_surroundings(scale, size):
    logits = drawn(2, scale, size)
    found = smoothed(logits, BETWEEN).numpy()
    for image, result in zip(logits.numpy(), found, strict=True):
        np.testing.assert_allclose(result, slowly(image, BETWEEN), atol=2e-6)
        assert (result != image).any()


def test_of_a_frame_that_is_sure_no_bit_changes():
    logits = torch.cat([drawn(1, 12), drawn(1, 0.2)])
    assert mean_probability(logits)[0] > 0.7
    found = smoothed(logits, BETWEEN)
    assert torch.equal(found[0], logits[0])
    assert not torch.equal(found[1], logits[1])
    assert torch.equal(found[1:], smoothed(logits[1:], BETWEEN))


def test_specks_of_an_unsure_frame_vanish():
    logits = torch.zeros(1, 3, 32, 32)
    logits[:, 0] = 0.3
    logits[:, 1, ::9, ::9] = 0.6
    assert mean_probability(logits) < 0.45
    assert (smoothed(logits, Smoothing(0.45, 0.7)).argmax(1) == 0).all()


@pytest.mark.parametrize('scale', [0.2, 12.0])
@pytest.mark.parametrize('value', [torch.nan, torch.inf, -torch.inf])
def test_what_is_no_number_stays_where_it_is(scale, value):
    logits = drawn(1, scale)
    before = smoothed(logits, BETWEEN)
    logits[0, 1, 3, 4] = value
    found = smoothed(logits, BETWEEN)
    assert torch.equal(found[0, 1, 3, 4], logits[0, 1, 3, 4]) or value != value
    found[0, :, 3, 4] = before[0, :, 3, 4] = 0
    assert found.isfinite().all()
    assert (found - before).abs().max() < 2.5


def test_no_training_smooths():
    torch.manual_seed(0)
    plain = PanopticDeepLab(TINY, 19)
    network = PanopticDeepLab(replace(TINY, smoothing=(0.5, 0.9)), 19)
    network.load_state_dict(plain.state_dict())
    image = torch.randint(0, 256, (2, 64, 96, 3), dtype=torch.uint8)
    for module in (plain, network):
        for part in module.modules():
            if isinstance(part, torch.nn.Dropout):
                part.p = 0.0
    expected, found = (module.train()(image) for module in (plain, network))
    assert all(torch.equal(*pair) for pair in zip(expected, found, strict=True))
    expected, found = (module.eval()(image) for module in (plain, network))
    assert torch.equal(found[0], smoothed(expected[0], Smoothing(0.5, 0.9)))
    assert not torch.equal(found[0], expected[0])
    assert all(torch.equal(*pair) for pair in zip(expected[1:], found[1:], strict=True))


@pytest.mark.parametrize('wrong', [(0.8, 0.6), (0.5, 0.5), (-0.1, 0.5), (0.5, 1.1), (),
                                   (0.5,), (0.5, 0.6, 0.7), (float('nan'), 0.5)])
def test_probabilities_out_of_order_are_refused(wrong):
    with pytest.raises(ValueError, match='expected two mean probabilities, unsure below sure'):
        replace(TINY, smoothing=wrong)


def smoothing_of(path):
    properties = {entry.key: entry.value for entry in onnx.load(path).metadata_props}
    return ModelMetadata.from_properties(properties, 'model').layout.get('smoothing')


@pytest.mark.slow
def test_an_export_smooths_as_it_is_told_and_then_as_before(tmp_path, monkeypatch, cityscapes):
    monkeypatch.setitem(PRESETS, 'tiny', TINY)
    network = PanopticDeepLab(TINY, len(cityscapes))
    for name, parameter in network.named_parameters():
        if name.endswith('bias'):       # equal ones would be one in the file
            torch.nn.init.normal_(parameter, 0, 0.1)
    files = [tmp_path / name for name in ('tiny.pt', 'first.onnx', 'again.onnx')]
    Checkpoint(TINY, cityscapes, network.state_dict(), {}, {}).save(files[0])
    for (source, target), words in zip(
            pairwise(files), (['--smoothing', '0.05', '0.9'], []), strict=True):
        export.main([str(source), '-o', str(target), '--size', '64x96', *words])
    assert [smoothing_of(file) for file in files[1:]] == [[0.05, 0.9]] * 2
    image = np.random.default_rng(0).integers(0, 256, (1, 64, 96, 3), np.uint8)
    first, again = (engines.load(file)(image)['semantic'] for file in files[1:])
    np.testing.assert_allclose(again, first, atol=1e-5)
    with torch.inference_mode():
        plain = network.eval()(torch.from_numpy(image))[0]
    expected = smoothed(plain, Smoothing(0.05, 0.9)).numpy()
    assert abs(expected - plain.numpy()).max() > 1e-3
    np.testing.assert_allclose(first, expected, atol=1e-5)


def test_two_zeros_take_smoothing_away(cityscapes):
    before = ModelMetadata('mobile', (64, 96), cityscapes,
                           layout={'stride': 4, 'smoothing': [0.6, 0.8]})
    checkpoint = Checkpoint(presets()['mobile'], cityscapes, {}, {}, {})
    assert export.with_smoothing(checkpoint, None, before).config.smoothing == (0.6, 0.8)
    assert export.with_smoothing(checkpoint, [0.0, 0.0], before).config.smoothing is None
    assert export.with_smoothing(checkpoint, None, None) is checkpoint


@pytest.mark.parametrize(('config', 'layout', 'given', 'message'), [
    ('masks-mobile', {}, [0.6, 0.8], '--smoothing is for networks of Panoptic-DeepLab: masks-'),
    ('mobile', {'smoothing': 'much'}, None, "the file says smoothing is 'much': expected two"),
    ('mobile', {'smoothing': [1, 2, 3]}, None, 'smoothing is a list of 3: expected two'),
    ('mobile', {}, [0.9, 0.8], 'expected two mean probabilities, unsure below sure')])
def test_what_cannot_be_smoothed_is_refused(config, layout, given, message, cityscapes):
    checkpoint = Checkpoint(presets()[config], cityscapes, {}, {}, {})
    before = ModelMetadata(config, (64, 96), cityscapes, layout={'stride': 4, **layout})
    with pytest.raises(ValueError, match=message):
        export.with_smoothing(checkpoint, given, before)
