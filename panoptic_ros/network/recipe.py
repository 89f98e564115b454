"""Recipes: the default settings of a training, for each family and kind of data."""

from __future__ import annotations

from dataclasses import dataclass, field

KINDS = ('streets', 'cityscapes', 'coco', 'own')
"""The kinds of data for which every family has a recipe; 'own' is for all others."""


@dataclass(frozen=True)
class Recipe:
    """The settings of a training that all families have; a family's own recipe adds to them."""

    steps: int
    batch: int
    """Images per step, of all processes together."""
    rate: float
    """Highest learning rate."""
    backbone_rate: float
    """The backbone's learning rate, as a multiple of the rest's; with 0 it stays as it is."""
    warmup: float
    """Share of the training in which the rate rises."""
    size: tuple[int, int]
    """
    (height, width) that a frame is thought to have: a magnification of 1 gives it as many pixels.

    The pixel scales of the targets depend on it.
    """
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
    weight_decay: float
    clip: float
    """Largest norm of the gradient; 0 allows any."""
    randomised: float = field(default=0.0, kw_only=True)
    """Share of the crops that are given another look."""
    stretch: float = field(default=1.0, kw_only=True)
    """Largest ratio of the magnifications of a crop along height and width, either way."""
    frozen_stride: int = field(default=0, kw_only=True)
    """The backbone's layers up to this stride stay as they are; 0 for none."""
    frozen_norms: bool = field(default=False, kw_only=True)
    """Whether the backbone's batch norms stay as they are."""
    as_frames: bool = field(default=False, kw_only=True)
    """Whether size and crop only say how many pixels at most, and have the shape of the frames."""

    @property
    def looks(self) -> int:
        """How often each crop is in a batch; more than once for losses that compare its looks."""
        return 1
