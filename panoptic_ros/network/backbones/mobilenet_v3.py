"""MobileNetV3-Large (Howard et al., ICCV 2019)."""

from __future__ import annotations

from torch import Tensor

from .layers import ConvNorm
from .mobilenet import Bottleneck, HardSwish, MobileNet

BLOCKS = (
    Bottleneck(16, 16),
    Bottleneck(64, 24, 2),
    Bottleneck(72, 24),
    Bottleneck(72, 40, 2, 5, 24),
    Bottleneck(120, 40, 1, 5, 32),
    Bottleneck(120, 40, 1, 5, 32),
    Bottleneck(240, 80, 2, activation=HardSwish),
    Bottleneck(200, 80, activation=HardSwish),
    Bottleneck(184, 80, activation=HardSwish),
    Bottleneck(184, 80, activation=HardSwish),
    Bottleneck(480, 112, squeezed=120, activation=HardSwish),
    Bottleneck(672, 112, squeezed=168, activation=HardSwish),
    Bottleneck(672, 160, 2, 5, 168, HardSwish),
    Bottleneck(960, 160, 1, 5, 240, HardSwish),
    Bottleneck(960, 160, 1, 5, 240, HardSwish))
"""Table 1 of the paper, the squeezed channels as its code rounds them."""


class MobileNetV3(MobileNet):
    """
    MobileNetV3-Large up to its last 1x1 convolution over the map, with torchvision's arithmetic.

    Its maps and dilations are deeplab2's: the expanded map inside the last block of each stride,
    and for the coarsest the output of the 1x1 convolution.
    """

    def __init__(self, output_stride: int) -> None:
        super().__init__(16, HardSwish, BLOCKS, output_stride, epsilon=1e-3)
        self.final = ConvNorm(160, 960, activation=HardSwish, epsilon=1e-3)
        self.channels = (*(shape.expanded for shape in self.ends[:-1]), 960)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Return the maps, fine to coarse, of float pixels [N, 3, H, W]."""
        *finer, (coarsest, _) = self.features(pixels)
        return [*(expanded for _, expanded in finer), self.final(coarsest)]
