"""The losses of mask classification networks, beside those of the transformers library."""

import math

import pytest

torch = pytest.importorskip('torch', reason='the losses need PyTorch')
pytest.importorskip('scipy', reason='matching needs scipy')

from panoptic_ros.network.families.masks import matching, points  # noqa: E402
from panoptic_ros.network.families.masks.losses import (  # noqa: E402
    LossOptions,
    center_loss,
    query_losses,
)
from panoptic_ros.network.families.masks.prediction import Prediction  # noqa: E402
from panoptic_ros.network.families.masks.targets import NO_CLASS, VOID  # noqa: E402

pytestmark = pytest.mark.torch

CLASSES, QUERIES, CELLS = 5, 9, (12, 16)
OPTIONS = LossOptions(points=80, matching_points=80)


def said(classes, masks):
    """Return a prediction with these masks, and its features: the masks themselves."""
    count, queries = masks.shape[:2]
    embedding = torch.eye(queries).expand(count, -1, -1)
    nowhere = torch.zeros(count, queries, 2)
    return Prediction(classes, embedding, nowhere, nowhere), masks


@pytest.fixture
def case():
    """Classes and masks of two images, their segments, and the class of each."""
    torch.manual_seed(0)
    classes = torch.randn(2, QUERIES, CLASSES + 1, requires_grad=True)
    masks = torch.randn(2, QUERIES, *CELLS, requires_grad=True)
    segments = torch.zeros(2, 24, 32, dtype=torch.uint8)
    segments[0, :8] = 1
    segments[0, 12:20, 4:16] = 2
    segments[1, :, 20:] = 1
    class_of = torch.tensor([[2, 0, 4, NO_CLASS], [3, 1, NO_CLASS, NO_CLASS]])
    return classes, masks, segments, class_of


@pytest.fixture
def same_points(monkeypatch):
    """The same points wherever some are drawn, so that the order of drawing does not matter."""
    def rand(*shape, device=None):
        generator = torch.Generator().manual_seed(shape[-2])
        return torch.rand(shape[-2:], generator=generator).expand(shape).contiguous()
    real = torch.rand
    monkeypatch.setattr(torch, 'rand', lambda *shape, **options: (
        real(*shape, **options) if 'generator' in options else rand(*shape, **options)))


@pytest.mark.slow
def test_losses_and_gradients_are_those_of_the_transformers_library(case, same_points):
    transformers = pytest.importorskip('transformers', reason='a second judge of the losses')
    from transformers.models.mask2former.modeling_mask2former import Mask2FormerLoss
    classes, masks, segments, class_of = case
    ours = query_losses(*said(classes, masks), segments, class_of, OPTIONS)
    gradient = torch.autograd.grad(ours.sum(), (classes, masks))

    config = transformers.Mask2FormerConfig(
        num_labels=CLASSES, train_num_points=80, no_object_weight=0.1, class_weight=2.0,
        mask_weight=5.0, dice_weight=5.0)
    numbers = [[number for number, class_id in enumerate(row) if class_id != NO_CLASS]
               for row in class_of]
    theirs = Mask2FormerLoss(config, {})(
        masks, classes,
        [torch.stack([(image == number).float() for number in present])
         for image, present in zip(segments, numbers, strict=True)],
        [row[:len(present)] for row, present in zip(class_of, numbers, strict=True)])
    expected = torch.stack((2 * theirs['loss_cross_entropy'], 5 * theirs['loss_mask'],
                            5 * theirs['loss_dice']))
    torch.testing.assert_close(ours, expected)
    for mine, other in zip(gradient, torch.autograd.grad(expected.sum(), (classes, masks)),
                           strict=True):
        assert other.abs().sum() > 0
        torch.testing.assert_close(mine, other)


def test_segments_are_read_as_their_masks_would_be(case):
    _, _, segments, _ = case
    at = torch.rand(3, 500, 2)
    image, number = torch.tensor([0, 1, 0]), torch.tensor([1, 0, 2])
    masks = torch.stack([(segments[i] == k).float() for i, k in zip(image, number, strict=True)])
    corners = points.read_segments(segments, image, at)
    torch.testing.assert_close(corners.inside(number), points.read_masks(masks[:, None], at)[:, 0])
    torch.testing.assert_close(corners.one_hot(3)[torch.arange(3), number],
                               corners.inside(number))
    torch.testing.assert_close(corners.known(), torch.ones(3, 500))


