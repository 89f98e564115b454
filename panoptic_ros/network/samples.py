"""Training samples: random crops of frames, each determined by its number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ..datasets.dataset import FrameSource, Image, Labels
from ..labels import UNLABELED, UNLABELED_CLASS
from .extending import extend
from .family import TargetOptions
from .photometric import randomised

_GRID = 4
"""Distance of the pixels that are searched for classes to place a crop on."""

MEAN = (104, 116, 124)
"""Mean blue, green and red of ImageNet, which crops have outside the frame."""


@dataclass(frozen=True)
class SampleOptions:
    """
    How samples are cut from frames.

    Raises
    ------
    ValueError
        A value is out of range.

    """

    crop: tuple[int, int]
    """(height, width) of a sample; pixels outside the scaled frame are unlabelled."""
    scale: tuple[float, float]
    """Least and largest magnification."""
    even_scale: bool
    """Whether the magnification is drawn evenly; otherwise its logarithm is."""
    crops_per_frame: int
    focus: float
    """Share of the crops that are placed on a pixel of a class, drawn evenly from those there."""
    jitter: float
    """Standard deviation of the random gain, offset and gamma of each colour channel."""
    randomised: float = 0.0
    """Share of the crops that are given another look; see ``photometric``."""
    stretch: float = 1.0
    """Largest ratio of the magnifications along height and width, either way."""
    frame: tuple[int, int] | None = None
    """(height, width) whose number of pixels a magnification of 1 gives to frames of any size."""
    looks: int = 1
    """How often each crop is there, one after the other, in another look each time."""

    def __post_init__(self) -> None:
        if min(self.crop) < 1:
            raise ValueError(f'crop is {self.crop}: expected a positive (height, width)')
        if not 0 < self.scale[0] <= self.scale[1]:
            raise ValueError(f'scale is {self.scale}: expected a positive least and largest')
        if self.crops_per_frame < 1 or not 0 <= self.focus <= 1 or self.jitter < 0:
            raise ValueError(f'{self}: expected crops_per_frame >= 1, focus in [0, 1] and '
                             'jitter >= 0')
        if not 0 <= self.randomised <= 1 or self.stretch < 1:
            raise ValueError(f'randomised is {self.randomised} and stretch {self.stretch}: '
                             'expected a share from 0 to 1 and a ratio from 1 on')
        if self.looks < 1:
            raise ValueError(f'looks is {self.looks}: expected at least 1')

    @property
    def images_per_frame(self) -> int:
        """Number of images that a frame gives to a batch."""
        return self.crops_per_frame * self.looks


class Samples(Dataset[dict[str, Tensor]]):
    """
    An endless data set, epoch after epoch; each item is some crops of one frame.

    An item depends only on its number and the seed, so that any run can go on anywhere.

    An item has ``image`` uint8 [K, h, w, 3], and the targets of the K images by their names.
    """

    def __init__(self, source: FrameSource, options: SampleOptions, targets: TargetOptions,
                 seed: int = 0) -> None:
        self.source, self.label_space = source, source.label_space
        self.options, self.targets, self.seed = options, targets, seed

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Return item ``index`` >= 0."""
        epoch, number = divmod(index, len(self.source))
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.source))
        random = np.random.default_rng((self.seed, epoch, number))
        image, labels = self.source[int(order[number])]
        crops = [crop for _ in range(self.options.crops_per_frame)
                 for crop in self._crop(image, labels, random)]
        return {name: torch.from_numpy(np.stack([crop[name] for crop in crops]))
                for name in crops[0]}

    def _crop(self, image: Image, truth: Labels,
              random: np.random.Generator) -> list[dict[str, npt.NDArray[Any]]]:
        """Return the looks of a crop, each with the same targets."""
        options = self.options
        scale = float(random.uniform(*options.scale) if options.even_scale
                      else np.exp(random.uniform(*np.log(options.scale))))
        if options.frame is not None:
            scale *= (math.prod(options.frame) / truth.size) ** 0.5
        higher = options.stretch ** random.uniform(-0.5, 0.5) if options.stretch > 1 else 1.0
        sides = list(zip(truth.shape, options.crop, (scale * higher, scale / higher), strict=True))
        window = [min(side, max(1, round(crop / by))) for side, crop, by in sides]
        filled = [min(crop, max(1, round(side * by))) for side, crop, by in sides]
        y0, x0 = self._place(truth, window, random)
        cut = np.s_[y0:y0 + window[0], x0:x0 + window[1]]
        labels: npt.NDArray[Any] = truth[cut]
        crop: npt.NDArray[Any] = image[cut]
        if window != filled:
            target = filled[::-1]
            labels = cv2.resize(labels, target, interpolation=cv2.INTER_NEAREST)
            method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
            crop = cv2.resize(crop, target, interpolation=method)
        if random.random() < 0.5:
            labels, crop = labels[:, ::-1], crop[:, ::-1]
        images = [self._look(np.ascontiguousarray(crop), labels, random)
                  for _ in range(options.looks)]
        labels = np.ascontiguousarray(extend(labels, options.crop, UNLABELED))
        targets = self.targets.make(labels, self.label_space, random)
        return [{'image': look, **targets} for look in images]

    def _look(self, crop: Image, labels: Labels, random: np.random.Generator) -> Image:
        image = np.asarray(cv2.LUT(crop, _color_curve(self.options.jitter, random)), np.uint8)
        if self.options.randomised and random.random() < self.options.randomised:
            image = randomised(image, labels, random)
        return extend(image, self.options.crop, MEAN)

    def _place(self, truth: Labels, window: Sequence[int],
               random: np.random.Generator) -> tuple[int, int]:
        """Draw the window's upper left corner."""
        room = np.array(truth.shape) - np.array(window)
        corner = random.integers(room + 1)
        if random.random() < self.options.focus:
            grid = self.label_space.semantic(np.asarray(truth[::_GRID, ::_GRID]))
            found = np.unique(grid)
            known = found[found != UNLABELED_CLASS]
            class_id = random.choice(known if known.size else found)
            point = _GRID * random.choice(np.argwhere(grid == class_id))
            corner = np.clip(point - random.integers(1, np.array(window) + 1), 0, room)
        return int(corner[0]), int(corner[1])


def _color_curve(jitter: float, random: np.random.Generator) -> Image:
    """Draw a look-up table, uint8 (256, 1, 3): gain, offset and gamma, similar in all channels."""
    gain, offset, gamma = (random.normal(0, jitter) + random.normal(0, jitter / 3, 3)
                           for _ in range(3))
    level = np.linspace(0, 1, 256)[:, None] ** np.exp(gamma)
    curve = (level - 0.5) * np.exp(gain) + 0.5 + offset / 2
    return np.asarray((curve * 255).round().clip(0, 255).astype(np.uint8)[:, None])


def collate(items: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Join items along their first axis."""
    return {name: torch.cat([item[name] for item in items]) for name in items[0]}
