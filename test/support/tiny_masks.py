"""A mask classification network of a few thousand weights, and its training on boxes."""

from panoptic_ros.network.backbones.config import StageConfig, StagedConfig
from panoptic_ros.network.families.masks.losses import LossOptions
from panoptic_ros.network.families.masks.mobile_config import MobileConfig
from panoptic_ros.network.families.masks.targets import TargetOptions
from panoptic_ros.network.samples import SampleOptions, Samples
from panoptic_ros.network.schedule import Schedule
from panoptic_ros.network.trainer import Trainer, TrainOptions

TINY = MobileConfig(
    'tiny', StagedConfig((8,), tuple(StageConfig('fused', channels, 1)
                                     for channels in (8, 16, 16, 16))),
    channels=16, mask_channels=8, learned=5, proposals=6, levels=(16, 8), heads=2, inner=16)


def make(source, steps=6, seed=3, config=TINY, **given):
    samples = Samples(source, SampleOptions((32, 64), (1.0, 1.0), False, 2, 0.75, 0.1),
                      TargetOptions(most=12), seed)
    options = TrainOptions(Schedule(5e-3, 0.03, steps), LossOptions(256, 256), 4, 0.05, 1.0,
                           **{'workers': 0, **given})
    return Trainer(config, samples, options, seed)
