"""Frozen parts of a backbone stay as they are, and the rest learns."""

import pytest

torch = pytest.importorskip('torch', reason='training needs PyTorch')

from tiny_training import make, run  # noqa: E402
from torch import nn  # noqa: E402

from panoptic_ros.network.backbones.building import build  # noqa: E402
from panoptic_ros.network.backbones.config import BackboneConfig  # noqa: E402
from panoptic_ros.network.distributed import Processes  # noqa: E402
from panoptic_ros.network.freezing import frozen_parts  # noqa: E402
from panoptic_ros.network.shared_norm import share_norms  # noqa: E402

pytestmark = pytest.mark.torch


def backbone(name):
    with torch.device('meta'):
        return build(BackboneConfig(name, 32))


def changed(trainer, before):
    return {name for name, value in trainer.network.state_dict().items()
            if not torch.equal(value, before[name])}


def state(trainer):
    return {name: value.clone() for name, value in trainer.network.state_dict().items()}


def test_norms_and_the_finest_layers_stay_as_they_are(boxes):
    trainer = make(boxes, frozen_stride=4, frozen_norms=True)
    before = state(trainer)
    run(trainer, 2)
    moved = changed(trainer, before)
    norms = {f'backbone.{name}' for name, module in trainer.network.backbone.named_modules()
             if isinstance(module, nn.BatchNorm2d)}
    assert not any(name.startswith(('backbone.stem', 'backbone.stages.0.')) for name in moved)
    assert not any(name.rpartition('.')[0] in norms for name in moved)
    assert any(name.startswith('backbone.stages.1.') for name in moved)
    assert any(name.startswith('semantic.') for name in moved)


class OnGpus(Processes):
    """One process with the norms of several GPUs, which a processor runs while no group waits."""

    def share_norms(self, network, device):
        share_norms(network, torch.device('cuda'))


def test_norms_that_gpus_share_stay_as_they_are_too(boxes):
    trainer = make(boxes, frozen_norms=True, processes=OnGpus())
    before = state(trainer)
    run(trainer, 2)
    norms = {f'backbone.{name}' for name, module in trainer.network.backbone.named_modules()
             if isinstance(module, nn.SyncBatchNorm)}
    moved = changed(trainer, before)
    assert norms
    assert not any(name.rpartition('.')[0] in norms for name in moved)
    assert any(name.startswith('backbone.stem') for name in moved)


def test_without_it_all_of_a_network_learns(boxes):
    trainer = make(boxes)
    before = state(trainer)
    run(trainer, 2)
    assert changed(trainer, before) == set(before)


@pytest.mark.parametrize(('name', 'stride', 'last'), [
    ('efficientnet_lite0', 4, 'blocks.2'), ('efficientnet_lite0', 8, 'blocks.4'),
    ('mobilenet_v2', 32, 'blocks.16'), ('resnet50', 4, 'stages.0'), ('resnet50', 16, 'stages.2')])
def test_layers_are_frozen_up_to_the_last_of_a_stride(name, stride, last):
    network = backbone(name)
    parts = frozen_parts(network, stride, norms=False)
    assert parts[0] is network.stem
    assert parts[-1] is network.get_submodule(last)


def test_a_stride_that_a_backbone_lacks_is_refused():
    with pytest.raises(ValueError, match=r'stride is 2: expected one of \[4, 8, 16, 32\]'):
        frozen_parts(backbone('efficientnet_lite0'), 2, norms=False)
    with pytest.raises(ValueError, match='frozen_stride is 4: expected 0 for a HRNet'):
        frozen_parts(backbone('hrnet48'), 4, norms=False)
