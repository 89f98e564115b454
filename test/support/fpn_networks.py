"""Small Panoptic-FPNs, their weights and images by recipe, and files as detectron2 writes them."""

import numpy as np
import torch
from recorded_network import fill

from panoptic_ros.labels import LabelSpace
from panoptic_ros.network.backbones.config import BackboneConfig, StageConfig, StagedConfig
from panoptic_ros.network.families.fpn.config import FpnConfig
from panoptic_ros.network.families.fpn.importing.keys import rename
from panoptic_ros.network.families.fpn.model import PanopticFpn
from panoptic_ros.network.importing.comparison import COUNTER

SPACE = LabelSpace.load('cityscapes')
THINGS = 8
SMALL = FpnConfig('fpn-r50-like', BackboneConfig('resnet50-msra', 32), THINGS, channels=32,
                  semantic=64, hidden=64)
"""The published network with small heads, of which detectron2's outputs are recorded."""
TINY = FpnConfig('tiny', StagedConfig((8,), tuple(
    StageConfig('bottleneck-msra', channels, 1, expansion=4) for channels in (8, 16, 16, 16))),
    THINGS, channels=16, semantic=16, groups=4, hidden=32, anchor=16, proposals=50, detections=10,
    mask_side=8)
"""A network of a few thousand weights."""
SIZE = (128, 192)

_SCALES = {
    'backbone.stem.0.0.weight': 1 / 40, 'proposals.conv.weight': 3,
    'proposals.objectness.weight': 4, 'proposals.deltas.weight': 0.1, 'boxes.hidden.0.weight': 5,
    'boxes.hidden.1.weight': 4, 'boxes.classes.weight': 1.2, 'boxes.deltas.weight': 0.6,
    'masks.convolutions.0.weight': 3, 'masks.convolutions.1.weight': 2,
    'masks.convolutions.2.weight': 2, 'masks.convolutions.3.weight': 2,
    'masks.predictor.weight': 10, 'semantic.predictor.weight': 6}
"""Factors with which scores spread, boxes overlap, and masks are no rectangles."""
_CENTERED = ('boxes.classes.weight', 'masks.predictor.weight', 'semantic.predictor.weight',
             'proposals.objectness.weight')
"""Weights whose sum is 0 for each class, so that what all places share decides little."""

_BIAS = {SMALL.name: (0.4, -1.6, 1.9, -7.1, 2.8, -0.7, -0.9, 1.2, 2.7),
         TINY.name: (0.5, 0.1, 1.5, -1.6, 1.2, 0.4, 1.8, -0.9, -0.3)}
"""What is added to that of the classes, so that all of them occur."""


def filled(config=SMALL, scales=_SCALES):
    """Return a network with weights by recipe."""
    network = fill(PanopticFpn(config, len(SPACE)))
    state = network.state_dict()
    for name, factor in scales.items():
        state[name].mul_(factor)
    for name in _CENTERED:
        state[name].sub_(state[name].mean(1, keepdim=True))
    state['boxes.classes.bias'].add_(torch.tensor(_BIAS[config.name]))
    return network


def image_of(size=SIZE, seed=3):
    """Return an image of noisy squares, uint8 (H, W, 3)."""
    random = np.random.RandomState(seed)
    squares = random.randint(0, 256, (size[0] // 16, size[1] // 16, 3))
    noise = random.randint(-40, 40, (*size, 3))
    return np.clip(np.kron(squares, np.ones((16, 16, 1), int)) + noise, 0, 255).astype(np.uint8)


def source_weights(network):
    """Return the network's state as detectron2 calls it; it counts no steps of batch norms."""
    state = network.state_dict()
    return {theirs: state[ours] for theirs, ours
            in rename(network.config, network.classes).items() if not theirs.endswith(COUNTER)}
