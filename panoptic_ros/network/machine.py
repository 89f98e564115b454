"""What a recipe becomes on a machine: a processor takes smaller steps than a GPU."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, TypeVar

from ..processes import cores
from .recipe import Recipe

if TYPE_CHECKING:
    from .family import Configuration

R = TypeVar('R', bound=Recipe)
Size = tuple[int, int]

_STEP = 32
"""Sizes are multiples of this where a network takes them."""
_MOST_LOADERS = 8


@dataclass(frozen=True)
class Limits:
    """The most that a step of a training takes on a kind of machine; 0 stands for any number."""

    frame: int = 0
    """Pixels of a frame."""
    crop: int = 0
    """Pixels of a crop."""
    batch: int = 0
    """Crops per step."""
    batch_per_core: int = 0
    """Crops per step for each core, if that is more."""
    steps: int = 0


GPU = Limits()
PROCESSOR = Limits(frame=512 * 1024, crop=256 * 512, batch=8, batch_per_core=1, steps=20_000)
"""With it a step of `mobile` takes about a second on two cores."""


def loaders(gpu: bool, processes: int = 1) -> int:
    """Return how many processes cut crops for each of some processes that train."""
    return max(1, min(_MOST_LOADERS, cores() // processes - 1)) if gpu else 1


def suited(recipe: R, limits: Limits, config: Configuration, frame: Size | None = None) -> R:
    """
    Return a recipe within the limits of a machine.

    Parameters
    ----------
    recipe
        The recipe for the kind of data.
    limits
        Those of the machine.
    config
        The network, which does not take every crop.
    frame
        (height, width) of the frames, whose shape a recipe may take.

    """
    takes_shape = frame if recipe.as_frames else None
    size = _within(recipe.size, limits.frame, takes_shape)
    crop = _within(recipe.crop, limits.crop, takes_shape and size)
    if getattr(config, 'align_corners', False) and crop != recipe.crop:
        crop = (crop[0] + 1, crop[1] + 1)
    try:
        config.check_size(crop)
    except ValueError:
        crop = recipe.crop      # the one for which the network was made
    most = max(limits.batch, limits.batch_per_core * cores())
    batch = recipe.batch if not most else min(recipe.batch, most)
    return replace(recipe, size=size, crop=crop, batch=batch,
                   steps=min(recipe.steps, limits.steps or recipe.steps))


def changed(before: Recipe, after: Recipe) -> list[str]:
    """Return in words what differs between two recipes of one family."""
    return [f'{field.name} {written(getattr(after, field.name))} in place of '
            f'{written(getattr(before, field.name))}' for field in fields(before)
            if getattr(before, field.name) != getattr(after, field.name)]


def written(value: object) -> str:
    """Return the value of a setting in words, such as 256x512."""
    if isinstance(value, tuple):
        return ('x' if isinstance(value[0], int) else ' ').join(map(str, value))
    return f'{value:.3g}' if isinstance(value, float) else str(value)


def accepted(size: Size, config: Configuration, crop: Size) -> Size:
    """
    Return a size near the given one that a network takes as its input.

    Networks take multiples of 32 or of the crop for which they are made.
    """
    for step in ((_STEP, _STEP), crop):
        near = _rounded(size, step)
        for found in (size, near, (near[0] + 1, near[1] + 1)):
            try:
                config.check_size(found, padded=True)
            except ValueError:
                continue
            return found
    return crop


def _within(size: Size, pixels: int, shape: Size | None) -> Size:
    """Return a size of so many pixels at most, in a shape; or the size itself if it is one."""
    most = min(math.prod(size), pixels or math.prod(size))
    if shape is None and most == math.prod(size):
        return size
    height, width = shape or size
    ratio = min(1.0, (most / (height * width)) ** 0.5)
    return _rounded((height * ratio, width * ratio), (_STEP, _STEP))


def _rounded(size: tuple[float, float], step: Size) -> Size:
    height, width = (max(1, round(side / unit)) * unit
                     for side, unit in zip(size, step, strict=True))
    return height, width
