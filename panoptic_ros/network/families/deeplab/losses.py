"""The three losses of Panoptic-DeepLab (Cheng et al., CVPR 2020, section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ....labels import UNLABELED_CLASS
from ...family import Gather
from .config import STRIDE, NetworkConfig


@dataclass(frozen=True)
class LossOptions:
    """
    How the losses are weighed.

    Raises
    ------
    ValueError
        A share is out of range.

    """

    hardest: float
    """Share of the pixels, the hardest ones, over which the cross-entropy averages in the end."""
    easing: float
    """Share of the training during which that share shrinks evenly from all pixels to it."""
    center: float = 200.0
    """Weight of the error of the heatmap, as published."""
    offset: float = 0.01
    """Weight of the error of the offsets, as published."""
    consistency: float = 0.0
    """Weight of the difference between the two looks of each crop; 0 if there is one look."""

    def __post_init__(self) -> None:
        if not 0 < self.hardest <= 1 or not 0 <= self.easing <= 1:
            raise ValueError(f'hardest is {self.hardest} and easing {self.easing}: expected '
                             'shares, hardest more than 0')
        if not self.consistency >= 0:
            raise ValueError(f'consistency is {self.consistency}: expected 0 or more')

    def hardest_at(self, progress: float) -> float:
        """Return the share of the pixels to average at a progress from 0 to 1."""
        eased = min(1.0, progress / self.easing) if self.easing else 1.0
        return 1 + eased * (self.hardest - 1)

    def losses(self, config: NetworkConfig, outputs: tuple[Tensor, Tensor, Tensor],
               batch: Mapping[str, Tensor], progress: float, gather: Gather) -> dict[str, Tensor]:
        """Compare the heads with the targets at the phases of the batch."""
        semantic, center, offset = (
            sample_phase(head.float(), batch['phase'], config.align_corners) for head in outputs)
        losses = panoptic_losses((semantic, center, offset), batch, self, progress,
                                 gather)._asdict()
        if self.consistency:
            losses['consistency'] = self.consistency * look_difference(semantic, gather)
            losses['total'] = losses['total'] + losses['consistency']
        return losses


class Losses(NamedTuple):
    """The weighted losses and their sum, each a scalar."""

    total: Tensor
    semantic: Tensor
    center: Tensor
    offset: Tensor


def _alone(values: Tensor) -> Tensor:
    return values


def hard_cross_entropy(logits: Tensor, classes: Tensor, weight: Tensor, hardest: float,
                       gather: Gather = _alone) -> Tensor:
    """
    Average the weighted cross-entropy of the hardest pixels of the batch.

    Parameters
    ----------
    logits
        [N, C, h, w].
    classes
        int64 [N, h, w]; unlabelled pixels, 255, cost nothing.
    weight
        [N, h, w].
    hardest
        Share of all pixels, in (0, 1].
    gather
        Joins the values of the processes that share the batch.

    """
    losses = F.cross_entropy(logits, classes, ignore_index=UNLABELED_CLASS, reduction='none')
    losses = gather((losses * weight).flatten())
    count = max(1, int(hardest * losses.numel()))
    return losses.topk(count, sorted=False).values.mean()


def look_difference(logits: Tensor, gather: Gather = _alone) -> Tensor:
    """
    Average over the pixels how much the classes of the two looks of a crop differ.

    It is the Jensen-Shannon divergence in nats, from 0 to ln 2, as in AugMix (Hendrycks et al.,
    ICLR 2020).

    Parameters
    ----------
    logits
        [2 K, C, h, w], the looks of each of the K crops one after the other.
    gather
        Joins the values of the processes that share the batch.

    """
    looks = logits.log_softmax(1).unflatten(0, (-1, 2))
    mixed = looks.exp().mean(1, keepdim=True).clamp(min=1e-7).log()
    return gather((looks.exp() * (looks - mixed)).sum(2).mean(1).flatten()).mean()


def center_error(heatmap: Tensor, target: Tensor, known: Tensor,
                 gather: Gather = _alone) -> Tensor:
    """Average the squared error of the heatmap [N, 1, h, w] over pixels with known centres."""
    return _mean((heatmap - target).square(), known, gather)


def offset_error(offset: Tensor, target: Tensor, thing: Tensor,
                 gather: Gather = _alone) -> Tensor:
    """Average |dy| + |dx| of the error of the offset [N, 2, h, w] over the things' pixels."""
    return _mean((offset - target).abs(), thing, gather)


def _mean(errors: Tensor, mask: Tensor, gather: Gather) -> Tensor:
    """Return the mean of the sums over the channels, in the batch of all processes."""
    sums = torch.stack(((errors * mask[:, None]).sum(), mask.sum()))
    total, count = gather(sums[None]).sum(0)
    return total / count.clamp(min=1)


def panoptic_losses(heads: tuple[Tensor, Tensor, Tensor], targets: Mapping[str, Tensor],
                    options: LossOptions, progress: float = 1.0,
                    gather: Gather = _alone) -> Losses:
    """
    Compare heads and targets (the fields of ``Targets``) at the same pixels.

    With ``gather`` each process gets the losses of the batch that they share.
    """
    semantic, center, offset = (head.float() for head in heads)
    thing, known = targets['thing'].float(), targets['known'].float()
    parts = (
        hard_cross_entropy(semantic, targets['semantic'], targets['weight'],
                           options.hardest_at(progress), gather),
        options.center * center_error(center, targets['center'], known, gather),
        options.offset * offset_error(offset, targets['offset'], thing, gather))
    return Losses(parts[0] + parts[1] + parts[2], *parts)


def sample_phase(head: Tensor, phase: Tensor, align_corners: bool = False) -> Tensor:
    """
    Read a head, bilinearly upsampled, at one pixel of each cell.

    The result equals every fourth pixel, from ``phase`` on, of the head upsampled by four, at a
    sixteenth of the cost.  A loss at random phases is an unbiased estimate of the loss at full
    resolution.  With aligned corners, the last row and column lie outside the image unless the
    phase is 0.

    Parameters
    ----------
    head
        [N, C, h, w].
    phase
        int64 [N, 2]: (y, x) of the pixel in its cell, from 0 to 3.
    align_corners
        The convention of the upsampling.

    """
    position = phase.to(head.dtype) / STRIDE
    if not align_corners:
        position = position + (0.5 / STRIDE - 0.5)
    for axis, dim in ((0, 2), (1, 3)):
        shift = position[:, axis].view(-1, 1, 1, 1)
        size = head.shape[dim]
        first, last = head.narrow(dim, 0, 1), head.narrow(dim, size - 1, 1)
        before = torch.cat((first, head.narrow(dim, 0, size - 1)), dim)
        after = torch.cat((head.narrow(dim, 1, size - 1), last), dim)
        head = (head * (1 - shift.abs()) + before * (-shift).clamp(min=0)
                + after * shift.clamp(min=0))
    return head
