"""Non-maximum suppression, exact and of a fixed size, for PyTorch and for ONNX."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from .boxes import overlaps
from .onnx_functions import DOMAIN


class Picked(NamedTuple):
    """Boxes, the best first; rows past the last have the score 0, and else mean nothing."""

    scores: Tensor
    """[N, D]."""
    classes: Tensor
    """int64 [N, D]."""
    boxes: Tensor
    """[N, D, 4]."""


def suppress(suppressing: Tensor) -> Tensor:
    """
    Return which of some boxes, the best first, no better box that is kept suppresses.

    A box is kept if none of its suppressors is.  That is applied to all boxes at once until
    nothing changes.  After n rounds the first n boxes are settled, because their suppressors
    come before them.  So it ends, and what it ends with is what one box after the other gives
    (Cluster-NMS, arXiv 2005.03572).

    Parameters
    ----------
    suppressing
        float [B, K, K]; 1 at [b, j, i] if box j comes before box i and would suppress it, else 0.

    Returns
    -------
    float [B, K]; 1 for boxes that are kept, else 0.

    """
    kept: Tensor = _Suppress.apply(suppressing)
    return kept


def pick(scores: Tensor, boxes: Tensor, count: int, threshold: float) -> Picked:
    """
    Pick the best boxes one after the other; each suppresses those of its class that it overlaps.

    That is suppression class by class, and the best of all classes of what is left, because a box
    is suppressed by better ones only.  No candidate is left out before, so there is no limit to
    how many there may be.

    Parameters
    ----------
    scores
        [N, P, C]; 0 for boxes that are no candidates.
    boxes
        [N, P, C, 4].
    count
        D, the number of rows of the result.
    threshold
        The largest intersection over union that two boxes of a class may have.

    """
    return Picked(*_Pick.apply(scores, boxes, count, threshold))


def only_shapes(tensor: Tensor) -> bool:
    """Return whether values do not matter: there are none, or an operator's symbol is exported."""
    return tensor.is_meta or torch.onnx.is_in_onnx_export()


class _Suppress(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, suppressing: Tensor) -> Tensor:
        kept = torch.ones_like(suppressing[:, 0])
        if only_shapes(kept):
            return kept
        while True:
            before = kept
            kept = ((before[:, None] @ suppressing)[:, 0] < 0.5).to(kept)
            if torch.equal(kept, before):
                return kept

    @staticmethod
    def symbolic(g: Any, suppressing: Any) -> Any:
        kept = g.op(f'{DOMAIN}::Suppress', suppressing)
        kept.setType(suppressing.type().with_sizes([None, None]))
        return kept


class _Pick(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, scores: Tensor, boxes: Tensor, count: int, threshold: float
                ) -> tuple[Tensor, Tensor, Tensor]:
        images, _, classes = scores.shape
        if only_shapes(scores):
            rows = scores.new_zeros(images, count)
            return rows, rows.long(), scores.new_zeros(images, count, 4)
        left, flat = scores.clone(), boxes.flatten(1, 2)
        place = torch.arange(classes, device=scores.device)
        row = torch.arange(images, device=scores.device)
        found: tuple[list[Tensor], ...] = ([], [], [])
        for _ in range(count):
            score, at = left.flatten(1).max(1)
            own = at % classes
            box = flat[row, at]
            for values, value in zip(found, (score, own, box), strict=True):
                values.append(value)
            gone = overlaps(boxes[row, :, own], box[:, None]) > threshold
            left = torch.where(gone[:, :, None] & (place == own[:, None, None]), 0, left)
            left.flatten(1)[row, at] = 0        # a box without area does not overlap itself
        score, own, box = (torch.stack(values, 1) for values in found)
        return score, own, box

    @staticmethod
    def symbolic(g: Any, scores: Any, boxes: Any, count: int, threshold: float) -> Any:
        numbers = (g.op('Constant', value_t=torch.tensor(value)) for value in (count, threshold))
        score, own, box = g.op(f'{DOMAIN}::Pick', scores, boxes, *numbers, outputs=3)
        rows = scores.type().with_sizes([None, count])
        score.setType(rows)
        own.setType(rows.with_dtype(torch.int64))
        box.setType(scores.type().with_sizes([None, count, 4]))
        return score, own, box