def test_void_pixels_cost_nothing(case):
    classes, masks, segments, class_of = case
    segments[:, :, 12:22] = VOID
    losses = query_losses(*said(classes, masks), segments, class_of, OPTIONS)
    gradient, = torch.autograd.grad(losses.sum(), masks)
    assert not gradient[:, :, :, 8].any()       # cells in the middle of the void
    assert gradient[:, :, :, :6].any()


def test_images_that_are_all_void_cost_nothing_but_their_classes(case):
    classes, masks, segments, class_of = case
    losses = query_losses(*said(classes, masks), torch.full_like(segments, VOID),
                          torch.full_like(class_of, NO_CLASS), OPTIONS)
    assert losses[1:].tolist() == [0, 0]
    assert losses[0] > 0


def test_queries_that_are_right_are_matched_and_cost_little(case):
    _, _, segments, class_of = case
    classes = torch.full((2, QUERIES, CLASSES + 1), -20.0)
    classes[:, :, -1] = 20
    masks = torch.full((2, QUERIES, 24, 32), -4.0)
    expected = set()
    for image in range(2):
        for number, class_id in enumerate(class_of[image]):
            if class_id != NO_CLASS:
                query = (3 * number + 4 + image) % QUERIES
                classes[image, query, class_id], classes[image, query, -1] = 20, -20
                masks[image, query][segments[image] == number] = 4
                expected.add((image, query, number))
    pairs = matching.match(*said(classes, masks), segments, class_of, matching.Costs(2, 5, 5), 200)
    assert set(zip(*(values.tolist() for values in pairs), strict=True)) == expected
    torch.manual_seed(0)
    losses = query_losses(*said(classes, masks), segments, class_of, OPTIONS)
    assert losses[0] < 1e-6
    assert losses[1:].max() < 1       # only where a point lies between two pixels


def test_more_segments_than_queries_are_borne():
    segments = torch.arange(16, dtype=torch.uint8).view(1, 4, 4)
    losses = query_losses(*said(torch.randn(1, 3, CLASSES + 1), torch.randn(1, 3, 4, 4)), segments,
                          torch.zeros(1, 16, dtype=torch.int64), OPTIONS)
    assert losses.isfinite().all()


def test_three_points_in_four_are_uncertain():
    torch.manual_seed(0)
    logits = torch.linspace(-20, 20, 64).expand(1, 1, 64, 64)
    found = points.read_masks(logits, points.uncertain_points(logits, 100)).abs()
    drawn = points.read_masks(logits, torch.rand(1, 100, 2)).abs()
    assert found.median() < 0.6 * drawn.median()
    assert found.max() > 10


def test_centers_cost_what_centernet_says():
    heatmap = torch.zeros(1, 1, 1, 3)
    target = torch.tensor([[[[1.0, 0.5, 0.0]]]])
    known = torch.ones(1, 1, 1, 3, dtype=torch.bool)
    half = 0.25 * math.log(2)
    assert center_loss(heatmap, target, known).item() == pytest.approx(half * (1 + 0.5 ** 4 + 1))
    known[..., 2] = False
    assert center_loss(heatmap, target, known).item() == pytest.approx(half * (1 + 0.5 ** 4))
    assert center_loss(heatmap, torch.zeros_like(target), known).item() == pytest.approx(2 * half)


def test_processes_that_share_a_batch_have_its_losses_and_their_part_of_the_gradient(
        case, same_points):
    classes, masks, segments, class_of = case
    whole = query_losses(*said(classes, masks), segments, class_of, OPTIONS)
    expected = torch.autograd.grad(whole.sum(), (classes, masks))

    def half(part, gather):
        return query_losses(*said(classes[part], masks[part]), segments[part], class_of[part],
                            OPTIONS, gather)

    seen = []
    half(slice(1, 2), lambda values: seen.append(values.detach()) or values)
    first = half(slice(0, 1), lambda values: torch.cat((values, seen[0])))
    torch.testing.assert_close(first, whole)
    for ours, theirs in zip(torch.autograd.grad(first.sum(), (classes, masks)), expected,
                            strict=True):
        torch.testing.assert_close(ours[:1], theirs[:1])
        assert not ours[1:].any()


@pytest.mark.parametrize(('given', 'message'), [
    ({'points': 3}, 'points is 3'), ({'mask': -1.0}, 'negative')])
def test_loss_options_out_of_range_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        LossOptions(**given)
