"""The losses of Mask2Former (Cheng et al., CVPR 2022), and that of the proposals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from ...family import Gather
from .matching import Costs, Matches, match
from .mobile import Training
from .mobile_config import MobileConfig
from .points import read_masks, read_segments, uncertain_points
from .prediction import Prediction


@dataclass(frozen=True)
class LossOptions:
    """
    How the losses are weighed; the source's values by default.

    Raises
    ------
    ValueError
        A value is out of range.

    """

    points: int = 12544
    """Points at which a mask is compared with its segment."""
    matching_points: int = 12544
    """Points at which each mask is compared with each segment, to match them."""
    classes: float = 2.0
    """Weight of the cross-entropy of the classes."""
    mask: float = 5.0
    """Weight of the binary cross-entropy of the masks."""
    dice: float = 5.0
    """Weight of the dice loss of the masks."""
    no_object: float = 0.1
    """Weight of a query without a segment in the cross-entropy of the classes."""
    center: float = 1.0
    """Weight of the loss of the heatmap of the centres."""

    def __post_init__(self) -> None:
        if min(self.points, self.matching_points) < 4:
            raise ValueError(f'points is {self.points} and matching_points '
                             f'{self.matching_points}: expected at least 4')
        if min(self.classes, self.mask, self.dice, self.no_object, self.center) < 0:
            raise ValueError(f'{self}: expected no negative weights')

    def losses(self, config: MobileConfig, outputs: Training, batch: Mapping[str, Tensor],
               progress: float, gather: Gather) -> dict[str, Tensor]:
        """Compare what the queries say before each layer and after the last with the segments."""
        features = outputs.features.float()
        parts = torch.stack([
            query_losses(Prediction(*(value.float() for value in prediction)), features,
                         batch['segments'], batch['classes'], self, gather)
            for prediction in outputs.predictions]).sum(0)
        center = self.center * center_loss(outputs.heatmap.float(), batch['centers'],
                                           batch['known'], gather)
        return {'total': parts.sum() + center, 'classes': parts[0], 'mask': parts[1],
                'dice': parts[2], 'center': center}


def _alone(values: Tensor) -> Tensor:
    return values


def query_losses(prediction: Prediction, features: Tensor, segments: Tensor, class_of: Tensor,
                 options: LossOptions, gather: Gather = _alone) -> Tensor:
    """
    Match queries and segments, and compare them.

    Parameters
    ----------
    prediction, features
        What the queries say, and [N, mask_channels, h, w].
    segments, class_of
        The targets; see ``TargetOptions.make``.  Void pixels count neither in the matching nor in
        the losses; without them the losses are the source's.
    options
        Their weights.
    gather
        Joins the values of the processes that share the batch.

    Returns
    -------
    [3]: the weighted losses of the classes, of the masks' cross-entropy and of their dice.

    """
    classes = prediction.classes
    pairs = match(prediction, features, segments, class_of,
                  Costs(options.classes, options.mask, options.dice), options.matching_points)
    wanted = classes.new_full(classes.shape[:2], classes.shape[2] - 1, dtype=torch.int64)
    wanted[pairs.image, pairs.query] = class_of[pairs.image, pairs.segment]
    weight = classes.new_ones(classes.shape[2])
    weight[-1] = options.no_object
    wrong = F.cross_entropy(classes.flatten(0, 1), wanted.flatten(), weight, reduction='sum')

    found = _matched_masks(prediction, features, pairs)[:, None]
    points = uncertain_points(found, options.points)
    logits = read_masks(found, points)[:, 0]
    corners = read_segments(segments, pairs.image, points)
    truth, known = corners.inside(pairs.segment), corners.known()
    cross_entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction='none')
    cross_entropy = (cross_entropy * known).sum(1) / known.sum(1).clamp(min=1)
    probability = logits.sigmoid() * known
    common, sizes = (probability * truth).sum(1), probability.sum(1) + truth.sum(1)
    dice = 1 - (2 * common + 1) / (sizes + 1)

    sums = gather(torch.stack((wrong, weight[wanted].sum(), cross_entropy.sum(), dice.sum(),
                               wrong.new_tensor(float(len(found)))))[None]).sum(0)
    count = sums[4].clamp(min=1)
    return torch.stack((options.classes * sums[0] / sums[1], options.mask * sums[2] / count,
                        options.dice * sums[3] / count))


def _matched_masks(prediction: Prediction, features: Tensor, pairs: Matches) -> Tensor:
    """Return the masks of the matched queries alone, [M, h, w]; gradients cost time."""
    counts = pairs.image.bincount(minlength=len(features))
    rank = torch.arange(len(pairs.image), device=counts.device) - (
        counts.cumsum(0) - counts)[pairs.image]
    table = counts.new_zeros((len(features), max(1, int(counts.max()))))
    table[pairs.image, rank] = pairs.query
    return prediction.pick(table).masks(features)[pairs.image, rank]


def center_loss(heatmap: Tensor, target: Tensor, known: Tensor,
                gather: Gather = _alone) -> Tensor:
    """
    Return the focal loss of CenterNet (Zhou et al., 2019), per thing.

    Parameters
    ----------
    heatmap
        [N, 1, h, w] logits.
    target
        [N, 1, h, w], 1 in the cells of centres and less around them.
    known
        bool [N, 1, h, w]: cells that count; those of centres always do.
    gather
        Joins the values of the processes that share the batch.

    """
    probability = heatmap.sigmoid()
    is_center = target == 1
    of_center = (1 - probability).square() * F.softplus(-heatmap)
    of_other = (1 - target) ** 4 * probability.square() * F.softplus(heatmap)
    cost = torch.where(is_center, of_center, of_other * known)
    sums = gather(torch.stack((cost.sum(), is_center.sum().to(cost.dtype)))[None]).sum(0)
    return sums[0] / sums[1].clamp(min=1)
