"""The convolutions and residual blocks that the networks are made of."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from .config import StageConfig

ReLU = partial(nn.ReLU, inplace=True)


class ConvNorm(nn.Sequential):
    """A convolution without bias, batch norm, and an activation or none."""

    def __init__(self, inputs: int, outputs: int, kernel: int = 1, stride: int = 1,
                 dilation: int = 1, groups: int = 1,
                 activation: Callable[[], nn.Module] | None = ReLU,
                 epsilon: float = 1e-5) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, dilation * (kernel // 2), dilation, groups,
                      bias=False),
            nn.BatchNorm2d(outputs, epsilon))
        if activation is not None:
            self.append(activation())


class SeparableConv(nn.Sequential):
    """A depthwise and a pointwise convolution, each with batch norm and ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, dilation: int = 1) -> None:
        super().__init__(ConvNorm(inputs, inputs, kernel, dilation=dilation, groups=inputs),
                         ConvNorm(inputs, outputs))


def fusing_convs(inputs: int, outputs: int, separable: bool, inner: int) -> nn.Sequential:
    """Return a 5x5 depthwise-separable convolution, or two 3x3 ones by way of ``inner``."""
    if separable:
        return SeparableConv(inputs, outputs, 5)
    return nn.Sequential(ConvNorm(inputs, inner, 3), ConvNorm(inner, outputs, 3))


class ResidualBlock(nn.Module):
    """
    One block of a stage, of any of the five kinds.

    ``basic`` and ``bottleneck`` are those of ResNet (He et al., 2016; the stride in the 3x3
    convolution).  They have a projected shortcut if the shape changes, and a ReLU after the sum.
    ``bottleneck-msra`` has its stride in the first 1x1 convolution, as the authors' weights do.
    ``fused`` and ``inverted`` are those of EfficientNetV2 (Tan and Le, 2021) without squeeze and
    excitation.  They have a linear output, and a shortcut only if the shape is kept.
    """

    def __init__(self, stage: StageConfig, inputs: int, stride: int, dilation: int) -> None:
        super().__init__()
        outputs, kind = stage.channels, stage.block
        same = stride == 1 and inputs == outputs
        self.shortcut: nn.Module | None = nn.Identity() if same else None
        self.activation: nn.Module = nn.Identity()
        if kind in ('basic', 'bottleneck', 'bottleneck-msra'):
            self.activation = nn.ReLU(inplace=True)
            if not same:
                self.shortcut = ConvNorm(inputs, outputs, stride=stride, activation=None)
        if kind == 'basic':
            self.body = nn.Sequential(
                ConvNorm(inputs, outputs, 3, stride, dilation),
                ConvNorm(outputs, outputs, 3, dilation=dilation, activation=None))
        elif kind in ('bottleneck', 'bottleneck-msra'):
            inner = outputs // stage.expansion
            first, second = (stride, 1) if kind == 'bottleneck-msra' else (1, stride)
            self.body = nn.Sequential(
                ConvNorm(inputs, inner, stride=first), ConvNorm(inner, inner, 3, second, dilation),
                ConvNorm(inner, outputs, activation=None))
        elif kind == 'fused' and stage.expansion == 1:
            self.body = nn.Sequential(ConvNorm(inputs, outputs, 3, stride, dilation))
        elif kind == 'fused':
            inner = inputs * stage.expansion
            self.body = nn.Sequential(ConvNorm(inputs, inner, 3, stride, dilation),
                                      ConvNorm(inner, outputs, activation=None))
        else:
            inner = inputs * stage.expansion
            self.body = nn.Sequential(
                ConvNorm(inputs, inner), ConvNorm(inner, inner, 3, stride, dilation, inner),
                ConvNorm(inner, outputs, activation=None))

    def forward(self, features: Tensor) -> Tensor:
        """Return the block's output."""
        result = self.body(features)
        if self.shortcut is not None:
            result = result + self.shortcut(features)
        return self.activation(result)
