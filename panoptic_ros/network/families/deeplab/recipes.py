"""The recipes of Panoptic-DeepLab."""

from __future__ import annotations

from dataclasses import dataclass, field

from ...recipe import Recipe
from .variants import PRESETS

NETWORKS = PRESETS
"""The networks that can be trained here, by name."""


@dataclass(frozen=True)
class DeepLabRecipe(Recipe):
    """The settings of a training of a Panoptic-DeepLab."""

    sigma: float
    """Standard deviation of a centre's Gaussian, in pixels of a frame of 1024x2048."""
    hardest: float
    """Share of the pixels over which the semantic loss averages in the end."""
    easing: float
    """Share of the training during which it shrinks to that."""
    consistency: float = field(default=0.0, kw_only=True)
    """Weight of the difference between what the network sees in two looks of the same crop."""

    @property
    def looks(self) -> int:
        """Two where they are compared."""
        return 2 if self.consistency else 1


RECIPES = {
    'streets': DeepLabRecipe(
        steps=20_000, batch=8, rate=2e-3, backbone_rate=1.0, warmup=0.03, size=(512, 1024),
        crop=(256, 512), scale=(0.5, 1.2), even_scale=False, crops_per_frame=2, focus=0.75,
        jitter=0.1, weight_decay=0.02, clip=10.0, sigma=8.0, hardest=0.15, easing=0.3),
    # R52 in detectron2's projects/Panoptic-DeepLab; AdamW without weight decay is Adam.
    'cityscapes': DeepLabRecipe(
        steps=90_000, batch=32, rate=1e-3, backbone_rate=1.0, warmup=1 / 90, size=(1024, 2048),
        crop=(512, 1024), scale=(0.5, 2.0), even_scale=True, crops_per_frame=1, focus=0.0,
        jitter=0.0, weight_decay=0.0, clip=0.0, sigma=10.0, hardest=0.2, easing=0.0),
    # R52 for COCO in the same place: frames of 480x640 at most, and a Gaussian of 8 pixels there.
    'coco': DeepLabRecipe(
        steps=200_000, batch=64, rate=5e-4, backbone_rate=1.0, warmup=1 / 200, size=(480, 640),
        crop=(640, 640), scale=(0.65, 1.0), even_scale=True, crops_per_frame=1, focus=0.0,
        jitter=0.0, weight_decay=0.0, clip=0.0, sigma=21.0, hardest=1.0, easing=0.0),
    # Those of streets, for frames of any shape and size.
    'own': DeepLabRecipe(
        steps=20_000, batch=16, rate=1e-3, backbone_rate=1.0, warmup=0.03, size=(1024, 2048),
        crop=(512, 1024), scale=(0.5, 2.0), even_scale=False, crops_per_frame=2, focus=0.5,
        jitter=0.1, weight_decay=0.02, clip=10.0, sigma=8.0, hardest=0.15, easing=0.3,
        as_frames=True),
}
"""The recipe for each kind of data."""
