"""The head that classifies proposals and refines their boxes (Fast R-CNN, ICCV 2015)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from .boxes import Weights, clipped, moved
from .pooling import one_by_one, pool
from .suppression import pick

WEIGHTS: Weights = (10.0, 10.0, 5.0, 5.0)
SIDE = 7
"""Cells of a side of a proposal's features."""
LEAST_SCORE = 0.05
"""A detection is likelier than this."""
MOST_OVERLAP = 0.5
"""The largest intersection over union of two detections of one class."""


class Found(NamedTuple):
    """Detections, the likeliest first; rows past the last are zeros."""

    boxes: Tensor
    """[N, D, 4]."""
    scores: Tensor
    """[N, D]."""
    classes: Tensor
    """int64 [N, D]."""


class BoxHead(nn.Module):
    """
    Detections from proposals.

    Parameters
    ----------
    channels, hidden
        Channels of the maps, and values of both hidden layers.
    things
        T, the number of classes.
    most
        D, the most detections.

    """

    def __init__(self, channels: int, hidden: int, things: int, most: int) -> None:
        super().__init__()
        self.things, self.most = things, most
        self.hidden = nn.ModuleList((nn.Linear(channels * SIDE * SIDE, hidden),
                                     nn.Linear(hidden, hidden)))
        self.classes = nn.Linear(hidden, things + 1)
        self.deltas = nn.Linear(hidden, 4 * things)

    def judged(self, maps: Sequence[Tensor], boxes: Tensor, image: Tensor
               ) -> tuple[Tensor, Tensor]:
        """
        Return logits [R, T + 1] of the classes and of no thing, and deltas [R, T, 4].

        Parameters
        ----------
        maps
            Of strides 4 to 32.
        boxes, image
            [R, 4] in pixels of the input, and int64 [R], the image of each.

        """
        features = pool(maps, boxes, image, SIDE).flatten(1)
        for layer in self.hidden:
            features = F.relu(layer(features))
        return self.classes(features), self.deltas(features).view(-1, self.things, 4)

    def forward(self, maps: Sequence[Tensor], proposals: Tensor, there: Tensor,
                size: tuple[int, int]) -> Found:
        """
        Return the detections.

        Parameters
        ----------
        maps
            Of strides 4 to 32.
        proposals, there
            What ``ProposalHead`` returned.
        size
            (height, width) of the input.

        """
        rows = proposals.shape[1]
        logits, deltas = self.judged(maps, *one_by_one(proposals))
        scores = logits.softmax(-1)
        there = there.reshape(-1, 1) & scores.isfinite().all(1, keepdim=True) \
            & deltas.flatten(1).isfinite().all(1, keepdim=True)
        deltas = torch.where(there[:, :, None], deltas, 0).view(-1, rows, self.things, 4)
        boxes = clipped(moved(proposals[:, :, None], deltas, WEIGHTS), size)
        scores = scores[:, :-1]     # the last is that of no thing
        scores = torch.where(there & (scores > LEAST_SCORE), scores, 0)
        best = pick(scores.view(-1, rows, self.things), boxes, self.most, MOST_OVERLAP)
        known = best.scores > 0
        return Found(torch.where(known[:, :, None], best.boxes, 0), best.scores,
                     torch.where(known, best.classes, 0))
