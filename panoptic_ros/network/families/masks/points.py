"""The points of an image at which masks are compared, as in PointRend and Mask2Former."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from .targets import VOID

OVERSAMPLING = 3
"""How many times as many points are drawn as uncertain ones are chosen from."""
UNCERTAIN = 0.75
"""Share of the points that are chosen for their uncertainty."""
_OUTSIDE = 256


class Corners(NamedTuple):
    """The pixels around points, by which the ground truth is interpolated."""

    segment: Tensor
    """int64 [M, K, 4]: their segments."""
    share: Tensor
    """[M, K, 4]: their weights."""

    def inside(self, segment: Tensor) -> Tensor:
        """Return how far the points lie in a segment, int64 [M] or [M, 1]: [M, K] of 0 to 1."""
        return ((self.segment == segment.view(-1, 1, 1)) * self.share).sum(2)

    def known(self) -> Tensor:
        """Return how far the points do not lie in void, [M, K]."""
        return ((self.segment != VOID) * self.share).sum(2)

    def one_hot(self, count: int) -> Tensor:
        """Return how far the points lie in each of the first segments, [M, count, K]."""
        shape = (*self.segment.shape[:2], count + 1)
        table = torch.zeros(shape, dtype=self.share.dtype, device=self.share.device)
        table.scatter_add_(2, self.segment.clamp(max=count), self.share)
        return table[:, :, :count].transpose(1, 2)


def read_masks(masks: Tensor, points: Tensor) -> Tensor:
    """
    Interpolate masks at points.

    Parameters
    ----------
    masks
        [M, C, h, w].
    points
        [M, K, 2]: (x, y) from 0 to 1.

    Returns
    -------
    [M, C, K]; outside of the image everything is 0, as in the source.

    """
    return F.grid_sample(masks, 2 * points[:, :, None] - 1, align_corners=False)[..., 0]


def read_segments(segments: Tensor, image: Tensor, points: Tensor) -> Corners:
    """
    Return what interpolates the masks of the segments at points as ``read_masks`` would.

    Parameters
    ----------
    segments
        uint8 [N, H, W].
    image
        int64 [M]: the image of each row of points.
    points
        [M, K, 2]: (x, y) from 0 to 1.

    """
    height, width = segments.shape[1:]
    x, y = points[:, :, 0] * width - 0.5, points[:, :, 1] * height - 0.5
    left, top = x.floor(), y.floor()
    found, share = [], []
    flat = segments.flatten()
    for row, weight_y in ((top, 1 - (y - top)), (top + 1, y - top)):
        for column, weight_x in ((left, 1 - (x - left)), (left + 1, x - left)):
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            index = ((image[:, None] * height + row.long().clamp(0, height - 1)) * width
                     + column.long().clamp(0, width - 1))
            nearest = flat[index].long()
            found.append(torch.where(inside | (nearest == VOID), nearest, _OUTSIDE))
            share.append(weight_y * weight_x)
    return Corners(torch.stack(found, 2), torch.stack(share, 2))


@torch.no_grad()
def uncertain_points(logits: Tensor, count: int) -> Tensor:
    """
    Draw points, three in four where the mask's logit is near 0.

    Parameters
    ----------
    logits
        [M, 1, h, w].
    count
        K.

    Returns
    -------
    [M, K, 2]: (x, y) from 0 to 1.

    """
    masks = len(logits)
    drawn = torch.rand(masks, OVERSAMPLING * count, 2, device=logits.device)
    chosen = int(UNCERTAIN * count)
    index = (-read_masks(logits, drawn)[:, 0].abs()).topk(chosen, sorted=False).indices
    uncertain = drawn.gather(1, index[:, :, None].expand(-1, -1, 2))
    rest = torch.rand(masks, count - chosen, 2, device=logits.device)
    return torch.cat((uncertain, rest), 1)
