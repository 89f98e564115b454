"""The shape of a network: what distinguishes one Panoptic-DeepLab from another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, ClassVar

from ...backbones.config import BackboneConfig, StageConfig, StagedConfig

STRIDE = 4
"""Input pixels per cell of the heads; it is the same for every network."""
PARTS = ('aspp', 'fusion', 'semantic', 'center', 'offset')
"""The parts of a network that have spatial convolutions, besides its backbone."""


@dataclass(frozen=True)
class BranchConfig:
    """One decoder with its ASPP: the semantic or the instance branch."""

    aspp: int
    """Channels of each of the five ASPP branches and of their projection."""
    low_level: tuple[int, ...]
    """Channels that the backbone's finest maps are projected to, coarse to fine."""
    decoder: tuple[int, ...]
    """Channels after each fusion, coarse to fine."""
    head: int
    """Channels inside each head of the branch."""


@dataclass(frozen=True)
class NetworkConfig:
    """
    A Panoptic-DeepLab (Cheng et al., CVPR 2020): backbone, one or two decoders, three heads.

    Raises
    ------
    ValueError
        The backbone and the branches do not fit each other, or a value is out of range.

    """

    family: ClassVar[str] = 'deeplab'

    name: str
    backbone: BackboneConfig | StagedConfig
    semantic: BranchConfig
    instance: BranchConfig
    decoders: int = 2
    """With 1, the heads of instances read the semantic branch, and only ``head`` differs."""
    rates: tuple[int, ...] = (6, 12, 18)
    """Dilations of the ASPP."""
    separable: tuple[str, ...] = PARTS
    """Parts with depthwise-separable convolutions: 3x3 in the ASPP, 5x5 elsewhere.  The other
    parts have regular 3x3 convolutions: one in the ASPP, two in a row elsewhere."""
    dropout: float = 0.1
    """Dropout of the ASPP's output."""
    window: tuple[int, int] | None = None
    """Height and width in input pixels of the sliding window over which the ASPP's last branch
    averages; None, or a window that does not fit, averages over the whole image."""
    pooled_bias: bool = True
    """Whether that branch's convolution has a bias (it never has batch norm)."""
    low_level_first: bool = True
    """Whether fusions read the finer map's channels before those of the upsampled map."""
    align_corners: bool = False
    """
    Whether bilinear upsampling keeps the centres of the corner cells in place; sides are then one
    more than a multiple of the stride.  Otherwise it keeps the corners themselves in place, and
    sides are multiples.
    """
    rgb: bool = False
    """Whether the backbone reads red, green and blue; otherwise it reads blue, green and red."""
    mean: tuple[float, float, float] = (103.53, 116.28, 123.675)
    """Mean of each channel, 0 to 255, in the order in which the backbone reads them."""
    deviation: tuple[float, float, float] = (57.375, 57.12, 58.395)
    offset_unit: float = 1.0
    """Input pixels per unit of the predicted offsets."""
    smoothing: tuple[float, float] | None = None
    """The mean probabilities of a frame, unsure and sure, between which an export smooths it less
    and less; see ``smoothing.Smoothing``.  None never smooths, and no training does."""

    def __post_init__(self) -> None:
        if self.decoders not in (1, 2):
            raise ValueError(f'decoders is {self.decoders}: expected 1 or 2')
        if self.decoders == 1 and replace(self.instance, head=self.semantic.head) != self.semantic:
            raise ValueError(f'network {self.name!r} has one decoder: expected branches that are '
                             f'equal but for head, not {self.semantic} and {self.instance}')
        unknown = set(self.separable) - set(PARTS)
        if unknown:
            raise ValueError(f'separable has {sorted(unknown)}: expected some of {PARTS}')
        if min(*self.deviation, self.offset_unit) <= 0:
            raise ValueError(f'network {self.name!r}: deviation {self.deviation} and offset_unit '
                             f'{self.offset_unit} must be above 0')
        if self.smoothing is not None and (
                len(self.smoothing) != 2 or not 0 <= self.smoothing[0] < self.smoothing[1] <= 1):
            raise ValueError(f'smoothing is {self.smoothing}: expected two mean probabilities, '
                             'unsure below sure')
        finer = (self.output_stride // STRIDE).bit_length() - 1
        for branch in (self.semantic, self.instance):
            if not 1 <= len(branch.low_level) == len(branch.decoder) <= finer:
                raise ValueError(
                    f'network {self.name!r}: {branch} needs as many low_level as decoder entries, '
                    f'1 to {finer}, the maps finer than stride {self.output_stride}')
        if self.window is not None:
            self._check_sides(self.window, 'window', (self.output_stride,) * 2)

    @property
    def output_stride(self) -> int:
        """Input pixels per cell of the backbone's coarsest map."""
        return self.backbone.output_stride

    def check_size(self, size: tuple[int, int], padded: bool = False) -> None:
        """
        Check that the network takes images of a size (height, width).

        With ``padded``, sizes are accepted that ``PanopticDeepLab`` pads: for a network with
        aligned corners, multiples of the output stride.

        Raises
        ------
        ValueError
            The network does not take the size; the message names the nearest that it takes.

        """
        self._check_sides(size, 'size', self._period, padded)

    @property
    def _period(self) -> tuple[int, int]:
        """The numbers of which height and width are multiples."""
        if self.window is None or self.align_corners:
            return self.output_stride, self.output_stride
        return self.window      # the window was the crop, and the source asks for its multiples

    def _check_sides(self, size: tuple[int, int], name: str, period: tuple[int, int],
                     padded: bool = False) -> None:
        more = int(self.align_corners)
        over = (0, more) if padded else (more,)
        if all(side > more and side % step in over
               for side, step in zip(size, period, strict=True)):
            return
        height, width = (max(1, round((side - more) / step)) * step + more
                         for side, step in zip(size, period, strict=True))
        rule = f'multiples of {period[0]}' if period[0] == period[1] else \
            f'multiples of {period[0]}x{period[1]}, the window of its pooling'
        raise ValueError(f'{name} is {size[0]}x{size[1]}: network {self.name!r} takes {rule}'
                         f'{", plus 1" if more else ""}: the nearest is {height}x{width}')

    def with_output_stride(self, stride: int) -> NetworkConfig:
        """
        Return the same network, weights and all, at another output stride.

        The ASPP's rates change with the stride, so that they reach equally far in the image.

        Raises
        ------
        ValueError
            The backbone has no such stride, or a branch fuses maps that are then missing.

        """
        if not isinstance(self.backbone, BackboneConfig):
            raise ValueError(f'network {self.name!r} has the output stride {self.output_stride} '
                             'by its stages: change them')
        rates = tuple(rate * self.output_stride // stride for rate in self.rates)
        return replace(self, backbone=replace(self.backbone, output_stride=stride), rates=rates)

    def to_dict(self) -> dict[str, Any]:
        """Return the configuration as plain data."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> NetworkConfig:
        """Build the configuration from what ``to_dict`` returned, also by way of JSON."""
        values = _lists_to_tuples(data)
        backbone = values['backbone']
        if 'stages' in backbone:
            stages = tuple(StageConfig(**stage) for stage in backbone['stages'])
            values['backbone'] = StagedConfig(backbone['stem'], stages)
        else:
            values['backbone'] = BackboneConfig(**backbone)
        return cls(**{**values, 'semantic': BranchConfig(**values['semantic']),
                      'instance': BranchConfig(**values['instance'])})


def _lists_to_tuples(data: Any) -> Any:
    if isinstance(data, Mapping):
        return {key: _lists_to_tuples(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return tuple(_lists_to_tuples(value) for value in data)
    return data
