"""The recipes of mask classification networks."""

from __future__ import annotations

from dataclasses import dataclass

from ...backbones.config import MOBILE
from ...recipe import Recipe
from .mobile_config import MobileConfig

NETWORKS = {config.name: config for config in (MobileConfig('masks-mobile', MOBILE),)}
"""The networks that can be trained here, by name."""


@dataclass(frozen=True)
class MasksRecipe(Recipe):
    """The settings of a training of a mask classification network."""

    points: int
    """Points at which a mask is compared with its segment."""
    matching_points: int
    """Points at which each mask is compared with each segment."""


RECIPES = {
    'streets': MasksRecipe(
        steps=20_000, batch=8, rate=8e-4, backbone_rate=0.1, warmup=0.03, size=(512, 1024),
        crop=(256, 512), scale=(0.5, 1.2), even_scale=False, crops_per_frame=2, focus=0.75,
        jitter=0.1, weight_decay=0.05, clip=1.0, points=1024, matching_points=2048),
    # R50 in Mask2Former's code: maskformer2_R50_bs16_90k.yaml.
    'cityscapes': MasksRecipe(
        steps=90_000, batch=16, rate=1e-4, backbone_rate=0.1, warmup=0.0, size=(1024, 2048),
        crop=(512, 1024), scale=(0.5, 2.0), even_scale=True, crops_per_frame=1, focus=0.0,
        jitter=0.1, weight_decay=0.05, clip=0.01, points=12544, matching_points=12544),
    # R50 for COCO in the same code; its crops of 1024x1024 are frames of 1024 at most, magnified.
    'coco': MasksRecipe(
        steps=368_750, batch=16, rate=1e-4, backbone_rate=0.1, warmup=0.0, size=(768, 1024),
        crop=(1024, 1024), scale=(0.1, 2.0), even_scale=True, crops_per_frame=1, focus=0.0,
        jitter=0.0, weight_decay=0.05, clip=0.01, points=12544, matching_points=12544),
    # Those of streets, for frames of any shape and size.
    'own': MasksRecipe(
        steps=20_000, batch=16, rate=4e-4, backbone_rate=0.1, warmup=0.03, size=(1024, 2048),
        crop=(512, 1024), scale=(0.5, 2.0), even_scale=False, crops_per_frame=2, focus=0.5,
        jitter=0.1, weight_decay=0.05, clip=1.0, points=1024, matching_points=2048,
        as_frames=True),
}
"""The recipe for each kind of data."""
