"""Smoothing what a network says of a frame that it is unsure of."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

_SIDE, _STEP = 8, 4
"""Cells that a mean is taken over, each way, and from one mean to the next."""
_ROUNDS = 2
_LARGEST = 50.0
"""What is larger, as where half precision overflowed, is no reason to follow it."""


class Smoothing(NamedTuple):
    """
    Of which frames a network is unsure: by the mean probability of the likeliest classes.

    A frame of ``sure`` and more stays as it is, one of ``unsure`` and less is smoothed fully, and
    in between a part of the way.
    """

    unsure: float
    sure: float


def smoothed(logits: Tensor, smoothing: Smoothing) -> Tensor:
    """
    Bring cells of unsure frames nearer to their surroundings, the less sure they are the more.

    A network that meets an unknown kind of street is unsure everywhere, and its classes shatter
    into specks.  There the surroundings know more than the cell.  No bit of a sure frame changes.

    Parameters
    ----------
    logits
        [N, C, h, w].  What is NaN stays NaN, and counts for the other cells as 0.
    smoothing
        What is unsure.

    Returns
    -------
    Logits [N, C, h, w]; of each image the share of the smoothing depends on that image alone.

    """
    begun = torch.where(logits == logits, logits, 0).clamp(-_LARGEST, _LARGEST)
    probability = 1 / (begun - begun.amax(1, keepdim=True)).exp().sum(1, keepdim=True)
    mean = probability.mean((2, 3), keepdim=True)
    share = ((smoothing.sure - mean) / (smoothing.sure - smoothing.unsure)).clamp(0, 1)
    weight = share * (1 - probability ** 4)
    known = begun
    for _ in range(_ROUNDS):
        known = known + weight * (_around(known) - known)
    return logits + (known - begun)


def _around(cells: Tensor) -> Tensor:
    """Return the mean of the surroundings of each cell, between means that are a step apart."""
    height, width = cells.shape[2:]
    below, right = -height % _STEP, -width % _STEP
    if below or right:      # so that each mean lies in the middle of its cells
        cells = F.pad(cells, (0, right, 0, below), mode='replicate')
    means = F.avg_pool2d(cells, _SIDE, _STEP, (_SIDE - _STEP) // 2, count_include_pad=False)
    around = F.interpolate(means, scale_factor=_STEP, mode='bilinear', align_corners=False)
    return around[..., :height, :width]
