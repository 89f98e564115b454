"""Checkpoints as other projects write them, of networks with random weights."""

import io
import pickle
from dataclasses import replace

import torch

from panoptic_ros.network.backbones.config import StageConfig, StagedConfig
from panoptic_ros.network.families.deeplab.config import BranchConfig, NetworkConfig
from panoptic_ros.network.families.deeplab.importing.recognition import SOURCES, Layout
from panoptic_ros.network.families.deeplab.model import PanopticDeepLab
from panoptic_ros.network.families.deeplab.variants import PRESETS


def tiny(source: str) -> NetworkConfig:
    """Return a network of the source's kind that is small enough to be written in a test."""
    original = {'detectron2': 'r52-dsconv-detectron2', 'bowenc': 'r50-bowenc'}[source]
    stages = tuple(StageConfig('bottleneck', channels, 1, stride, expansion=4)
                   for channels, stride in ((16, 2), (32, 2), (48, 2), (64, 2)))
    config = PRESETS[original]
    low = (16,) * len(config.semantic.low_level)
    branch = BranchConfig(aspp=16, low_level=low, decoder=low, head=16)
    stem = (8, 8, 16) if source == 'detectron2' else (16,)
    window = (65, 129) if config.align_corners else (64, 128)
    return replace(config, name=f'tiny-{source}', backbone=StagedConfig(stem, stages),
                   semantic=branch, instance=branch, window=window)


def network(config: NetworkConfig, classes: int = 19, seed: int = 0) -> PanopticDeepLab:
    """Return a network with random weights and statistics, with which its ReLUs are alive."""
    torch.manual_seed(seed)
    result = PanopticDeepLab(config, classes).eval()
    for name, value in result.state_dict().items():
        if name.endswith('running_mean'):
            value.uniform_(-0.1, 0.1)
        elif name.endswith('running_var'):
            value.uniform_(0.5, 1.5)
    return result


def weights(source: str, network: PanopticDeepLab) -> dict[str, torch.Tensor]:
    """Return the network's state as the source calls it."""
    state = network.state_dict()
    return {theirs: state[ours] for theirs, ours in SOURCES[source](network.config).items()}


def weightless(source: str, config: NetworkConfig, classes: int) -> dict[str, torch.Tensor]:
    """Return entries of the right names and shapes, zeros that take no memory."""
    return {name: torch.zeros(()).expand(shape)
            for name, shape in Layout.of(source, config, classes).shapes.items()}


def pkl(entries: dict[str, torch.Tensor]) -> bytes:
    """Write detectron2's model zoo format."""
    arrays = {name: value.numpy() for name, value in entries.items()}
    return pickle.dumps({'model': arrays, '__author__': 'somebody',
                         'matching_heuristics': True})


def pth(data: object, legacy: bool = False) -> bytes:
    """Write what ``torch.save`` writes today, or wrote before PyTorch 1.6."""
    stream = io.BytesIO()
    torch.save(data, stream, _use_new_zipfile_serialization=not legacy)
    return stream.getvalue()
