"""Which query is to find which segment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import torch
from torch import Tensor
from torch.nn import functional as F

from ....libraries import needed
from .optional import INSTALL
from .points import read_masks, read_segments
from .prediction import Prediction
from .targets import NO_CLASS


class Matches(NamedTuple):
    """Pairs of a query and a segment, int64 [M] each."""

    image: Tensor
    query: Tensor
    segment: Tensor


class Costs(NamedTuple):
    """The weights of what a pair costs."""

    classes: float
    mask: float
    dice: float


def load_assignment() -> Callable[[Any], tuple[Any, Any]]:
    """
    Return SciPy's solver of the assignment problem.

    Raises
    ------
    LibraryError
        SciPy is not installed, or it cannot be imported.

    """
    with needed('training a network of the family masks', 'scipy', INSTALL, 'SciPy'):
        from scipy.optimize import linear_sum_assignment
    return cast('Callable[[Any], tuple[Any, Any]]', linear_sum_assignment)


@torch.no_grad()
def match(prediction: Prediction, features: Tensor, segments: Tensor, class_of: Tensor,
          costs: Costs, points: int) -> Matches:
    """
    Assign a query to each segment, so that all pairs together cost the least (DETR, ECCV 2020).

    Parameters
    ----------
    prediction, features
        What the queries say, and [N, mask_channels, h, w].
    segments
        uint8 [N, H, W]; see ``TargetOptions.make``.
    class_of
        int64 [N, S].
    costs
        The weights of 1 - probability of the class, binary cross-entropy, and dice.
    points
        Number of random points at which the masks of an image are compared.

    """
    linear_sum_assignment = load_assignment()
    classes, count, device = prediction.classes, len(features), features.device
    at = torch.rand(count, points, 2, device=device)
    cells = at.flip(2) * at.new_tensor(features.shape[2:]) - 0.5
    logits = prediction.at(read_masks(features, at), cells)
    corners = read_segments(segments, torch.arange(count, device=device), at)
    most = int((class_of != NO_CLASS).sum(1).max())
    truth, known = corners.one_hot(most), corners.known()[:, None]
    area = known.sum(2, keepdim=True).clamp(min=1)
    # softplus(x) - x y is the cross-entropy of a logit x and a truth y.
    cross_entropy = ((F.softplus(logits) * known).sum(2, keepdim=True)
                     - logits @ truth.transpose(1, 2)) / area
    probability = logits.sigmoid() * known
    common = probability @ truth.transpose(1, 2)
    sizes = probability.sum(2)[:, :, None] + truth.sum(2)[:, None]
    dice = 1 - (2 * common + 1) / (sizes + 1)
    index = class_of[:, None, :most].clamp(min=0).expand(-1, classes.shape[1], -1)
    cost = (costs.mask * cross_entropy + costs.dice * dice
            - costs.classes * classes.softmax(2).gather(2, index))
    cost = cost.nan_to_num(nan=1e6, posinf=1e6, neginf=1e6).cpu()
    pairs = []
    for number in range(count):
        present = int((class_of[number] != NO_CLASS).sum())
        query, segment = linear_sum_assignment(cost[number, :, :present].numpy())
        pairs.append(torch.stack((torch.full((len(query),), number), torch.from_numpy(query),
                                  torch.from_numpy(segment))))
    image, query, segment = torch.cat(pairs, 1).to(device)
    return Matches(image, query, segment)
