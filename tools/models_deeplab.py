"""The part of docs/models.md that lists the networks of the family deeplab."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import torch
from models_measuring import HALF_TOLERANCE, RUNS, TARGET, TOLERANCE, Subject

from panoptic_ros.labels import LabelSpace
from panoptic_ros.network.families.deeplab.config import NetworkConfig
from panoptic_ros.network.families.deeplab.model import PanopticDeepLab
from panoptic_ros.network.families.deeplab.variants import PRESETS, PUBLISHED, preset
from panoptic_ros.streets import Drive

NAMES = tuple(PRESETS)
SIZE = (512, 1024)
THREADS = 2

INTRODUCTION = f"""\
Networks whose names end in `-detectron2` or `-bowenc` are exactly those public networks:
`import_checkpoint` reads their checkpoints, and their heads agree with the public code. The others
are built as the paper or deeplab2 describe, with this package's conventions, to be trained here
(`train --network NAME`). `mobile` is the network of `streets.onnx`.

- **PQ**: the figure that was published for Cityscapes val at one scale, and its source. It was not
  measured with this package.
- **M**, **G**: millions of parameters, billions of multiply-adds at 1024x2048 (1025x2049
  where corners are aligned, or where that was published).
- **export**: the largest difference of ONNX Runtime from PyTorch, as a share of a head's largest
  value; at most {TOLERANCE:.0e}.
- **fp16**: the mean difference of the worst head when the file is converted to half precision, as
  a share of the head's mean; at most {HALF_TOLERANCE:.0%}.
- **CPU**: time of ONNX Runtime for one image of {SIZE[0]}x{SIZE[1]} (one more where
  corners are aligned), {THREADS} threads of a shared machine, median of {RUNS}.
  The machine was busy: **G** compares networks better.
- **plan**: size of the plan of TensorRT-RTX in fp16 for {TARGET}, built without a GPU, and time
  of the build.

A figure behind a slash is the published one. The weights are random. So the differences say what
conversions do to the arithmetic of a network, not what they cost a trained network in quality.
"""
COLUMNS = ('PQ', 'M', 'G', 'ONNX MB', 'export', 'fp16', 'CPU ms', 'plan MB', 'built in s')


def subject(name: str) -> Subject:
    """Return a network as it is measured."""
    config = preset(name)
    more = int(config.align_corners)
    size = SIZE[0] + more, SIZE[1] + more
    image = cv2.resize(Drive(seed=0, size=SIZE).frame(0.0)[0], size[::-1])
    published = PUBLISHED.get(name)
    odd = int(config.align_corners or bool(published and published.multiply_adds))
    return Subject(config, LabelSpace.load('cityscapes'), random_weights(config, image), image,
                   (1024 + odd, 2048 + odd), THREADS, time.perf_counter)


def cells(name: str, figures: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the figures of a network, by column."""
    published = PUBLISHED.get(name)
    return (f'{published.pq} {published.source}' if published else '',
            beside(figures['parameters'] / 1e6, published, 'parameters'),
            beside(figures['multiply_adds'] / 1e9, published, 'multiply_adds'),
            f'{figures["onnx_bytes"] / 1e6:.1f}', f'{figures["difference"]:.0e}',
            f'{figures["fp16_difference"]:.2%}', f'{figures["cpu_ms"]:.0f}',
            f'{figures["plan_bytes"] / 1e6:.1f}', f'{figures["build_seconds"]:.1f}')


def random_weights(config: NetworkConfig, image: np.ndarray) -> dict[str, torch.Tensor]:
    """
    Return random weights, with batch statistics of an image.

    Batch norms have a bias with which most ReLUs are open.  A deep random network without it cuts
    off values at every layer, and amplifies the rounding of its weights a hundredfold.  A trained
    network does not.
    """
    network = PanopticDeepLab(config, 19)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = 1.0
            torch.nn.init.ones_(module.bias)
        elif isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    with torch.no_grad():
        network.train()(torch.from_numpy(np.stack([image, image[:, ::-1]])))
    return network.state_dict()


def beside(value: float, published: Any, name: str) -> str:
    """Return a figure, and behind a slash the published one."""
    known = getattr(published, name, None)
    return f'{value:.2f}' + ('' if known is None else f' / {known:.2f}')
