"""Losses against values worked out by hand."""

import math

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='the network needs PyTorch')

from panoptic_ros.network.families.deeplab.losses import (  # noqa: E402
    LossOptions,
    center_error,
    hard_cross_entropy,
    look_difference,
    offset_error,
    panoptic_losses,
    sample_phase,
)
from panoptic_ros.network.families.deeplab.variants import preset  # noqa: E402

pytestmark = pytest.mark.torch


def test_cross_entropy_averages_the_hardest_pixels_only():
    logits = torch.zeros(1, 2, 2, 5)
    logits[0, 0, 0, 0] = 20.0                  # one pixel is sure of class 0
    classes = torch.zeros(1, 2, 5, dtype=torch.int64)
    classes[0, 0, 0] = 1                       # and wrong: it costs 20
    weight = torch.ones(1, 2, 5)
    assert hard_cross_entropy(logits, classes, weight, 0.1).item() == pytest.approx(20.0)
    assert hard_cross_entropy(logits, classes, weight, 0.2).item() == pytest.approx(
        (20 + math.log(2)) / 2)
    assert hard_cross_entropy(logits, classes, weight, 1.0).item() == pytest.approx(
        (20 + 9 * math.log(2)) / 10)


def test_small_things_weigh_more_and_unlabelled_pixels_nothing():
    logits = torch.zeros(1, 2, 1, 3)
    classes = torch.tensor([[[0, 1, 255]]])
    weight = torch.tensor([[[1.0, 3.0, 1.0]]])
    assert hard_cross_entropy(logits, classes, weight, 1.0).item() == pytest.approx(
        (1 + 3 + 0) * math.log(2) / 3)


def test_center_error_is_the_mean_square_where_centers_are_known():
    heatmap = torch.tensor([[[[0.5, 1.0], [9.0, 0.0]]]])
    target = torch.tensor([[[[1.0, 1.0], [0.0, 0.0]]]])
    known = torch.tensor([[[1.0, 1.0], [0.0, 1.0]]])
    assert center_error(heatmap, target, known).item() == pytest.approx(0.25 / 3)


def test_offset_error_is_the_mean_of_both_absolutes_over_things():
    offset = torch.tensor([[[[1.0, 100.0]], [[-2.0, 100.0]]]])
    thing = torch.tensor([[[1.0, 0.0]]])
    assert offset_error(offset, torch.zeros_like(offset), thing).item() == pytest.approx(3.0)


def test_no_thing_and_no_label_cost_nothing():
    heads = torch.randn(1, 19, 4, 4), torch.randn(1, 1, 4, 4), torch.randn(1, 2, 4, 4)
    targets = {'semantic': torch.full((1, 4, 4), 255), 'weight': torch.ones(1, 4, 4),
               'center': torch.zeros(1, 1, 4, 4), 'offset': torch.zeros(1, 2, 4, 4),
               'thing': torch.zeros(1, 4, 4, dtype=torch.bool),
               'known': torch.zeros(1, 4, 4, dtype=torch.bool)}
    losses = panoptic_losses(heads, targets, LossOptions(1.0, 0.0))
    assert losses.total.item() == 0


def test_the_parts_have_the_published_weights():
    heads = torch.zeros(1, 2, 2, 2), torch.zeros(1, 1, 2, 2), torch.zeros(1, 2, 2, 2)
    targets = {'semantic': torch.zeros(1, 2, 2, dtype=torch.int64),
               'weight': torch.ones(1, 2, 2), 'center': torch.full((1, 1, 2, 2), 0.1),
               'offset': torch.full((1, 2, 2, 2), 10.0),
               'thing': torch.ones(1, 2, 2, dtype=torch.bool),
               'known': torch.ones(1, 2, 2, dtype=torch.bool)}
    losses = panoptic_losses(heads, targets, LossOptions(1.0, 0.0))
    assert losses.semantic.item() == pytest.approx(math.log(2))
    assert losses.center.item() == pytest.approx(200 * 0.01)
    assert losses.offset.item() == pytest.approx(0.01 * 20)
    assert losses.total.item() == pytest.approx(math.log(2) + 2 + 0.2)


def test_the_hardest_share_shrinks_from_all_pixels():
    options = LossOptions(hardest=0.15, easing=0.5)
    assert [options.hardest_at(p) for p in (0.0, 0.25, 0.5, 1.0)] == pytest.approx(
        [1.0, 0.575, 0.15, 0.15])
    with pytest.raises(ValueError, match='hardest'):
        LossOptions(hardest=0, easing=0.5)


