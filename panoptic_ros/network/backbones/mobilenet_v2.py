"""MobileNetV2 (Sandler et al., CVPR 2018)."""

from __future__ import annotations

from torch import Tensor, nn

from .mobilenet import Bottleneck, MobileNet

STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
          (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, channels, blocks and stride of each stage: table 2 of the paper."""


class MobileNetV2(MobileNet):
    """
    MobileNetV2 without its classifier, as bowenc0221's Panoptic-DeepLab uses it.

    Its maps are the outputs of the last block of each stride.
    """

    def __init__(self, output_stride: int) -> None:
        shapes, inputs = [], 32
        for expansion, outputs, depth, stride in STAGES:
            for number in range(depth):
                shapes.append(Bottleneck(inputs * expansion, outputs, 1 if number else stride,
                                         activation=nn.ReLU6))
                inputs = outputs
        super().__init__(32, nn.ReLU6, shapes, output_stride, epsilon=1e-5)
        self.channels = tuple(shape.outputs for shape in self.ends)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Return the maps, fine to coarse, of float pixels [N, 3, H, W]."""
        return [output for output, _ in self.features(pixels)]
