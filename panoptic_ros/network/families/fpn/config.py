"""The shape of a network: what distinguishes one Panoptic-FPN from another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

from ...backbones.config import BackboneConfig, StageConfig, StagedConfig

STRIDE = 4
"""Input pixels per cell of the finest map, and of the logits of stuff."""
PERIOD = 32
"""The sides of the input are multiples of it: the stride of the backbone's coarsest map."""
LARGEST = 1 << 16
"""The largest of a network's numbers of channels, classes and boxes: more is a mistake."""
MEAN = (103.53, 116.28, 123.675)
"""Means of ImageNet's blue, green and red, 0 to 255."""


@dataclass(frozen=True)
class FpnConfig:
    """
    A Panoptic-FPN (Kirillov et al., CVPR 2019) as in detectron2.

    Raises
    ------
    ValueError
        A value is out of range, or the backbone has other maps than those of strides 4 to 32.

    """

    family: ClassVar[str] = 'fpn'

    name: str
    backbone: BackboneConfig | StagedConfig
    things: int = 80
    """Number of the classes that are things."""
    channels: int = 256
    """Channels of the feature pyramid, of the proposals' head and of the mask head."""
    semantic: int = 128
    """Channels inside the head of stuff."""
    groups: int = 32
    """Groups of its group norms."""
    hidden: int = 1024
    """Values in both hidden layers of the box head."""
    anchor: float = 32.0
    """Side in input pixels of the anchors on the finest map; it doubles from map to map."""
    proposals: int = 1000
    """Most proposals of one map, and of all maps together."""
    detections: int = 100
    """Most detections."""
    mask_side: int = 28
    """Cells of a side of a detection's mask."""
    rgb: bool = False
    """Whether the backbone reads red, green and blue; otherwise it reads blue, green and red."""
    mean: tuple[float, float, float] = MEAN
    """Mean of each channel, 0 to 255, in the order in which the backbone reads them."""
    deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def __post_init__(self) -> None:
        sizes = (self.things, self.channels, self.semantic, self.groups, self.hidden,
                 self.proposals, self.detections, self.mask_side)
        if min(sizes) < 1 or max(sizes) > LARGEST:
            raise ValueError(f'network {self.name!r}: sizes are {sizes}: expected 1 to {LARGEST}')
        if self.anchor <= 0 or min(self.deviation) <= 0:
            raise ValueError(f'network {self.name!r}: anchor is {self.anchor} and deviation '
                             f'{self.deviation}: expected values above 0')
        if self.semantic % self.groups:
            raise ValueError(f'network {self.name!r}: semantic is {self.semantic}: expected a '
                             f'multiple of the {self.groups} groups')
        if self.mask_side < 2 or self.mask_side % 2:
            raise ValueError(f'network {self.name!r}: mask_side is {self.mask_side}: expected an '
                             'even number')
        if self.backbone.output_stride != PERIOD:
            raise ValueError(f'network {self.name!r}: its backbone has the output stride '
                             f'{self.backbone.output_stride}: expected {PERIOD}')

    @property
    def padding(self) -> tuple[int, int, int]:
        """Blue, green and red of the padding, which is the mean colour as the source pads."""
        first, second, third = (min(255, max(0, round(value))) for value in self.mean)
        return (third, second, first) if self.rgb else (first, second, third)

    def check_size(self, size: tuple[int, int], padded: bool = False) -> None:
        """
        Check that the network takes images of a size (height, width).

        Raises
        ------
        ValueError
            The network does not take the size; the message names the nearest that it takes.

        """
        if any(side < PERIOD or side % PERIOD for side in size):
            near = 'x'.join(str(max(1, round(side / PERIOD)) * PERIOD) for side in size)
            raise ValueError(f'size is {size[0]}x{size[1]}: network {self.name!r} takes multiples '
                             f'of {PERIOD}: the nearest is {near}')

    def stuff(self, classes: int) -> int:
        """
        Return how many of a label space's classes are stuff.

        Raises
        ------
        ValueError
            There are no more classes than the network has things.

        """
        if classes <= self.things:
            raise ValueError(f'network {self.name!r} has {self.things} things: expected a label '
                             f'space of more than the {classes} classes')
        return classes - self.things

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> FpnConfig:
        """Build the configuration from what ``to_dict`` returned, also by way of JSON."""
        values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value
                                  for name, value in data.items()}
        backbone = values['backbone']
        if 'stages' in backbone:
            stages = tuple(StageConfig(**{**stage, 'dilations': tuple(stage['dilations'])})
                           for stage in backbone['stages'])
            values['backbone'] = StagedConfig(tuple(backbone['stem']), stages)
        else:
            values['backbone'] = BackboneConfig(**backbone)
        return cls(**values)
