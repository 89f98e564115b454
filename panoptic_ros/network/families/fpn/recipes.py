"""The recipes of Panoptic-FPN."""

from __future__ import annotations

from dataclasses import dataclass

from ...backbones.config import MOBILE
from ...recipe import Recipe
from .config import FpnConfig
from .variants import PRESETS

MOBILE_FPN = FpnConfig(
    'fpn-mobile', MOBILE, things=8, channels=64, semantic=64, groups=16, hidden=256, anchor=16.0,
    proposals=200, deviation=(57.375, 57.12, 58.395))
"""A small network, for processors."""
NETWORKS = {MOBILE_FPN.name: MOBILE_FPN, **PRESETS}
"""The networks that can be trained here, by name; their things become those of the label space."""


@dataclass(frozen=True)
class FpnRecipe(Recipe):
    """The settings of a training of a Panoptic-FPN."""

    anchors: int
    """Anchors of a crop that are looked at."""
    proposals: int
    """Proposals of a crop that are looked at."""


# The published trainings use SGD at 0.01 to 0.02 and a weight decay of 1e-4.  The rates here suit
# AdamW, with which Mask R-CNN is trained at 1e-4 and 0.05 for 16 images (Swin, ICCV 2021).  They
# also start from ImageNet, and freeze batch norms and the layers up to stride 4, which would be
# wrong for random weights.
RECIPES = {
    'streets': FpnRecipe(
        steps=20_000, batch=8, rate=1e-3, backbone_rate=1.0, warmup=0.03, size=(512, 1024),
        crop=(256, 512), scale=(0.5, 1.2), even_scale=False, crops_per_frame=2, focus=0.75,
        jitter=0.1, weight_decay=0.05, clip=1.0, anchors=256, proposals=128),
    # Cityscapes in the paper's section 5: 65k steps of 32 crops.
    'cityscapes': FpnRecipe(
        steps=65_000, batch=32, rate=2e-4, backbone_rate=1.0, warmup=1 / 65, size=(1024, 2048),
        crop=(512, 1024), scale=(0.5, 2.0), even_scale=True, crops_per_frame=1, focus=0.0,
        jitter=0.1, weight_decay=0.05, clip=1.0, anchors=256, proposals=512),
    # detectron2's panoptic_fpn_R_50_1x: whole frames with short sides of 640 to 800.
    'coco': FpnRecipe(
        steps=90_000, batch=16, rate=1e-4, backbone_rate=1.0, warmup=1 / 90, size=(800, 1066),
        crop=(1088, 1088), scale=(0.8, 1.0), even_scale=True, crops_per_frame=1, focus=0.0,
        jitter=0.0, weight_decay=0.05, clip=1.0, anchors=256, proposals=512),
    # Those of streets, for frames of any shape and size.
    'own': FpnRecipe(
        steps=20_000, batch=16, rate=5e-4, backbone_rate=1.0, warmup=0.03, size=(1024, 2048),
        crop=(512, 1024), scale=(0.5, 2.0), even_scale=False, crops_per_frame=2, focus=0.5,
        jitter=0.1, weight_decay=0.05, clip=1.0, anchors=256, proposals=512, as_frames=True),
}
"""The recipe for each kind of data."""
