"""Batch norms are folded where that changes nothing but rounding."""

import pytest

torch = pytest.importorskip('torch', reason='networks need PyTorch')
from torch import nn  # noqa: E402

from panoptic_ros.network.folding import folded  # noqa: E402

pytestmark = pytest.mark.torch


def norm(channels):
    layer = nn.BatchNorm2d(channels)
    for tensor in (layer.running_mean, layer.weight.data, layer.bias.data):
        tensor.normal_()
    layer.running_var.uniform_(0.5, 2)
    return layer


@pytest.fixture
def network():
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, bias=False), norm(6), nn.ReLU(),
        nn.Sequential(nn.Conv2d(6, 6, 3, groups=6), norm(6)),
        norm(6), nn.ReLU(), norm(6)).eval()


def norms(network):
    return sum(isinstance(module, nn.BatchNorm2d) for module in network.modules())


def test_what_it_computes_stays_but_for_rounding(network):
    images = torch.randn(2, 3, 16, 16)
    with torch.inference_mode():
        torch.testing.assert_close(folded(network)(images), network(images))


def test_only_norms_straight_after_a_convolution_are_folded_and_only_in_the_copy(network):
    """That after the inner row and that after a ReLU stay."""
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert norms(folded(network)) == 2
    assert norms(network) == 4
    for name, tensor in network.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_modules_that_are_no_row_are_left():
    class Crossed(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.norm = nn.Conv2d(3, 3, 1), norm(3)

        def forward(self, images):
            return self.conv(self.norm(images))

    assert norms(folded(Crossed().eval())) == 1