def test_looks_differ_by_their_divergence_from_their_mean():
    logits = 3 * torch.randn(4, 5, 2, 3)
    found = look_difference(logits)
    shares = logits.double().softmax(1).permute(0, 2, 3, 1).reshape(2, 2, 6, 5).numpy()
    expected = []
    for first, second in shares:
        for p, q in zip(first, second, strict=True):
            mean = (p + q) / 2
            expected.append((p * np.log(p / mean)).sum() / 2 + (q * np.log(q / mean)).sum() / 2)
    assert found.item() == pytest.approx(np.mean(expected), rel=1e-5)
    assert look_difference(logits[[0, 0, 2, 2]]).item() == pytest.approx(0, abs=1e-6)
    sure = 100 * torch.eye(2)[:, :, None, None]
    assert look_difference(sure).item() == pytest.approx(math.log(2))


def test_the_difference_of_looks_is_weighed_and_added():
    heads = torch.randn(2, 3, 2, 2), torch.randn(2, 1, 2, 2), torch.randn(2, 2, 2, 2)
    batch = {'phase': torch.zeros(2, 2), 'semantic': torch.zeros(2, 2, 2, dtype=torch.int64),
             'weight': torch.ones(2, 2, 2), 'thing': torch.ones(2, 2, 2),
             'known': torch.ones(2, 2, 2), 'center': torch.zeros(2, 1, 2, 2),
             'offset': torch.zeros(2, 2, 2, 2)}
    config = preset('mobile')
    alone, both = (LossOptions(1.0, 0.0, consistency=weight).losses(
        config, heads, batch, 1.0, lambda values: values) for weight in (0.0, 3.0))
    assert set(both) - set(alone) == {'consistency'}
    read = sample_phase(heads[0], batch['phase'])
    assert both['consistency'].item() == pytest.approx(3 * look_difference(read).item())
    assert both['total'].item() == pytest.approx(alone['total'].item()
                                                 + both['consistency'].item())
    with pytest.raises(ValueError, match='consistency is -1: expected 0 or more'):
        LossOptions(1.0, 0.0, consistency=-1)


@pytest.mark.parametrize('phase', [(0, 0), (1, 2), (3, 3)])
def test_a_phase_is_a_sixteenth_of_the_upsampled_head(phase):
    head = torch.randn(2, 3, 5, 7)
    full = torch.nn.functional.interpolate(head, scale_factor=4, mode='bilinear')
    sampled = sample_phase(head, torch.tensor([phase, phase]))
    torch.testing.assert_close(sampled, full[..., phase[0]::4, phase[1]::4])


@pytest.mark.parametrize('phase', [(0, 0), (1, 2), (3, 0)])
def test_a_phase_of_aligned_corners_is_that_of_their_upsampling(phase):
    head = torch.randn(2, 3, 5, 7)
    full = torch.nn.functional.interpolate(head, (17, 25), mode='bilinear', align_corners=True)
    expected = full[..., phase[0]::4, phase[1]::4]
    sampled = sample_phase(head, torch.tensor([phase, phase]), align_corners=True)
    assert sampled.shape == head.shape
    torch.testing.assert_close(sampled[..., :expected.shape[2], :expected.shape[3]], expected)


def test_processes_that_share_a_batch_have_its_losses_and_their_part_of_the_gradient():
    heads = [torch.randn(4, channels, 3, 5, requires_grad=True) for channels in (19, 1, 2)]
    targets = {'semantic': torch.randint(19, (4, 3, 5)), 'weight': torch.rand(4, 3, 5),
               'center': torch.rand(4, 1, 3, 5), 'offset': torch.randn(4, 2, 3, 5),
               'thing': torch.rand(4, 3, 5) < 0.3, 'known': torch.rand(4, 3, 5) < 0.8}
    options = LossOptions(hardest=0.2, easing=0.0)
    whole = panoptic_losses(heads, targets, options)
    expected = torch.autograd.grad(whole.total, heads)

    def half(part, gather=lambda values: values):
        return panoptic_losses([head[part] for head in heads],
                               {name: value[part] for name, value in targets.items()}, options,
                               gather=gather)

    seen = []
    half(slice(2, 4), lambda values: seen.append(values.detach()) or values)
    others = iter(seen)
    first = half(slice(0, 2), lambda values: torch.cat((values, next(others))))
    for ours, theirs in zip(first, whole, strict=True):
        torch.testing.assert_close(ours, theirs)
    for ours, theirs in zip(torch.autograd.grad(first.total, heads), expected, strict=True):
        torch.testing.assert_close(ours[:2], theirs[:2])
        assert not ours[2:].any()


def test_each_image_has_a_phase_of_its_own():
    head = torch.randn(2, 3, 5, 7)
    both = sample_phase(head, torch.tensor([[0, 1], [2, 3]]))
    torch.testing.assert_close(both[1:], sample_phase(head[1:], torch.tensor([[2, 3]])))
