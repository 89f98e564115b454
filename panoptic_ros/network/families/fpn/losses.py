"""The losses of Panoptic-FPN (Kirillov et al., CVPR 2019), as detectron2 has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from ...family import Gather
from . import box_head, proposals
from .boxes import between
from .config import STRIDE, FpnConfig
from .matching import POSITIVE, drawn, match_anchors, match_proposals
from .proposals import Candidates, proposed
from .reading import pieces, reads
from .targets import NO_CLASS, VOID
from .training import Heads, Training

POSITIVE_ANCHORS, POSITIVE_PROPOSALS = 0.5, 0.25
"""The largest share of what is looked at that has a thing."""
MASK_SAMPLES = 2
"""Most samples along a side of a cell of a mask."""


class Looked(NamedTuple):
    """The K proposals of all images that a training looks at, those with a thing first."""

    boxes: Tensor
    """[K, 4]."""
    image: Tensor
    """int64 [K]."""
    thing: Tensor
    """int64 [K]: the row of its thing in the targets of its image."""
    positive: Tensor
    """bool [K]."""


@dataclass(frozen=True)
class LossOptions:
    """
    How many boxes are looked at, and how the losses are weighed; the source's values by default.

    Raises
    ------
    ValueError
        A value is out of range.

    """

    anchors: int = 256
    """Anchors of an image that are looked at."""
    proposals: int = 512
    """Proposals of an image that are looked at."""
    semantic: float = 0.5
    """Weight of the cross-entropy of things and the classes of stuff."""

    def __post_init__(self) -> None:
        if min(self.anchors, self.proposals) < 4:
            raise ValueError(f'anchors is {self.anchors} and proposals {self.proposals}: expected '
                             'at least 4')
        if self.semantic < 0:
            raise ValueError(f'semantic is {self.semantic}: expected no negative weight')

    def losses(self, config: FpnConfig, outputs: Training, batch: Mapping[str, Tensor],
               progress: float, gather: Gather) -> dict[str, Tensor]:
        """Compare anchors, proposals, masks and pixels with the things and the stuff."""
        candidates = [Candidates(of_map.logits.float(), of_map.deltas.float(), of_map.anchors)
                      for of_map in outputs.candidates]
        looked = look(candidates, outputs.size, batch, config.proposals, self.proposals)
        sums = (*anchor_sums(candidates, batch, self.anchors),
                *proposal_sums(outputs.heads, looked, batch),
                *mask_sums(outputs.heads, looked, batch, config.mask_side),
                *semantic_sums(outputs.semantic.float(), batch['semantic']))
        # The losses of a batch are those of all processes that share it.
        (objectness, anchors, anchor_count, classes, boxes, proposal_count, masks, cells, semantic,
         pixels) = gather(torch.stack(sums)[None]).sum(0)
        found = {'objectness': objectness / anchor_count, 'anchors': anchors / anchor_count,
                 'classes': classes / proposal_count.clamp(min=1),
                 'boxes': boxes / proposal_count.clamp(min=1), 'masks': masks / cells.clamp(min=1),
                 'semantic': self.semantic * semantic / pixels.clamp(min=1)}
        return {'total': torch.stack(list(found.values())).sum(), **found}


def anchor_sums(candidates: list[Candidates], batch: Mapping[str, Tensor], count: int
                ) -> tuple[Tensor, Tensor, Tensor]:
    """
    Return the sums of the cross-entropy and of the L1 distance of deltas over drawn anchors.

    Parameters
    ----------
    candidates
        Those of each map.
    batch
        The targets; see ``TargetOptions.make``.
    count
        How many anchors of an image are drawn.

    Returns
    -------
    Both sums, and the number of anchors that there would be if all images had enough.

    """
    logits = torch.cat([of_map.logits for of_map in candidates], 1)
    deltas = torch.cat([of_map.deltas for of_map in candidates], 1)
    anchors = torch.cat([of_map.anchors for of_map in candidates])
    wrong, far = logits.new_zeros(()), logits.new_zeros(())
    for image, things in enumerate(_things(batch)):
        matches = match_anchors(anchors, things)
        positive, negative = drawn(matches.kind, count, POSITIVE_ANCHORS)
        wrong = wrong + F.softplus(-logits[image, positive]).sum() \
            + F.softplus(logits[image, negative]).sum()
        wanted = between(anchors[positive], things[matches.thing[positive]], proposals.WEIGHTS) \
            if len(positive) else anchors[positive]
        far = far + (deltas[image, positive] - wanted).abs().sum()
    return wrong, far, logits.new_tensor(float(count * len(logits)))


@torch.no_grad()
def look(candidates: list[Candidates], size: tuple[int, int], batch: Mapping[str, Tensor],
         most: int, count: int) -> Looked:
    """
    Draw the proposals to look at, among which the boxes of the things themselves are.

    Parameters
    ----------
    candidates, size
        What the proposals' head says, and (height, width) of the input.
    batch
        The targets; see ``TargetOptions.make``.
    most
        Most proposals of an image; twice as many of each map before suppression.
    count
        How many of an image are drawn.

    """
    found = []
    for image, things in enumerate(_things(batch)):
        own = [Candidates(of_map.logits[image:image + 1], of_map.deltas[image:image + 1],
                          of_map.anchors) for of_map in candidates]
        boxes, there = proposed(own, size, 2 * most, most)
        boxes = torch.cat((boxes[there], things))
        kind, thing = match_proposals(boxes, things)
        rows = torch.cat(drawn(kind, count, POSITIVE_PROPOSALS))
        found.append(Looked(boxes[rows], torch.full_like(rows, image), thing[rows],
                            kind[rows] == POSITIVE))
    looked = [torch.cat(values) for values in zip(*found, strict=True)]
    order = torch.argsort((~looked[3]).long(), stable=True)
    return Looked(*(values[order] for values in looked))


def proposal_sums(heads: Heads, looked: Looked, batch: Mapping[str, Tensor]
                  ) -> tuple[Tensor, Tensor, Tensor]:
    """Return the sums of cross-entropy and of the L1 distance of deltas, and the proposals."""
    logits, deltas = heads.judged(looked.boxes, looked.image)
    nothing = logits.shape[1] - 1
    classes = batch['classes'][looked.image, looked.thing]
    wrong = F.cross_entropy(logits, torch.where(looked.positive, classes, nothing),
                            reduction='sum')
    own = looked.positive.nonzero()[:, 0]
    wanted = between(looked.boxes[own], batch['boxes'][looked.image[own], looked.thing[own]],
                     box_head.WEIGHTS)
    far = (deltas[own, classes[own]] - wanted).abs().sum()
    return wrong, far, logits.new_tensor(float(len(logits)))


def mask_sums(heads: Heads, looked: Looked, batch: Mapping[str, Tensor], side: int
              ) -> tuple[Tensor, Tensor]:
    """Return the sum of the cross-entropy over the cells of proposals with a thing, and those."""
    own = looked.positive.nonzero()[:, 0]
    boxes, image, thing = looked.boxes[own], looked.image[own], looked.thing[own]
    logits = heads.drawn(boxes, image, batch['classes'][image, thing])
    truth = masks_in(batch['things'], boxes, image, thing, side)
    wrong = F.binary_cross_entropy_with_logits(logits, truth.to(logits), reduction='sum')
    return wrong, logits.new_tensor(float(logits.numel()))


def masks_in(things: Tensor, boxes: Tensor, image: Tensor, thing: Tensor, side: int) -> Tensor:
    """
    Return the masks of things in boxes, bool [R, side, side].

    A cell is of the thing if half of what RoIAlign reads of its mask is.  The source reads all
    pixels of large cells, and here it is four samples of each.

    Parameters
    ----------
    things
        uint8 [N, H, W]; see ``TargetOptions.make``.
    boxes, image, thing
        [R, 4], and int64 [R], the image of each and the number of its thing.
    side
        Cells of a side of the masks.

    """
    line, size = things.flatten(), (int(things.shape[1]), int(things.shape[2]))
    found = [boxes.new_zeros((0, 1))]
    for part, own, number in pieces(boxes - 0.5, image, thing):
        read = reads(part, own, size, side, MASK_SAMPLES)
        if not len(read.first):
            continue
        cell = torch.arange(len(read.first), device=line.device).repeat_interleave(
            torch.diff(read.first, append=read.first.new_tensor([len(read.cell)])))
        inside = line[read.cell] == number[cell // side ** 2]
        found.append(F.embedding_bag(
            torch.arange(len(inside), device=line.device), (read.weight * inside)[:, None],
            read.first, mode='sum'))
    return torch.cat(found).view(-1, side, side) >= 0.5


def semantic_sums(logits: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sum of the cross-entropy over the pixels that are labelled, and their number."""
    logits = F.interpolate(logits, scale_factor=float(STRIDE), mode='bilinear',
                           align_corners=False)
    wrong = F.cross_entropy(logits, truth.long(), ignore_index=VOID, reduction='sum')
    return wrong, (truth != VOID).sum().to(logits)


def _things(batch: Mapping[str, Tensor]) -> list[Tensor]:
    """Return the boxes of the things of each image."""
    return [boxes[classes != NO_CLASS] for boxes, classes in
            zip(batch['boxes'], batch['classes'], strict=True)]
