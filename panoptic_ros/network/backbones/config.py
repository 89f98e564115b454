"""The shape of a backbone: one that is known by name, or stages of blocks."""

from __future__ import annotations

from dataclasses import dataclass

STRIDES = {
    'resnet50': (16, 32), 'resnet52': (16, 32), 'resnet101': (16, 32),
    'resnet50-msra': (32,), 'resnet101-msra': (32,),
    'mobilenet_v2': (16, 32), 'mobilenet_v3': (16, 32), 'efficientnet_lite0': (16, 32),
    'xception65': (16, 32), 'xception71': (16, 32), 'hrnet48': (32,),
}
"""The output strides of each backbone that has a name."""
BLOCKS = ('basic', 'bottleneck', 'bottleneck-msra', 'fused', 'inverted')


@dataclass(frozen=True)
class BackboneConfig:
    """
    A backbone of the literature.

    Raises
    ------
    ValueError
        There is no backbone of that name, or it has no such output stride.

    """

    name: str
    output_stride: int

    def __post_init__(self) -> None:
        if self.name not in STRIDES:
            raise ValueError(f'no backbone {self.name!r}: expected one of {sorted(STRIDES)}')
        if self.output_stride not in STRIDES[self.name]:
            raise ValueError(f'output_stride of {self.name!r} is {self.output_stride}: expected '
                             f'one of {STRIDES[self.name]}')


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
    """Stride of the first block."""
    expansion: int = 1
    """Inner channels per channel (``fused``, ``inverted``); ``bottleneck`` shrinks by it."""
    dilations: tuple[int, ...] = (1,)
    """Dilations of the blocks' 3x3 convolutions, repeated as often as needed."""

    def __post_init__(self) -> None:
        if self.block not in BLOCKS:
            raise ValueError(f'block is {self.block!r}: expected one of {BLOCKS}')
        if self.stride not in (1, 2):
            raise ValueError(f'stride is {self.stride}: expected 1 or 2')
        if min(self.channels, self.depth, self.expansion, *self.dilations) < 1:
            raise ValueError(f'{self}: channels, depth, expansion and dilations must be '
                             'at least 1')


@dataclass(frozen=True)
class StagedConfig:
    """
    A backbone of stages.

    Raises
    ------
    ValueError
        The heads could not be at stride 4.

    """

    stem: tuple[int, ...]
    """Channels of the 3x3 convolutions at stride 2 before the first stage."""
    stages: tuple[StageConfig, ...]
    """The stages, from the finest to the coarsest."""

    def __post_init__(self) -> None:
        if not self.stem or not self.stages:
            raise ValueError('a backbone of stages needs a stem and at least one stage')
        if self.stages[0].stride != 2:
            raise ValueError(f'the stages start with stride {self.stages[0].stride}: expected 2, '
                             'as the stem ends at stride 2 and the heads are at 4')

    @property
    def output_stride(self) -> int:
        """Input pixels per cell of the coarsest map."""
        stride = 2
        for stage in self.stages:
            stride *= stage.stride
        return stride


MOBILE = StagedConfig(stem=(16,), stages=(
    StageConfig('fused', 32, 2), StageConfig('fused', 64, 3),
    StageConfig('inverted', 128, 4, expansion=4),
    StageConfig('inverted', 192, 4, expansion=4)))
"""A backbone for processors, after EfficientNetV2."""
