"""The small mask classification network keeps the engine contract and its own promises."""

import json
from dataclasses import replace

import pytest

torch = pytest.importorskip('torch', reason='the network needs PyTorch')

from tiny_masks import TINY  # noqa: E402

from panoptic_ros.network.backbones.config import StagedConfig  # noqa: E402
from panoptic_ros.network.families.masks.attention import BLOCKED, Attention, sine_position  # noqa: E402
from panoptic_ros.network.families.masks.mobile import MobileMasks  # noqa: E402
from panoptic_ros.network.families.masks.mobile_config import MobileConfig  # noqa: E402
from panoptic_ros.network.families.masks.prediction import Prediction  # noqa: E402
from panoptic_ros.network.families.masks.proposals import CenterProposals  # noqa: E402
from panoptic_ros.network.families.masks.query_decoder import attention_bias  # noqa: E402
from panoptic_ros.network.families.masks.recipes import NETWORKS  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(scope='module')
def network():
    torch.manual_seed(0)
    return MobileMasks(TINY, 19).eval()


@pytest.fixture(scope='module')
def images():
    return torch.randint(0, 256, (2, 64, 96, 3), dtype=torch.uint8)


@torch.inference_mode()
def test_queries_have_the_shapes_of_the_contract(network, images):
    classes, masks = network(images)
    assert classes.shape == (2, TINY.queries, 20)
    assert masks.shape == (2, TINY.queries, 16, 24)
    assert classes.dtype == masks.dtype == torch.float32


@torch.inference_mode()
def test_an_image_does_not_depend_on_the_others(network, images):
    for both, alone in zip(network(images), network(images[1:]), strict=True):
        torch.testing.assert_close(both[1:], alone, rtol=1e-4, atol=1e-4)


def test_training_sees_every_layer_and_gradients_reach_every_weight(images):
    network = MobileMasks(TINY, 19).train()
    output = network(images)
    assert len(output.predictions) == len(TINY.levels) + 1
    assert output.heatmap.shape == (2, 1, 8, 12)
    total = output.heatmap.square().sum() + sum(
        prediction.classes.square().sum() + prediction.masks(output.features).square().sum()
        for prediction in output.predictions)
    total.backward()
    assert not [name for name, parameter in network.named_parameters()
                if parameter.grad is None or not parameter.grad.isfinite().all()]


def test_a_configuration_survives_json():
    config = NETWORKS['masks-mobile']
    assert MobileConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_sizes_are_multiples_of_32_with_a_cell_for_each_proposal():
    config = NETWORKS['masks-mobile']
    config.check_size((512, 1024))
    with pytest.raises(ValueError, match=r'multiples of 32: the nearest is 96x192'):
        config.check_size((100, 200))
    with pytest.raises(ValueError, match='needs 70 cells'):
        config.check_size((64, 64))


@pytest.mark.parametrize(('changed', 'message'), [
    ({'levels': (4,)}, 'levels is'), ({'channels': 20}, 'channels is 20'),
    ({'proposals': 0}, 'at least 1'), ({'deviation': (1, 0, 1)}, 'deviation'),
    ({'backbone': StagedConfig((8,), TINY.backbone.stages[:2])}, 'stride 8: expected 32')])
def test_configurations_that_make_no_sense_are_refused(changed, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **changed)


def test_positions_mean_the_same_in_a_crop_and_in_the_whole():
    whole = sine_position(4, 6, 16, 8).unflatten(0, (4, 6))
    torch.testing.assert_close(sine_position(2, 3, 16, 8), whole[:2, :3].flatten(0, 1))
    assert whole.flatten(0, 1).unique(dim=0).shape == (24, 16)
    distance = (whole[0] - whole[0, :1]).norm(dim=1)
    assert (distance[1:4] > distance[:3]).all()


def prediction(masks):
    """Return a prediction of these masks, and its features: the masks themselves."""
    count, queries = masks.shape[:2]
    nowhere = torch.zeros(count, queries, 2)
    embedding = torch.eye(queries).expand(count, -1, -1)
    return Prediction(torch.zeros(count, queries, 3), embedding, nowhere, nowhere), masks


