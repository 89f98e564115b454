"""Recipes: the default settings of a training, for each kind of data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Recipe:
    """The settings of a training that depend on its data."""

    steps: int
    batch: int
    """Crops per step, of all processes together."""
    rate: float
    """Highest learning rate."""
    warmup: float
    """Share of the training in which the rate rises."""
    size: tuple[int, int]
    """(height, width) of a frame, on which the pixel scales of the targets depend."""
    crop: tuple[int, int]
    """(height, width) of a crop; 1 is added if a network aligns corners."""
    scale: tuple[float, float]
    """Least and largest magnification."""
    even_scale: bool
    """Whether the magnification is drawn evenly; otherwise its logarithm is."""
    crops_per_frame: int
    focus: float
    """Share of the crops that are placed on a pixel of a class that is drawn evenly."""
    jitter: float
    """Standard deviation of the random changes of the colours."""
    sigma: float
    """Standard deviation of a centre's Gaussian, in pixels of a frame of 1024x2048."""
    hardest: float
    """Share of the pixels over which the semantic loss averages in the end."""
    easing: float
    """Share of the training during which it shrinks to that."""
    weight_decay: float
    clip: float
    """Largest norm of the gradient; 0 allows any."""


RECIPES = {
    'streets': Recipe(
        steps=20_000, batch=8, rate=2e-3, warmup=0.03, size=(512, 1024), crop=(256, 512),
        scale=(0.5, 1.2), even_scale=False, crops_per_frame=2, focus=0.75, jitter=0.1,
        sigma=8.0, hardest=0.15, easing=0.3, weight_decay=0.02, clip=10.0),
    # R52 in detectron2's projects/Panoptic-DeepLab; AdamW without weight decay is Adam.
    'cityscapes': Recipe(
        steps=90_000, batch=32, rate=1e-3, warmup=1 / 90, size=(1024, 2048), crop=(512, 1024),
        scale=(0.5, 2.0), even_scale=True, crops_per_frame=1, focus=0.0, jitter=0.0,
        sigma=10.0, hardest=0.2, easing=0.0, weight_decay=0.0, clip=0.0),
}
"""The recipe for each kind of data."""
