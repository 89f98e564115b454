"""A backbone of stages, each a sequence of residual blocks."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from .config import StageConfig
from .layers import ConvNorm, ResidualBlock
from .places import ends_at


class Staged(nn.Module):
    """
    A stem and stages, which return the last map of each stride, fine to coarse.

    Parameters
    ----------
    stem
        What comes before the stages.
    inputs
        The stem's channels.
    stride
        The stem's stride.
    stages
        From the finest to the coarsest.

    """

    def __init__(self, stem: nn.Sequential, inputs: int, stride: int,
                 stages: Sequence[StageConfig]) -> None:
        super().__init__()
        self.stem, self.stages = stem, nn.ModuleList()
        maps: dict[int, tuple[int, int]] = {}      # stride: channels, index of its last stage
        for index, stage in enumerate(stages):
            blocks = []
            for number in range(stage.depth):
                dilation = stage.dilations[number % len(stage.dilations)]
                blocks.append(ResidualBlock(stage, inputs, 1 if number else stage.stride,
                                            dilation))
                inputs = stage.channels
            self.stages.append(nn.Sequential(*blocks))
            stride *= stage.stride
            maps[stride] = inputs, index
        self.channels = tuple(channels for channels, _ in maps.values())
        self._last = {index for _, index in maps.values()}

    def up_to(self, stride: int) -> list[nn.Module]:
        """
        Return the layers up to a stride, a power of two from 4 on.

        Raises
        ------
        ValueError
            No stage ends at that stride.

        """
        return [self.stem, *self.stages[:ends_at(sorted(self._last), stride) + 1]]

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Return the maps, fine to coarse, of float pixels [N, 3, H, W]."""
        features, maps = self.stem(pixels), []
        for index, stage in enumerate(self.stages):
            features = stage(features)
            if index in self._last:
                maps.append(features)
        return maps


def convolutions(channels: Sequence[int]) -> nn.Sequential:
    """Return a stem of 3x3 convolutions, the first with stride 2."""
    inputs = (3, *channels[:-1])
    return nn.Sequential(*(ConvNorm(i, o, 3, 1 if number else 2)
                           for number, (i, o) in enumerate(zip(inputs, channels, strict=True))))
