"""A training of seconds: a network of a few hundred weights, on boxes."""

from dataclasses import fields
from itertools import islice

from panoptic_ros.network.backbones.config import StageConfig, StagedConfig
from panoptic_ros.network.distributed import ALONE
from panoptic_ros.network.families.deeplab.config import BranchConfig, NetworkConfig
from panoptic_ros.network.families.deeplab.losses import LossOptions
from panoptic_ros.network.families.deeplab.recipes import RECIPES
from panoptic_ros.network.families.deeplab.targets import TargetOptions
from panoptic_ros.network.samples import SampleOptions, Samples
from panoptic_ros.network.schedule import Schedule
from panoptic_ros.network.trainer import Trainer, TrainOptions

BRANCH = BranchConfig(aspp=8, low_level=(8,), decoder=(8,), head=8)
TINY = NetworkConfig(
    'tiny', StagedConfig((8,), (StageConfig('fused', 8, 1), StageConfig('inverted', 16, 1))),
    semantic=BRANCH, instance=BRANCH, rates=(1, 2, 3))


def of_streets(options, **given):
    """Build options with the values of the streets' recipe, but for those given."""
    recipe = RECIPES['streets']
    known = {field.name: getattr(recipe, field.name) for field in fields(options)
             if hasattr(recipe, field.name)}
    return options(**known | given)


def make(boxes, steps=6, workers=0, seed=3, config=TINY, hardest=1.0, crop=(32, 64),
         processes=ALONE, batch=4, consistency=0.0, **options):
    looks = 2 if consistency else 1
    samples = Samples(boxes, of_streets(SampleOptions, crop=crop, scale=(1.0, 1.0), looks=looks),
                      TargetOptions(sigma=3, small_area=100), seed)
    schedule = of_streets(Schedule, rate=1e-2, steps=steps)
    chosen = of_streets(TrainOptions, schedule=schedule, batch=batch, workers=workers,
                        losses=of_streets(LossOptions, hardest=hardest, consistency=consistency),
                        **options)
    return Trainer(config, samples, chosen, seed, processes)


def run(trainer, count=None):
    return [step.losses for step in islice(trainer.steps(), count)]
