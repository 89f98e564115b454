"""The shape of a network: what distinguishes one Panoptic-DeepLab from another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

BLOCKS = ('basic', 'bottleneck', 'fused', 'inverted')


@dataclass(frozen=True)
class StageConfig:
    """
    One stage of a backbone: blocks of one kind at one resolution.

    Raises
    ------
    ValueError
        A value is out of range.

    """

    block: str
    """``basic`` or ``bottleneck`` (ResNet), ``fused`` or ``inverted`` (EfficientNetV2)."""
    channels: int
    depth: int
    """Number of blocks."""
    stride: int = 2
    """Of the first block."""
    expansion: int = 1
    """Inner channels per channel (``fused``, ``inverted``); ``bottleneck`` shrinks by it."""
    dilations: tuple[int, ...] = (1,)
    """Of the blocks' 3x3 convolutions, repeated as often as needed."""

    def __post_init__(self) -> None:
        if self.block not in BLOCKS:
            raise ValueError(f'block is {self.block!r}: expected one of {BLOCKS}')
        if self.stride not in (1, 2):
            raise ValueError(f'stride is {self.stride}: expected 1 or 2')
        if min(self.channels, self.depth, self.expansion, *self.dilations) < 1:
            raise ValueError(f'{self}: channels, depth, expansion and dilations must be '
                             'at least 1')


@dataclass(frozen=True)
class BranchConfig:
    """One decoder with its ASPP: the semantic or the instance branch."""

    aspp: int
    """Channels of each of the five ASPP branches and of their projection."""
    low_level: tuple[int, ...]
    """Channels that the backbone's finer maps are projected to, coarse to fine."""
    decoder: tuple[int, ...]
    """Channels after each fusion, coarse to fine."""
    head: int
    """Channels inside each head of the branch."""


@dataclass(frozen=True)
class NetworkConfig:
    """
    A Panoptic-DeepLab (Cheng et al., CVPR 2020): backbone, two branches, three heads.

    Raises
    ------
    ValueError
        The backbone and the branches do not fit each other.

    """

    name: str
    stem: tuple[int, ...]
    """Channels of the 3x3 convolutions at stride 2 before the first stage."""
    stages: tuple[StageConfig, ...]
    """From the finest to the coarsest."""
    semantic: BranchConfig
    instance: BranchConfig
    rates: tuple[int, ...] = (6, 12, 18)
    """Dilations of the ASPP."""
    separable: bool = True
    """ASPP, fusions and heads use depthwise-separable convolutions (5x5 but in the ASPP)."""
    dropout: float = 0.1
    """Of the ASPP's output."""

    def __post_init__(self) -> None:
        if not self.stem or not self.stages:
            raise ValueError(f'network {self.name!r} needs a stem and at least one stage')
        if self.stages[0].stride != 2:
            raise ValueError(f'network {self.name!r} starts its stages with stride '
                             f'{self.stages[0].stride}: expected 2, as the stem ends at stride 2 '
                             'and the heads are at 4')
        for branch in (self.semantic, self.instance):
            if not len(branch.low_level) == len(branch.decoder) <= len(self.low_levels):
                raise ValueError(
                    f'network {self.name!r}: {branch} needs as many low_level as decoder entries '
                    f'and at most {len(self.low_levels)}, the maps above the coarsest')
            if branch.decoder and self.low_levels[len(branch.decoder) - 1] != 4:
                raise ValueError(f'network {self.name!r}: {branch} must end at stride 4, fuse '
                                 f'the maps of strides {self.low_levels}')

    @property
    def output_stride(self) -> int:
        """Input pixels per cell of the backbone's coarsest map."""
        stride = 2
        for stage in self.stages:
            stride *= stage.stride
        return stride

    @property
    def low_levels(self) -> tuple[int, ...]:
        """Strides of the backbone's maps above the coarsest, coarse to fine."""
        strides, stride = [], 2
        for stage in self.stages:
            stride *= stage.stride
            if stride not in strides:
                strides.append(stride)
        return tuple(reversed(strides))[1:]

    @classmethod
    def preset(cls, name: str) -> NetworkConfig:
        """
        Return a network of this package by its name.

        Raises
        ------
        ValueError
            There is none of that name.

        """
        if name not in PRESETS:
            raise ValueError(f'no network {name!r}: expected one of {sorted(PRESETS)}')
        return PRESETS[name]

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> NetworkConfig:
        """Build the configuration from what ``to_dict`` returned, also by way of JSON."""
        def branch(values: Mapping[str, Any]) -> BranchConfig:
            return BranchConfig(values['aspp'], tuple(values['low_level']),
                                tuple(values['decoder']), values['head'])
        stages = tuple(StageConfig(**{**stage, 'dilations': tuple(stage['dilations'])})
                       for stage in data['stages'])
        return cls(**{**data, 'stem': tuple(data['stem']), 'stages': stages,
                      'rates': tuple(data['rates']), 'semantic': branch(data['semantic']),
                      'instance': branch(data['instance'])})


PRESETS = {config.name: config for config in (
    NetworkConfig(
        'mobile', stem=(16,),
        stages=(StageConfig('fused', 32, 2),
                StageConfig('fused', 64, 3),
                StageConfig('inverted', 128, 4, expansion=4),
                StageConfig('inverted', 192, 4, expansion=4)),
        semantic=BranchConfig(aspp=96, low_level=(48, 32, 32), decoder=(96, 64, 64), head=64),
        instance=BranchConfig(aspp=64, low_level=(32, 16, 16), decoder=(64, 48, 32), head=32),
        rates=(3, 6, 9)),
    NetworkConfig(
        'resnet50', stem=(64, 64, 128),
        stages=(StageConfig('bottleneck', 256, 3, expansion=4),
                StageConfig('bottleneck', 512, 4, expansion=4),
                StageConfig('bottleneck', 1024, 6, expansion=4),
                StageConfig('bottleneck', 2048, 3, stride=1, expansion=4, dilations=(2, 4, 8))),
        semantic=BranchConfig(aspp=256, low_level=(64, 32), decoder=(256, 256), head=256),
        instance=BranchConfig(aspp=256, low_level=(64, 32), decoder=(128, 128), head=128)),
)}
"""The networks of this package by name."""
