"""The networks keep the engine contract."""

from dataclasses import replace

import pytest

torch = pytest.importorskip('torch', reason='the network needs PyTorch')

from panoptic_ros.network.backbones.config import StageConfig, StagedConfig  # noqa: E402
from panoptic_ros.network.families.deeplab.decoder import AtrousPyramid  # noqa: E402
from panoptic_ros.network.families.deeplab.model import PanopticDeepLab  # noqa: E402
from panoptic_ros.network.families.deeplab.variants import preset  # noqa: E402

pytestmark = pytest.mark.torch

NETWORKS = ('mobile', 'r50-one-decoder', 'mobilenet_v3', 'mobilenet_v2-bowenc')


@pytest.fixture(scope='module', params=NETWORKS)
def network(request):
    torch.manual_seed(0)
    return PanopticDeepLab(preset(request.param), 19).eval()


@pytest.fixture(scope='module')
def images(network):
    """Two images of the smallest interesting size that the network takes."""
    more = int(network.config.align_corners)
    return torch.randint(0, 256, (2, 64 + more, 96 + more, 3), dtype=torch.uint8)


@torch.inference_mode()
def test_heads_have_the_shapes_of_the_contract(network, images):
    semantic, center, offset = network(images)
    size = (17, 25) if network.config.align_corners else (16, 24)
    assert semantic.shape == (2, 19, *size)
    assert center.shape == (2, 1, *size)
    assert offset.shape == (2, 2, *size)
    assert {head.dtype for head in (semantic, center, offset)} == {torch.float32}


@torch.inference_mode()
def test_images_of_a_batch_do_not_meet(network, images):
    for together, alone in zip(network(images), network(images[1:]), strict=True):
        torch.testing.assert_close(together[1:], alone, atol=1e-4, rtol=1e-4)


def test_every_parameter_is_trained(network, images):
    network.train()
    heads = network(images)
    sum(head.square().mean() for head in heads).backward()
    idle = [name for name, value in network.named_parameters() if value.grad is None]
    network.zero_grad()
    network.eval()
    assert idle == []


def test_a_residual_network_of_basic_blocks_can_be_described():
    config = preset('mobile')
    stages = tuple(StageConfig('basic', 16 * 2 ** i, 1) for i in range(4))
    config = replace(config, backbone=StagedConfig((16,), stages), separable=())
    semantic, _, _ = PanopticDeepLab(config, 3).eval()(torch.zeros(1, 32, 32, 3).byte())
    assert semantic.shape == (1, 3, 8, 8)


@torch.inference_mode()
def test_offsets_are_pixels_whatever_the_network_predicts():
    network = PanopticDeepLab(preset('mobile'), 3).eval()
    image = torch.randint(0, 256, (1, 32, 64, 3), dtype=torch.uint8)
    before = network(image)
    network.config = replace(network.config, offset_unit=4.0)
    for old, new, unit in zip(before, network(image), (1, 1, 4), strict=True):
        assert torch.equal(old * unit, new)


@torch.inference_mode()
def test_images_are_normalised_in_the_order_of_the_backbone():
    red = torch.tensor([0, 0, 200], dtype=torch.uint8).expand(1, 32, 32, 3)
    seen = []
    for rgb in (False, True):
        config = replace(preset('mobile'), rgb=rgb, mean=(10, 20, 30),
                         deviation=(1, 2, 4))
        network = PanopticDeepLab(config, 3).eval()
        network.backbone.register_forward_pre_hook(
            lambda _, inputs: seen.append(inputs[0][0, :, 5, 5]))
        network(red)
    assert [pixel.tolist() for pixel in seen] == [[-10, -10, 42.5], [190, -10, -7.5]]
    assert {buffer.dtype for buffer in (network.mean, network.scale)} == {torch.float32}


@pytest.mark.parametrize(('align_corners', 'window', 'size'), [
    (False, (32, 64), (4, 12)), (True, (33, 65), (5, 13)), (False, (32, 64), (2, 3))])
@torch.inference_mode()
def test_the_pooled_branch_averages_a_window_that_slides(align_corners, window, size):
    config = replace(preset('r52'), window=window, align_corners=align_corners)
    pyramid = AtrousPyramid(6, 4, config).eval()
    seen = []
    pyramid.project.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0][:, -4:]))
    features = torch.randn(1, 6, *size)
    pyramid(features)
    cells = (3, 5) if align_corners else (2, 4)
    if size[1] < cells[1]:      # no room to slide: the whole map
        cells = size
    averages = pyramid.pooled(torch.nn.functional.avg_pool2d(features, cells, 1))
    expected = torch.nn.functional.interpolate(averages, size, mode='bilinear',
                                               align_corners=align_corners)
    torch.testing.assert_close(seen[0], expected, atol=1e-5, rtol=1e-5)