def test_queries_attend_to_their_masks_and_those_without_one_everywhere():
    masks = torch.full((1, 2, 4, 4), -1.0)
    masks[0, 0, :2, 2:] = 3
    bias = attention_bias(*prediction(masks), 2)
    assert bias.tolist() == [[[BLOCKED, 0, BLOCKED, BLOCKED], [0, 0, 0, 0]]]
    attention = Attention(8, 2)
    queries, keys = torch.randn(1, 2, 8), torch.randn(1, 4, 8)
    blocked = attention(queries, keys, keys, bias)
    torch.testing.assert_close(blocked[:, 0], attention(queries, keys[:, 1:2], keys[:, 1:2])[:, 0])
    torch.testing.assert_close(blocked[:, 1], attention(queries, keys, keys)[:, 1])


def test_a_mask_falls_with_the_distance_from_its_centre():
    said = Prediction(torch.zeros(1, 2, 3), torch.zeros(1, 2, 1),
                      torch.tensor([[[3.0, 5.0], [0.0, 0.0]]]),
                      torch.tensor([[[1.0, 0.5], [0.0, 0.0]]]))
    masks = said.masks(torch.ones(1, 1, 8, 12))
    assert not masks[0, 1].any()
    assert masks[0, 0, 3, 5] == masks.max() == 0
    assert masks[0, 0, 3, 7] == masks[0, 0, 4, 5] == 2 * (1 - torch.tensor(2.0).sqrt())
    coarse = said.masks(torch.ones(1, 1, 4, 6), 2)
    assert coarse[0, 0, 1, 2] == masks[0, 0, 3, 5] - 2 * (
        torch.tensor(1.25).sqrt() + torch.tensor(1.0625).sqrt() - 2)


def test_half_precision_takes_the_largest_penalty():
    """Training in half precision keeps places in float32; an fp16 model squares in fp16."""
    network = MobileMasks(TINY, 19).train()
    with torch.autocast('cpu', torch.bfloat16):
        said = network(torch.randint(0, 256, (1, 64, 96, 3), dtype=torch.uint8)).predictions[-1]
    assert said.embedding.dtype == torch.bfloat16
    assert said.center.dtype == said.nearness.dtype == torch.float32
    far = Prediction(*(torch.full((1, 1, channels), 20.0, dtype=torch.float16)
                       for channels in (3, 1, 2, 2)))
    assert far.masks(torch.zeros(1, 1, 256, 512, dtype=torch.float16)).isfinite().all()


def test_picked_queries_have_their_own_masks():
    torch.manual_seed(0)
    said = Prediction(*(torch.randn(2, 5, channels) for channels in (3, 4, 2, 2)))
    features = torch.randn(2, 4, 6, 8)
    query = torch.tensor([[4, 0, 0], [1, 2, 3]])
    found, all_of_them = said.pick(query).masks(features), said.masks(features)
    for image in range(2):
        torch.testing.assert_close(found[image], all_of_them[image, query[image]])


def test_masks_at_the_middles_of_cells_are_those_of_the_cells():
    torch.manual_seed(0)
    said = Prediction(*(torch.randn(2, 5, channels) for channels in (3, 4, 2, 2)))
    features = torch.randn(2, 4, 6, 8)
    y, x = torch.meshgrid(torch.arange(6.0), torch.arange(8.0), indexing='ij')
    places = torch.stack((y, x), 2).flatten(0, 1).expand(2, -1, -1)
    torch.testing.assert_close(said.at(features.flatten(2), places),
                               said.masks(features).flatten(2))


@torch.inference_mode()
def test_proposals_start_at_the_highest_peaks(monkeypatch):
    proposals = CenterProposals(replace(TINY, proposals=3)).eval()
    heatmap = torch.zeros(1, 1, 4, 6)
    heatmap[0, 0, 1, 2], heatmap[0, 0, 1, 3], heatmap[0, 0, 3, 0], heatmap[0, 0, 0, 5] = 9, 8, 7, 6
    monkeypatch.setattr(proposals.head, 'forward', lambda level: heatmap)
    level = torch.randn(1, TINY.channels, 4, 6)
    found = proposals(level)
    assert found.center.tolist() == [[[2.5, 4.5], [6.5, 0.5], [0.5, 10.5]]]
    torch.testing.assert_close(found.content[0, 1], proposals.project(level[0, :, 3, 0]))
