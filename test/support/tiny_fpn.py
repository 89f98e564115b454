"""A Panoptic-FPN of a few thousand weights, and its training on boxes."""

import numpy as np
import torch
from boxes import Boxes

from panoptic_ros.network.backbones.config import StageConfig, StagedConfig
from panoptic_ros.network.families.fpn.config import FpnConfig
from panoptic_ros.network.families.fpn.losses import LossOptions
from panoptic_ros.network.families.fpn.targets import TargetOptions
from panoptic_ros.network.samples import SampleOptions, Samples
from panoptic_ros.network.schedule import Schedule
from panoptic_ros.network.trainer import Trainer, TrainOptions

TINY = FpnConfig(
    'tiny', StagedConfig((8,), tuple(StageConfig('fused', channels, 1)
                                     for channels in (8, 16, 16, 16))),
    things=8, channels=16, semantic=16, groups=4, hidden=32, anchor=8.0, proposals=20,
    detections=10, mask_side=8, deviation=(57.0, 57.0, 57.0))


def make(source, steps=6, seed=3, config=TINY, **given):
    samples = Samples(source, SampleOptions((32, 64), (1.0, 1.0), False, 2, 0.75, 0.1),
                      TargetOptions(most=12), seed)
    options = TrainOptions(Schedule(1e-2, 0.03, steps), LossOptions(64, 32), 4, 0.05, 1.0,
                           **{'workers': 0, **given})
    return Trainer(config, samples, options, seed)


def frames(size=(64, 96), count=2):
    """Return images of boxes, and their targets."""
    source, targets = Boxes(size, count=count), TargetOptions(9)
    items = [{'image': image, **targets.make(labels, source.label_space, None)}
             for image, labels in map(source.__getitem__, range(count))]
    batch = {name: torch.from_numpy(np.stack([item[name] for item in items])) for name in items[0]}
    return batch.pop('image'), batch
