"""The names that detectron2 gives the entries of a Panoptic-FPN."""

from __future__ import annotations

import re
from functools import cache

import torch

from ....importing.detectron2_names import convolution, resnet
from ..config import FpnConfig
from ..model import PanopticFpn

_HEADS = [(re.compile(pattern), replacement) for pattern, replacement in (
    (r'semantic\.predictor\.', 'sem_seg_head.predictor.'),
    (r'proposals\.conv\.', 'proposal_generator.rpn_head.conv.'),
    (r'proposals\.objectness\.', 'proposal_generator.rpn_head.objectness_logits.'),
    (r'proposals\.deltas\.', 'proposal_generator.rpn_head.anchor_deltas.'),
    (r'boxes\.classes\.', 'roi_heads.box_predictor.cls_score.'),
    (r'boxes\.deltas\.', 'roi_heads.box_predictor.bbox_pred.'),
    (r'masks\.upsample\.', 'roi_heads.mask_head.deconv.'),
    (r'masks\.predictor\.', 'roi_heads.mask_head.predictor.'))]
_NUMBERED = [(re.compile(pattern), prefix, first) for pattern, prefix, first in (
    (r'pyramid\.(lateral|output)\.(\d)\.', r'backbone.fpn_\1', 2),
    (r'boxes\.(hidden)\.(\d)\.', 'roi_heads.box_head.fc', 1),
    (r'masks\.(convolutions)\.(\d)\.', 'roi_heads.mask_head.mask_fcn', 1))]


@cache
def blank(config: FpnConfig, classes: int) -> PanopticFpn:
    """Return a network without memory for its weights."""
    with torch.device('meta'):
        return PanopticFpn(config, classes)


def rename(config: FpnConfig, classes: int) -> dict[str, str]:
    """Return the source's name of each parameter and buffer, with our name."""
    return {_theirs(name): name for name in blank(config, classes).state_dict()}


def _theirs(name: str) -> str:
    if name.startswith('backbone.'):
        return f'backbone.bottom_up.{resnet(name.removeprefix("backbone."))}'
    for pattern, replacement in _HEADS:
        if pattern.match(name):
            return pattern.sub(replacement, name)
    for pattern, prefix, first in _NUMBERED:
        if match := pattern.match(name):
            number = int(match[2]) + first
            return f'{match.expand(prefix)}{number}.{name[match.end():]}'
    _, _, level, step, *rest = name.split('.')      # semantic.branches.2.1.0.weight
    return convolution(f'sem_seg_head.p{int(level) + 2}.{2 * int(step)}', rest)
