"""The blocks of MobileNets, and how they follow each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn import functional as F

from .layers import ConvNorm
from .places import ends_at, place


class HardSwish(nn.Module):
    """The activation of MobileNetV3, made of operations that every runtime has."""

    def forward(self, features: Tensor) -> Tensor:
        """Return x relu6(x + 3) / 6."""
        return features * F.relu6(features + 3) / 6


class SqueezeExcite(nn.Module):
    """Squeeze and excitation (Hu et al., CVPR 2018): scales channels by a hard sigmoid."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.expand = nn.Conv2d(squeezed, channels, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Return the scaled features."""
        squeezed = F.relu(self.reduce(features.mean((2, 3), keepdim=True)))
        return features * (F.relu6(self.expand(squeezed) + 3) / 6)


@dataclass(frozen=True)
class Bottleneck:
    """The shape of an inverted bottleneck."""

    expanded: int
    """Channels inside."""
    outputs: int
    stride: int = 1
    kernel: int = 3
    squeezed: int = 0
    """Channels of the block's squeeze and excitation; 0 for none."""
    activation: type[nn.Module] = nn.ReLU


class InvertedBottleneck(nn.Module):
    """
    The block of MobileNetV2 and V3 (Sandler et al., CVPR 2018; Howard et al., ICCV 2019).

    The block expands by a 1x1 convolution, filters depthwise, and projects by a linear 1x1
    convolution.  It has a shortcut if the shape is kept.
    """

    def __init__(self, inputs: int, shape: Bottleneck, stride: int, dilation: int,
                 epsilon: float) -> None:
        super().__init__()
        inner = shape.expanded
        self.residual = shape.stride == 1 and inputs == shape.outputs
        self.expand: nn.Module = nn.Identity()
        if inner != inputs:
            self.expand = ConvNorm(inputs, inner, activation=shape.activation, epsilon=epsilon)
        self.depthwise = ConvNorm(inner, inner, shape.kernel, stride, dilation, inner,
                                  shape.activation, epsilon)
        self.squeeze = SqueezeExcite(inner, shape.squeezed) if shape.squeezed else nn.Identity()
        self.project = ConvNorm(inner, shape.outputs, activation=None, epsilon=epsilon)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the block's output, and the filtered map inside it before it is squeezed."""
        expanded = self.depthwise(self.expand(features))
        output = self.project(self.squeeze(expanded))
        return (features + output if self.residual else output), expanded


class MobileNet(nn.Module):
    """
    A 3x3 convolution of stride 2 and inverted bottlenecks.

    Parameters
    ----------
    stem, activation
        The first convolution's channels and what follows it.
    shapes
        The bottlenecks' shapes.
    output_stride
        16 or 32.
    epsilon
        The batch norms' epsilon.

    """

    channels: tuple[int, ...]

    def __init__(self, stem: int, activation: type[nn.Module], shapes: Sequence[Bottleneck],
                 output_stride: int, epsilon: float) -> None:
        super().__init__()
        places = place([shape.stride for shape in shapes], output_stride)
        self.stem = ConvNorm(3, stem, 3, 2, activation=activation, epsilon=epsilon)
        self.blocks, inputs = nn.ModuleList(), stem
        for shape, at in zip(shapes, places, strict=True):
            self.blocks.append(InvertedBottleneck(inputs, shape, at.step, at.dilation, epsilon))
            inputs = shape.outputs
        self._ends = [number for number, at in enumerate(places) if at.last and at.stride > 2]
        self.ends = [shapes[number] for number in self._ends]
        """The last bottleneck of each stride from 4 on."""

    def up_to(self, stride: int) -> list[nn.Module]:
        """
        Return the layers up to a stride, a power of two from 4 on.

        Raises
        ------
        ValueError
            No layer ends at that stride.

        """
        return [self.stem, *self.blocks[:ends_at(self._ends, stride) + 1]]

    def features(self, pixels: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Return the output and the expanded map of each of the ``ends``."""
        features, found = self.stem(pixels), []
        for number, block in enumerate(self.blocks):
            features, expanded = block(features)
            if number in self._ends:
                found.append((features, expanded))
        return found
