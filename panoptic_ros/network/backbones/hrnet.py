"""HRNet-W48 (Wang et al., TPAMI 2020)."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from .config import StageConfig
from .layers import ConvNorm, ResidualBlock

CHANNELS = (48, 96, 192, 384)
"""Channels of the branches, which have the strides 4, 8, 16 and 32."""
MODULES = (1, 4, 3)
"""Number of modules of the stages with two, three and four branches."""
DEPTH = 4
"""Number of blocks of a branch in a module, and of the first stage."""


def _blocks(kind: str, inputs: int, outputs: int) -> nn.Sequential:
    stage = StageConfig(kind, outputs, DEPTH, stride=1, expansion=4 if kind == 'bottleneck' else 1)
    return nn.Sequential(*(ResidualBlock(stage, outputs if number else inputs, 1, 1)
                           for number in range(DEPTH)))


class Exchange(nn.Module):
    """One module of a stage: each branch by itself, then each fused from all of them."""

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(_blocks('basic', width, width) for width in channels)
        self.fuse = nn.ModuleList(
            nn.ModuleList(self._path(channels, source, target) for source in range(len(channels)))
            for target in range(len(channels)))

    @staticmethod
    def _path(channels: Sequence[int], source: int, target: int) -> nn.Module:
        """Return the layers that bring one branch's map to another's channels and stride."""
        inputs, outputs = channels[source], channels[target]
        if source == target:
            return nn.Identity()
        if source > target:
            return ConvNorm(inputs, outputs, activation=None)
        steps = [ConvNorm(inputs, inputs, 3, 2) for _ in range(target - source - 1)]
        return nn.Sequential(*steps, ConvNorm(inputs, outputs, 3, 2, activation=None))

    def forward(self, maps: list[Tensor]) -> list[Tensor]:
        """Return the fused maps, of the same shapes."""
        maps = [branch(features) for branch, features in zip(self.branches, maps, strict=True)]
        fused = []
        for target, paths in enumerate(self.fuse):
            assert isinstance(paths, nn.ModuleList)
            size = maps[target].shape[2:]
            total = None
            for source, path in enumerate(paths):
                part = path(maps[source])
                if source > target:
                    part = F.interpolate(part, size, mode='bilinear', align_corners=True)
                total = part if total is None else total + part
            assert total is not None
            fused.append(F.relu(total))
        return fused


class HRNet(nn.Module):
    """
    HRNet-W48 without its classifier, as bowenc0221's Panoptic-DeepLab uses it.

    Its maps are the four branches, not their concatenation: strides 4, 8, 16 and 32.
    """

    channels: tuple[int, ...]

    def __init__(self) -> None:
        super().__init__()
        self.channels = CHANNELS
        self.stem = nn.Sequential(ConvNorm(3, 64, 3, 2), ConvNorm(64, 64, 3, 2))
        self.first = _blocks('bottleneck', 64, 256)
        self.transitions = nn.ModuleList([
            nn.ModuleList([ConvNorm(256, CHANNELS[0], 3), ConvNorm(256, CHANNELS[1], 3, 2)]),
            ConvNorm(CHANNELS[1], CHANNELS[2], 3, 2), ConvNorm(CHANNELS[2], CHANNELS[3], 3, 2)])
        self.stages = nn.ModuleList(
            nn.Sequential(*(Exchange(CHANNELS[:branches]) for _ in range(modules)))
            for branches, modules in enumerate(MODULES, 2))

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Return the maps, fine to coarse, of float pixels [N, 3, H, W]."""
        features = self.first(self.stem(pixels))
        split = self.transitions[0]
        assert isinstance(split, nn.ModuleList)
        maps: list[Tensor] = self.stages[0]([entry(features) for entry in split])
        for transition, stage in zip(self.transitions[1:], self.stages[1:], strict=True):
            maps = stage([*maps, transition(maps[-1])])
        return maps
