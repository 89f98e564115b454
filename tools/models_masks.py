"""The part of docs/models.md that lists the networks of the family masks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import torch
from models_measuring import Subject

from panoptic_ros.labels import LabelSpace
from panoptic_ros.network import families
from panoptic_ros.network.families.masks.config import MasksConfig
from panoptic_ros.network.families.masks.recipes import NETWORKS
from panoptic_ros.network.families.masks.variants import PRESETS, PUBLISHED
from panoptic_ros.streets import Drive

NAMES = (*NETWORKS, *PRESETS)

INTRODUCTION = """\
## Networks that predict masks

`mask2former-...` and `eomt-...` are the networks of Mask2Former and EoMT, by way of
`transformers`; `import_checkpoint` reads their published checkpoints. `masks-mobile` is a small
network of this package, to be trained here (`train --network masks-mobile`). The columns are those
above, for an image of the input's size, except for these:

- **PQ**: published for COCO and Cityscapes val.
- **G**: for the input of this table.
- **s**: seconds of processor time of the export, with its comparison.
- **fp16**: `masks-mobile` has no figure. Its queries begin at the peaks of a heatmap, the highest
  first. With random weights the heatmap is noise, and any rounding changes the order.
  [masks-mobile.md](masks-mobile.md) says what fp16 and int8 cost it when it is trained.
- **int8**: the number of convolutions that int8 quantises. All else is fp16 then, above all the
  attention, whose products of matrices are not quantised. A network without such convolutions,
  such as EoMT, is refused with the advice to take fp16.
- **CPU**: milliseconds of processor time of ONNX Runtime on one thread; two idle cores need about
  half of it.

These networks have thresholds inside: a query attends where its mask is likelier than not. So
rounding may turn a cell over, and the outputs of that image then differ by more, for no fault of
the graph: by 5e-03 in a case of `mask2former-r50`. **export** is therefore the smaller difference
of two random images. When it exceeds the tolerance, two others are tried, up to three times. A
wrong graph is wrong for all.

A plan takes minutes to build. So only the smallest network of each kind has one here. The others
are larger networks of the same kinds, or have Swin as their backbone, and the tests build the plan
of a small one with Swin.
"""
BUILT = (*NETWORKS, 'mask2former-r50', 'eomt-s')
"""The networks whose plans are built."""
COLUMNS = ('PQ', 'M', 'G', 'input', 'ONNX MB', 'export', 's', 'fp16', 'int8', 'CPU ms', 'plan MB',
           'built in s')


def subject(name: str) -> Subject:
    """Return a network as it is measured."""
    config: Any = {**NETWORKS, **PRESETS}[name]
    square = isinstance(config, MasksConfig) and config.model == 'eomt'
    size = (640, 640) if square else (512, 1024)
    labels = LabelSpace.load('coco' if square else 'cityscapes')
    return Subject(config, labels, random_weights(config, len(labels)),
                   Drive(seed=0, size=size).frame(0.0)[0], size, 1, time.process_time,
                   halved=name not in NETWORKS, half_tolerance=0.03,
                   built=name in BUILT)


def cells(name: str, figures: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the figures of a network, by column."""
    published = PUBLISHED.get(name)
    pq = ' / '.join(str(value) for value in (published.coco, published.cityscapes) if value
                    ) + f' {published.source}' if published else ''
    known = f' / {published.parameters}' if published and published.parameters else ''
    height, width = figures['size']
    return (pq, f'{figures["parameters"] / 1e6:.2f}{known}',
            f'{figures["multiply_adds"] / 1e9:.1f}', f'{height}x{width}',
            f'{figures["onnx_bytes"] / 1e6:.1f}', f'{figures["difference"]:.0e}',
            f'{figures["export_seconds"]:.0f}',
            '' if figures['fp16_difference'] is None else f'{figures["fp16_difference"]:.2%}',
            str(figures['convolutions'] or ''), f'{figures["cpu_ms"]:.0f}',
            *(('', '') if figures['plan_bytes'] is None else
              (f'{figures["plan_bytes"] / 1e6:.1f}', f'{figures["build_seconds"]:.0f}')))


def random_weights(config: Any, classes: int) -> dict[str, torch.Tensor]:
    """Return random weights; norms keep the scale of what they get, and no query is masked."""
    network = families.find('masks').network(config, classes)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            torch.nn.init.ones_(module.weight)
    weights = network.state_dict()
    if 'model.attn_mask_probs' in weights:
        weights['model.attn_mask_probs'].zero_()
    return weights
