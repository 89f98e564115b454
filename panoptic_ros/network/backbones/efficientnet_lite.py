"""EfficientNet-Lite (Liu and others, 2020), after EfficientNet (Tan and Le, ICML 2019)."""

from __future__ import annotations

from torch import Tensor, nn

from .mobilenet import Bottleneck, MobileNet

STAGES = ((1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3),
          (6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3))
"""Expansion, channels, blocks, stride and kernel of each stage of Lite0: table 1 of the paper."""


class EfficientNetLite(MobileNet):
    """
    EfficientNet-Lite0 without its classifier: no squeeze and excitation, and ReLU6 everywhere.

    Its maps are the outputs of the last block of each stride.  Convolutions of stride 2 are
    padded evenly, where TensorFlow pads below and to the right alone.
    """

    def __init__(self, output_stride: int) -> None:
        shapes, inputs = [], 32
        for expansion, outputs, depth, stride, kernel in STAGES:
            for number in range(depth):
                shapes.append(Bottleneck(inputs * expansion, outputs, 1 if number else stride,
                                         kernel, activation=nn.ReLU6))
                inputs = outputs
        super().__init__(32, nn.ReLU6, shapes, output_stride, epsilon=1e-3)
        self.channels = tuple(shape.outputs for shape in self.ends)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Return the maps, fine to coarse, of float pixels [N, 3, H, W]."""
        return [output for output, _ in self.features(pixels)]
