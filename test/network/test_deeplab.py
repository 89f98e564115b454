"""The networks keep the engine contract."""

from dataclasses import replace

import pytest

torch = pytest.importorskip('torch', reason='the network needs PyTorch')

from panoptic_ros.network.config import PRESETS, NetworkConfig, StageConfig  # noqa: E402
from panoptic_ros.network.deeplab import PanopticDeepLab  # noqa: E402


@pytest.fixture(scope='module', params=sorted(PRESETS))
def network(request):
    torch.manual_seed(0)
    return PanopticDeepLab(NetworkConfig.preset(request.param), 19).eval()


@torch.inference_mode()
def test_heads_have_the_shapes_of_the_contract(network):
    semantic, center, offset = network(torch.zeros(2, 64, 128, 3, dtype=torch.uint8))
    assert semantic.shape == (2, 19, 16, 32)
    assert center.shape == (2, 1, 16, 32)
    assert offset.shape == (2, 2, 16, 32)
    assert {head.dtype for head in (semantic, center, offset)} == {torch.float32}


@torch.inference_mode()
def test_images_of_a_batch_do_not_meet(network):
    images = torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8)
    for together, alone in zip(network(images), network(images[1:]), strict=True):
        torch.testing.assert_close(together[1:], alone, atol=1e-4, rtol=1e-4)


def test_every_parameter_is_trained(network):
    network.train()
    heads = network(torch.randint(0, 256, (2, 64, 64, 3), dtype=torch.uint8))
    sum(head.square().mean() for head in heads).backward()
    idle = [name for name, value in network.named_parameters() if value.grad is None]
    network.zero_grad()
    network.eval()
    assert idle == []


def test_the_resnet_is_as_large_as_the_published_one():
    network = PanopticDeepLab(NetworkConfig.preset('resnet50'), 19)
    millions = sum(p.numel() for p in network.parameters()) / 1e6
    assert 28 < millions < 33       # detectron2's separable one has 30.27


def test_a_residual_network_of_basic_blocks_can_be_described():
    config = NetworkConfig.preset('mobile')
    stages = tuple(StageConfig('basic', 16 * 2 ** i, 1) for i in range(4))
    network = PanopticDeepLab(replace(config, stages=stages, separable=False), 3).eval()
    semantic, _, _ = network(torch.zeros(1, 32, 32, 3, dtype=torch.uint8))
    assert semantic.shape == (1, 3, 8, 8)
