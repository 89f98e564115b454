"""Smoothing what a network says of a frame that it is unsure of."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor
from torch.nn import functional as F

_SIDE, _STEP = 8, 4
"""Cells that a mean is taken over, each way, and from one mean to the next."""
_ROUNDS = 2
_LARGEST = 1e4


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

    A network that meets a kind of street that it was not trained for is unsure everywhere, and
    its classes shatter into specks.  There the surroundings know more than the cell.  Where it is
    sure, no bit changes.

    Parameters
    ----------
    logits
        [N, C, h, w].
    smoothing
        What is unsure.

    Returns
    -------
    Logits [N, C, h, w]; of each image the share of the smoothing depends on that image alone.

    """
    logits = logits.clamp(-_LARGEST, _LARGEST)      # half precision may have overflown
    probability = 1 / (logits - logits.amax(1, keepdim=True)).exp().sum(1, keepdim=True)
    mean = probability.mean((2, 3), keepdim=True)
    share = ((smoothing.sure - mean) / (smoothing.sure - smoothing.unsure)).clamp(0, 1)
    weight = share * (1 - probability ** 4)
    for _ in range(_ROUNDS):
        means = F.avg_pool2d(logits, _SIDE, _STEP, (_SIDE - _STEP) // 2, count_include_pad=False)
        around = F.interpolate(means, logits.shape[2:], mode='bilinear', align_corners=False)
        logits = logits + weight * (around - logits)
    return logits
