"""Which anchor or proposal is to find which thing, and which of them a training looks at."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from .boxes import overlaps

POSITIVE, NEGATIVE, IGNORED = 1, 0, -1
ANCHOR_OVERLAPS = (0.3, 0.7)
"""Below the first an anchor has no thing, from the second on it has one; between, neither."""
PROPOSAL_OVERLAP = 0.5
"""From it on a proposal has a thing."""


class Matches(NamedTuple):
    """Whether each of some boxes has a thing, and which."""

    kind: Tensor
    """int64 [A]: ``POSITIVE``, ``NEGATIVE`` or ``IGNORED``."""
    thing: Tensor
    """int64 [A]: the row of the thing that it overlaps most; 0 if there is none."""


def match_anchors(anchors: Tensor, things: Tensor) -> Matches:
    """
    Match anchors [A, 4] with the boxes of things [G, 4], as detectron2 does.

    The anchors that overlap a thing more than all others do are positive, however little it is.
    """
    low, high = ANCHOR_OVERLAPS
    return _match(anchors, things, low, high, True)


def match_proposals(proposals: Tensor, things: Tensor) -> Matches:
    """Match proposals [P, 4] with the boxes of things [G, 4]."""
    return _match(proposals, things, PROPOSAL_OVERLAP, PROPOSAL_OVERLAP, False)


def _match(boxes: Tensor, things: Tensor, low: float, high: float, each: bool) -> Matches:
    if not len(things):
        none = torch.zeros(len(boxes), dtype=torch.int64, device=boxes.device)
        return Matches(none, none)
    over = overlaps(things[:, None], boxes)
    best, thing = over.max(0)
    kind = torch.full_like(thing, IGNORED)
    kind[best < low] = NEGATIVE
    kind[best >= high] = POSITIVE
    if each:
        kind[(over == over.max(1, keepdim=True).values).any(0)] = POSITIVE
    return Matches(kind, thing)


def drawn(kind: Tensor, count: int, share: float) -> tuple[Tensor, Tensor]:
    """
    Draw boxes to look at with PyTorch's random numbers.

    Parameters
    ----------
    kind
        int64 [A]; see ``Matches``.
    count
        How many are drawn; fewer if there are not so many.
    share
        The largest share of ``count`` that is positive; the rest is negative.

    Returns
    -------
    The numbers of the positive ones and of the negative ones, int64.

    """
    positive = _some(kind == POSITIVE, int(count * share))
    return positive, _some(kind == NEGATIVE, count - len(positive))


def _some(which: Tensor, count: int) -> Tensor:
    places = which.nonzero()[:, 0]
    return places[torch.randperm(len(places), device=places.device)[:count]]
