"""The shape of a small mask classification network of this package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from ...backbones.config import StageConfig, StagedConfig

STRIDE = 4
"""Input pixels per cell of the masks."""
CELL = 8
"""Input pixels per cell of the heatmap of the things' centres."""


@dataclass(frozen=True)
class MobileConfig:
    """
    A mask classification network (Mask2Former, CVPR 2022) for small machines.

    Its queries are of two kinds: learned ones, and proposals, which start from the features at
    the likeliest centres of things.

    Raises
    ------
    ValueError
        A value is out of range.

    """

    family: ClassVar[str] = 'masks'
    fit: ClassVar[str] = 'stretch'
    padding: ClassVar[tuple[int, ...]] = ()
    stride: ClassVar[int] = STRIDE

    name: str
    backbone: StagedConfig
    """Stages up to stride 32."""
    channels: int = 128
    """Channels of the queries, and of the maps that they attend to."""
    mask_channels: int = 64
    """Channels of the features at stride 4, whose products with the queries are the masks."""
    learned: int = 30
    """Number of learned queries."""
    proposals: int = 70
    """Number of queries that start from the image."""
    levels: tuple[int, ...] = (32, 16, 8)
    """Stride of the map that each layer attends to."""
    heads: int = 4
    """Heads of each attention."""
    inner: int = 256
    """Channels inside the feed-forward networks."""
    mean: tuple[float, float, float] = (103.53, 116.28, 123.675)
    """Mean of blue, green and red, 0 to 255."""
    deviation: tuple[float, float, float] = (57.375, 57.12, 58.395)

    def __post_init__(self) -> None:
        if self.backbone.output_stride != 32:
            raise ValueError(f'network {self.name!r}: the backbone ends at stride '
                             f'{self.backbone.output_stride}: expected 32')
        if not self.levels or not set(self.levels) <= {8, 16, 32}:
            raise ValueError(f'levels is {self.levels}: expected some of 8, 16 and 32')
        if self.channels % (4 * self.heads) or self.channels < 4:
            raise ValueError(f'channels is {self.channels}: expected a multiple of 4 times the '
                             f'{self.heads} heads')
        if min(self.learned, self.proposals, self.mask_channels, self.inner) < 1:
            raise ValueError(f'{self}: learned, proposals, mask_channels and inner must be at '
                             'least 1')
        if min(self.deviation) <= 0:
            raise ValueError(f'network {self.name!r}: deviation {self.deviation} must be above 0')

    @property
    def queries(self) -> int:
        """Number of queries."""
        return self.learned + self.proposals

    def check_size(self, size: tuple[int, int], padded: bool = False) -> None:
        """Check that the network takes images of a size; see ``network.family``."""
        height, width = (max(32, round(side / 32) * 32) for side in size)
        if (height, width) != tuple(size):
            raise ValueError(f'size is {size[0]}x{size[1]}: network {self.name!r} takes multiples '
                             f'of 32: the nearest is {height}x{width}')
        cells = (height // CELL) * (width // CELL)
        if cells < self.proposals:
            raise ValueError(f'size is {size[0]}x{size[1]}: network {self.name!r} needs '
                             f'{self.proposals} cells of 8x8 pixels for its proposals, and there '
                             f'are {cells}')

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> MobileConfig:
        """Build the configuration from what ``to_dict`` returned, also by way of JSON."""
        backbone = data['backbone']
        stages = tuple(StageConfig(**{**stage, 'dilations': tuple(stage['dilations'])})
                       for stage in backbone['stages'])
        values: dict[str, Any] = {key: tuple(value) if isinstance(value, (list, tuple)) else value
                                  for key, value in data.items() if key != 'backbone'}
        return cls(backbone=StagedConfig(tuple(backbone['stem']), stages), **values)
