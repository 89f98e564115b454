"""The targets and losses of Panoptic-FPN, beside plain loops over boxes, cells and pixels."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

torch = pytest.importorskip('torch', reason='the losses need PyTorch')

from tiny_fpn import TINY, frames  # noqa: E402

from panoptic_ros.labels import UNLABELED, LabelSpace  # noqa: E402
from panoptic_ros.network import families  # noqa: E402
from panoptic_ros.network.families.fpn import losses  # noqa: E402
from panoptic_ros.network.families.fpn.boxes import between, moved, overlaps  # noqa: E402
from panoptic_ros.network.families.fpn.losses import Looked, LossOptions  # noqa: E402
from panoptic_ros.network.families.fpn.matching import (  # noqa: E402
    drawn,
    match_anchors,
    match_proposals,
)
from panoptic_ros.network.families.fpn.proposals import Candidates  # noqa: E402
from panoptic_ros.network.families.fpn.targets import NO_CLASS, VOID, TargetOptions  # noqa: E402

pytestmark = pytest.mark.torch

SPACE = LabelSpace.load('cityscapes')
seeds = st.integers(0, 2**32 - 1).map(np.random.default_rng)


def some_boxes(random, count):
    start = random.integers(0, 30, (count, 2))
    return torch.from_numpy(np.concatenate((start, start + random.integers(1, 20, (count, 2))),
                                           1)).float()


@settings(max_examples=examples(40))
@given(seeds, st.integers(1, 30), st.integers(0, 5))
def test_anchors_are_matched_as_in_a_plain_loop(random, count, things):
    anchors, truth = some_boxes(random, count), some_boxes(random, things)
    over = [[float(overlaps(anchor, thing)) for thing in truth] for anchor in anchors]
    ours, simple = match_anchors(anchors, truth), match_proposals(anchors, truth)
    for row, own in enumerate(over):
        best = max(own, default=0)
        expected = 1 if best >= 0.7 else 0 if best < 0.3 else -1
        if any(own[thing] == max(line[thing] for line in over) for thing in range(things)):
            expected = 1
        assert ours.kind[row] == expected
        assert simple.kind[row] == (best >= 0.5)
        assert not own or ours.thing[row] == simple.thing[row] == own.index(best)


@settings(max_examples=examples(40))
@given(seeds, st.integers(1, 8))
def test_deltas_move_a_box_to_its_target(random, count):
    boxes, targets, weights = some_boxes(random, count), some_boxes(random, count), (10, 10, 5, 5)
    torch.testing.assert_close(moved(boxes, between(boxes, targets, weights), weights), targets,
                               atol=1e-3, rtol=0)


def test_the_drawn_are_a_random_share_that_a_seed_repeats():
    kind = torch.tensor([1] * 30 + [0] * 50 + [-1] * 20)
    torch.manual_seed(1)
    first, others = drawn(kind, 32, 0.25), drawn(kind, 32, 0.25)
    assert [len(part) for part in first] == [8, 24]
    assert set(kind[first[0]].tolist()) == {1}
    assert set(kind[first[1]].tolist()) == {0}
    assert len(set(torch.cat(first).tolist())) == 32
    assert set(first[0].tolist()) != set(others[0].tolist())
    torch.manual_seed(1)
    assert all(map(torch.equal, drawn(kind, 32, 0.25), first))
    assert [len(part) for part in drawn(kind, 400, 0.25)] == [30, 50]


@settings(max_examples=examples(20))
@given(seeds, st.integers(1, 9))
def test_targets_say_what_is_where(random, most):
    present = np.array([0, 7000, 10000, 11000, 11001, 11002, 13001, 13007, 18001, UNLABELED])
    labels = random.choice(present, (4, 6)).astype(np.uint16).repeat(3, 0).repeat(2, 1)
    made = TargetOptions(most).make(labels, SPACE, random)
    stuff = {0: 1, 7000: 8, 10000: 11, UNLABELED: VOID}
    np.testing.assert_array_equal(made['semantic'], np.vectorize(
        lambda label: stuff.get(label, 0))(labels))
    things = [label for label in np.unique(labels) if label in present[4:9]]
    sizes = sorted(((labels == label).sum() for label in things), reverse=True)
    kept = [number for number in range(most) if made['classes'][number] != NO_CLASS]
    assert len(kept) == min(most, len(things))
    for number in kept:
        y, x = np.nonzero(made['things'] == number)
        label, = {*labels[y, x].tolist()}
        assert (labels == label).sum() == len(y) >= sizes[len(kept) - 1]
        assert made['classes'][number] == {11: 0, 13: 2, 18: 7}[label // 1000]
        assert made['boxes'][number].tolist() == [x.min(), y.min(), x.max() + 1, y.max() + 1]
    assert (made['things'] == VOID).sum() == labels.size - sum(sizes[:len(kept)])
    assert {name: (values.dtype, values.shape) for name, values in made.items()} == {
        'semantic': (np.uint8, (12, 12)), 'things': (np.uint8, (12, 12)),
        'boxes': (np.float32, (most, 4)), 'classes': (np.int64, (most,))}


def distance(deltas, box, target, weights):
    """The L1 distance of deltas from those of the papers."""
    x0, y0, x1, y1 = map(float, box)
    u0, v0, u1, v1 = map(float, target)
    wanted = ((u0 + u1 - x0 - x1) / 2 / (x1 - x0), (v0 + v1 - y0 - y1) / 2 / (y1 - y0),
              math.log((u1 - u0) / (x1 - x0)), math.log((v1 - v0) / (y1 - y0)))
    return sum(abs(float(delta) - weight * want)
               for delta, want, weight in zip(deltas, wanted, weights, strict=True))


@pytest.fixture
def batch():
    """Two images of 16x24 pixels with two things and one."""
    things = torch.full((2, 16, 24), VOID, dtype=torch.uint8)
    things[0, 2:10, 3:9], things[0, 8:14, 12:22], things[1, 4:12, 4:20] = 0, 1, 0
    boxes = torch.zeros(2, 3, 4)
    boxes[0, 0], boxes[0, 1] = torch.tensor([[3, 2, 9, 10], [12, 8, 22, 14.0]])
    boxes[1, 0] = torch.tensor([4, 4, 20, 12.0])
    return {'things': things, 'boxes': boxes,
            'classes': torch.tensor([[1, 0, NO_CLASS], [2, NO_CLASS, NO_CLASS]])}


def test_anchors_cost_what_the_formula_says(batch):
    random = np.random.default_rng(0)
    maps = [Candidates(torch.randn(2, count), torch.randn(2, count, 4), some_boxes(random, count))
            for count in (40, 9)]
    wrong, far, count = losses.anchor_sums(maps, batch, 1000)
    anchors, costs, ways = torch.cat([of_map.anchors for of_map in maps]), [], []
    for image, present in ((0, 2), (1, 1)):
        matches = match_anchors(anchors, batch['boxes'][image, :present])
        logits = torch.cat([of_map.logits[image] for of_map in maps])
        deltas = torch.cat([of_map.deltas[image] for of_map in maps])
        for row, (kind, thing) in enumerate(zip(*matches, strict=True)):
            if kind >= 0:
                probability = 1 / (1 + math.exp(-logits[row]))
                costs.append(-math.log(probability if kind else 1 - probability))
            if kind == 1:
                ways.append(distance(deltas[row], anchors[row], batch['boxes'][image, thing],
                                     (1, 1, 1, 1)))
    assert len(ways) >= 3
    assert count == 2000
    assert float(wrong) == pytest.approx(sum(costs), rel=1e-5)
    assert float(far) == pytest.approx(sum(ways), rel=1e-5)


def test_proposals_cost_what_the_formula_says(batch):
    looked = Looked(torch.tensor([[2, 2, 10, 9], [5, 5, 20, 12], [12, 7, 20, 14], [0, 0, 5, 5.0]]),
                    torch.tensor([0, 1, 0, 1]), torch.tensor([0, 0, 1, 0]),
                    torch.tensor([True, True, True, False]))
    logits, deltas = torch.randn(4, 4), torch.randn(4, 3, 4)
    heads = SimpleNamespace(judged=lambda *_: (logits, deltas))
    wrong, far, count = losses.proposal_sums(heads, looked, batch)
    expected, ways = 0.0, 0.0
    for row, class_id in enumerate((1, 2, 0, 3)):
        expected += math.log(sum(map(math.exp, logits[row].tolist()))) - float(
            logits[row, class_id])
        if class_id < 3:
            target = batch['boxes'][looked.image[row], looked.thing[row]]
            ways += distance(deltas[row, class_id], looked.boxes[row], target, (10, 10, 5, 5))
    assert (float(wrong), float(far), float(count)) == pytest.approx((expected, ways, 4), rel=1e-5)


def test_masks_are_drawn_in_boxes_as_samples_say(batch):
    """Of cells of a pixel, of less, and of several pixels, also at the border of the image."""
    random, side = np.random.default_rng(1), 4
    boxes = torch.from_numpy(random.random((40, 4), np.float32) * np.float32([9, 7, 9, 7]))
    boxes[:, 2:] += boxes[:, :2] + torch.tensor([2, 2])
    boxes[:2] = torch.tensor([[3, 2, 7, 6], [0, 0, 24, 16.0]])
    image = torch.arange(40) % 2
    found = losses.masks_in(batch['things'], boxes, image, torch.zeros_like(image), side)
    for row, (x0, y0, x1, y1) in enumerate(boxes.tolist()):
        mask = (batch['things'][image[row]] == 0).float().numpy()
        across, down = (x1 - x0) / side, (y1 - y0) / side
        counts = [min(2, math.ceil(step - 1e-6)) for step in (down, across)]
        for i, j in np.ndindex(side, side):
            values = [bilinear(mask, y0 + (i + (a + 0.5) / counts[0]) * down - 0.5,
                               x0 + (j + (b + 0.5) / counts[1]) * across - 0.5)
                      for a, b in np.ndindex(*counts)]
            share = np.mean(values)
            assert abs(share - 0.5) < 1e-4 or bool(found[row, i, j]) == (share > 0.5)
    assert found[0].all()
    heads = SimpleNamespace(drawn=lambda *_: torch.zeros(1, side, side))
    looked = Looked(boxes[:1], image[:1], image[:1], torch.tensor([True]))
    wrong, cells = losses.mask_sums(heads, looked, batch, side)
    assert float(wrong) == pytest.approx(cells * math.log(2)) == pytest.approx(16 * math.log(2))


def bilinear(mask, y, x):
    y, x = np.clip(y, 0, mask.shape[0] - 1), np.clip(x, 0, mask.shape[1] - 1)
    top, left = int(y), int(x)
    down, right = min(top + 1, mask.shape[0] - 1), min(left + 1, mask.shape[1] - 1)
    upper = mask[top, left] * (1 - x + left) + mask[top, right] * (x - left)
    lower = mask[down, left] * (1 - x + left) + mask[down, right] * (x - left)
    return upper * (1 - y + top) + lower * (y - top)


def test_unlabelled_pixels_cost_nothing():
    logits, truth = torch.randn(1, 3, 2, 2), torch.full((1, 8, 8), VOID, dtype=torch.uint8)
    assert [value.item() for value in losses.semantic_sums(logits, truth)] == [0, 0]
    truth[0, 5, 6] = 2
    wrong, pixels = losses.semantic_sums(logits, truth)
    large = torch.nn.Upsample(scale_factor=4, mode='bilinear')(logits)
    expected = -large[0, :, 5, 6].log_softmax(0)[2]
    assert (wrong.item(), pixels.item()) == (pytest.approx(expected.item(), rel=1e-5), 1)


def test_processes_that_share_a_batch_have_its_losses():
    """All that may be drawn is drawn, so that chance does not matter."""
    torch.manual_seed(0)
    images, batch = frames()
    network = families.find('fpn').network(TINY, len(SPACE)).train()
    network.backbone.eval()
    options = LossOptions(10_000, 10_000)

    def part(which, gather):
        return options.losses(TINY, network(images[which]), {
            name: values[which] for name, values in batch.items()}, 0.0, gather)

    whole, seen = part(slice(0, 2), lambda values: values), []
    part(slice(1, 2), lambda values: seen.append(values.detach()) or values)
    first = part(slice(0, 1), lambda values: torch.cat((values, seen[0])))
    assert set(first) == {'total', 'objectness', 'anchors', 'classes', 'boxes', 'masks',
                          'semantic'}
    for name, value in first.items():
        assert value > 0
        torch.testing.assert_close(value, whole[name], rtol=1e-4, atol=1e-6)


def test_half_precision_rounds_no_box():
    images, batch = frames((64, 512))       # bfloat16 knows every second whole number from 256 on
    network = families.find('fpn').network(TINY, len(SPACE)).train()
    whole = network(images)
    with torch.autocast('cpu', torch.bfloat16):
        half = network(images)
    assert half.candidates[0].logits.dtype == torch.bfloat16
    for ours, theirs in zip(half.candidates, whole.candidates, strict=True):
        assert torch.equal(ours.anchors, theirs.anchors)
    first, second = (LossOptions(10_000, 64).losses(TINY, outputs, batch, 0.0, lambda v: v)
                     for outputs in (whole, half))
    for name in ('objectness', 'anchors', 'semantic'):
        torch.testing.assert_close(second[name], first[name], rtol=0.02, atol=0)


def test_a_frame_without_things_costs_little_but_trains_everything():
    torch.manual_seed(0)
    network = families.find('fpn').network(TINY, len(SPACE)).train()
    labels = np.full((32, 64), 10000, np.uint16)
    batch = {name: torch.from_numpy(np.stack([values] * 2)) for name, values in
             TargetOptions(9).make(labels, SPACE, None).items()}
    found = LossOptions().losses(TINY, network(torch.zeros(2, 32, 64, 3, dtype=torch.uint8)),
                                 batch, 0.0, lambda values: values)
    assert [found[name].item() for name in ('anchors', 'boxes', 'masks')] == [0, 0, 0]
    found['total'].backward()
    assert all(value.grad is not None and value.grad.isfinite().all()
               for value in network.parameters())


@pytest.mark.parametrize(('given', 'message'), [
    ({'anchors': 3}, 'anchors is 3'), ({'semantic': -1.0}, 'semantic is -1')])
def test_loss_options_out_of_range_are_refused(given, message):
    with pytest.raises(ValueError, match=message):
        LossOptions(**given)
