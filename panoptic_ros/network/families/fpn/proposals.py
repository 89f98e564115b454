"""The head that proposes boxes (Ren et al., NeurIPS 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .boxes import RATIOS, Weights, anchors, areas, clipped, moved, overlaps
from .config import STRIDE
from .suppression import suppress

WEIGHTS: Weights = (1.0, 1.0, 1.0, 1.0)
MOST_OVERLAP = 0.7
"""The largest intersection over union of two proposals of one map."""
NOWHERE = -1e30
"""The logit of a box that is none."""


class Candidates(NamedTuple):
    """What the head says of the A anchors of one map."""

    logits: Tensor
    """[N, A] of a thing being there."""
    deltas: Tensor
    """[N, A, 4]."""
    anchors: Tensor
    """[A, 4]."""


class ProposalHead(nn.Module):
    """
    Boxes that may hold a thing, the likeliest first.

    Parameters
    ----------
    channels
        Channels of the maps.
    anchor
        Side in input pixels of the square anchor on the finest map.
    most
        Most proposals of one map before suppression, and of all maps after it.

    """

    def __init__(self, channels: int, anchor: float, most: int) -> None:
        super().__init__()
        self.anchor, self.most = anchor, most
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)
        self.objectness = nn.Conv2d(channels, len(RATIOS), 1)
        self.deltas = nn.Conv2d(channels, 4 * len(RATIOS), 1)

    def forward(self, maps: Sequence[Tensor], size: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """
        Return boxes [N, P, 4] and which of them there are, bool [N, P]; the others are zeros.

        Parameters
        ----------
        maps
            Of strides 4, 8 and so on.
        size
            (height, width) of the input, which no box leaves.

        """
        return proposed(self.candidates(maps), size, self.most, self.most)

    def candidates(self, maps: Sequence[Tensor]) -> list[Candidates]:
        """Return what the head says of the anchors of each map."""
        found = []
        for number, features in enumerate(maps):
            hidden = F.relu(self.conv(features))
            logits = self.objectness(hidden).permute(0, 2, 3, 1).flatten(1)
            deltas = self.deltas(hidden).unflatten(1, (len(RATIOS), 4)).permute(0, 3, 4, 1, 2)
            cells = int(features.shape[2]), int(features.shape[3])
            places = anchors(cells, STRIDE << number, self.anchor * (1 << number))
            found.append(Candidates(logits, deltas.flatten(1, 3), places.to(features.device)))
        return found


def proposed(candidates: Sequence[Candidates], size: tuple[int, int], before: int, most: int
             ) -> tuple[Tensor, Tensor]:
    """
    Return boxes [N, P, 4] and which of them there are, bool [N, P]; the others are zeros.

    Parameters
    ----------
    candidates
        Those of each map.
    size
        (height, width) of the input, which no box leaves.
    before, most
        Most boxes of one map before suppression, and of all maps after it.

    """
    best = [_best(of_map, size, before) for of_map in candidates]
    rows = max(boxes.shape[1] for boxes, _ in best)
    boxes = torch.stack([F.pad(boxes, (0, 0, 0, rows - boxes.shape[1]))
                         for boxes, _ in best], 1)
    logits = torch.stack([F.pad(logits, (0, rows - logits.shape[1]), value=NOWHERE)
                          for _, logits in best], 1)
    there = logits > NOWHERE
    # a box suppresses those behind it on its map
    over = overlaps(boxes[:, :, :, None], boxes[:, :, None]) > MOST_OVERLAP
    rank = torch.arange(rows, device=boxes.device)
    over = over & there[:, :, :, None] & (rank[:, None] < rank)
    kept = suppress(over.to(boxes.dtype).flatten(0, 1)).view_as(logits) > 0.5
    logits = torch.where(kept & there, logits, NOWHERE).flatten(1)
    logits, order = logits.topk(min(most, logits.shape[1]))
    there = logits > NOWHERE
    return _picked(boxes.flatten(1, 2), order) * there[:, :, None], there


def _best(candidates: Candidates, size: tuple[int, int], most: int) -> tuple[Tensor, Tensor]:
    """Return the likeliest boxes of a map [N, K, 4], and their logits [N, K]."""
    logits, order = candidates.logits.topk(min(most, len(candidates.anchors)))
    boxes = clipped(moved(candidates.anchors[order], _picked(candidates.deltas, order), WEIGHTS),
                    size)
    sides = boxes[..., 2:] - boxes[..., :2]
    there = ((sides > 0).all(-1) & areas(boxes).isfinite() & (logits.abs() < -NOWHERE))
    return torch.where(there[..., None], boxes, 0), torch.where(there, logits, NOWHERE)


def _picked(values: Tensor, order: Tensor) -> Tensor:
    """Return the rows [N, K, 4] of values [N, M, 4] with the numbers int64 [N, K]."""
    return values.gather(1, order[:, :, None].expand(-1, -1, values.shape[2]))
