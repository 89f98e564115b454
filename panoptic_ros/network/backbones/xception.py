"""Aligned Xception (Chollet, CVPR 2017, as changed by Chen et al., ECCV 2018)."""

from __future__ import annotations

from torch import Tensor, nn

from .layers import ConvNorm
from .places import place

_ENTRY = {65: ((128, 2), (256, 2), (728, 2)),
          71: ((128, 2), (256, 1), (256, 2), (728, 1), (728, 2))}
"""Channels and stride of the entry flow's blocks, by depth."""
_EPSILON = {65: 1e-5, 71: 1e-3}
"""The batch norms' epsilon by depth, as bowenc0221's Xception-65 and DeepLab's 71 have it."""


class Separable(nn.Module):
    """A depthwise and a pointwise convolution, with a ReLU before them or after each."""

    def __init__(self, inputs: int, outputs: int, stride: int, dilation: int, relu_first: bool,
                 epsilon: float) -> None:
        super().__init__()
        self.activation = nn.ReLU() if relu_first else nn.Identity()
        after = None if relu_first else nn.ReLU
        self.depthwise = ConvNorm(inputs, inputs, 3, stride, dilation, inputs, after, epsilon)
        self.pointwise = ConvNorm(inputs, outputs, activation=after, epsilon=epsilon)

    def forward(self, features: Tensor) -> Tensor:
        """Return the convolved features."""
        return self.pointwise(self.depthwise(self.activation(features)))


class XceptionBlock(nn.Module):
    """Three separable convolutions, the stride in the last, around a shortcut or none."""

    def __init__(self, inputs: int, channels: tuple[int, int, int], stride: int, dilation: int,
                 epsilon: float, shortcut: nn.Module | None, relu_first: bool = True) -> None:
        super().__init__()
        self.separable = nn.ModuleList()
        for number, outputs in enumerate(channels):
            self.separable.append(Separable(inputs, outputs, stride if number == 2 else 1,
                                            dilation, relu_first, epsilon))
            inputs = outputs
        self.shortcut = shortcut

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        """Return the block's output, and the map before the convolution with the stride."""
        fine = self.separable[1](self.separable[0](features))
        output = self.separable[2](fine)
        if self.shortcut is not None:
            output = output + self.shortcut(features)
        return output, fine


class Xception(nn.Module):
    """
    Xception-65 as bowenc0221's Panoptic-DeepLab uses it, or the deeper -71 of DeepLab.

    The maps of strides 4 and 8 are taken inside the blocks that leave these strides, before the
    strided convolution and without a ReLU.  With output stride 32, the map of stride 16 is the
    middle flow's output.

    Parameters
    ----------
    output_stride
        16 or 32.
    depth
        65 or 71.

    """

    channels: tuple[int, ...]

    def __init__(self, output_stride: int, depth: int) -> None:
        super().__init__()
        entry, epsilon = _ENTRY[depth], _EPSILON[depth]
        shapes = [((channels,) * 3, stride) for channels, stride in entry]
        shapes += [((728,) * 3, 1)] * 16
        shapes += [((728, 1024, 1024), 2), ((1536, 1536, 2048), 1)]
        places = place([stride for _, stride in shapes], output_stride)
        self.stem = nn.Sequential(
            ConvNorm(3, 32, 3, 2, epsilon=epsilon), ConvNorm(32, 64, 3, epsilon=epsilon))
        self.blocks = nn.ModuleList()
        inputs = 64
        for number, ((channels, stride), at) in enumerate(zip(shapes, places, strict=True)):
            last, outputs = number == len(shapes) - 1, channels[2]
            shortcut: nn.Module | None = None
            if not last:
                same = stride == 1 and inputs == outputs
                shortcut = nn.Identity() if same else ConvNorm(
                    inputs, outputs, stride=at.step, activation=None, epsilon=epsilon)
            self.blocks.append(XceptionBlock(inputs, channels, at.step, at.dilation, epsilon,
                                             shortcut, relu_first=not last))
            inputs = outputs
        numbered = list(enumerate(places))
        self._fine = {number for number, at in numbered if at.step == 2 and at.stride in (8, 16)}
        self._whole = {number for number, at in numbered if at.last and at.stride >= 16}
        self.channels = (256, 728, 728, 2048) if output_stride == 32 else (256, 728, 2048)

    def forward(self, pixels: Tensor) -> list[Tensor]:
        """Return the maps, fine to coarse, of float pixels [N, 3, H, W]."""
        features, maps = self.stem(pixels), []
        for number, block in enumerate(self.blocks):
            features, fine = block(features)
            if number in self._fine:
                maps.append(fine)
            if number in self._whole:
                maps.append(features)
        return maps
