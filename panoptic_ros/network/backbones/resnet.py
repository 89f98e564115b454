"""The ResNets of the literature."""

from __future__ import annotations

from torch import nn

from .config import StageConfig
from .layers import ConvNorm
from .staged import Staged, convolutions

DEPTHS = {'resnet50': (3, 4, 6, 3), 'resnet52': (3, 4, 6, 3), 'resnet101': (3, 4, 23, 3),
          'resnet50-msra': (3, 4, 6, 3), 'resnet101-msra': (3, 4, 23, 3)}


def resnet(name: str, output_stride: int) -> Staged:
    """
    Return a ResNet (He et al., CVPR 2016) with its stride in the 3x3 convolutions.

    ``resnet50`` and ``resnet101`` start with a 7x7 convolution, as torchvision's do.  If their
    last stage is dilated, its first block is not.  ``resnet52`` is the ResNet-50 of DeepLab: it
    starts with three 3x3 convolutions, and its last stage has the dilations of a multi-grid of 1,
    2 and 4.  Those that end in ``-msra`` have their stride in the first 1x1 convolutions, as the
    weights of the paper's authors do, with which detectron2's detectors start.

    Parameters
    ----------
    name
        One of ``DEPTHS``.
    output_stride
        16, with the last stage dilated, or 32.

    """
    dilation = 32 // output_stride
    if name == 'resnet52':
        stem, inputs = convolutions((64, 64, 128)), 128
        dilations: tuple[int, ...] = (dilation, 2 * dilation, 4 * dilation)
    else:
        stem, inputs = nn.Sequential(ConvNorm(3, 64, 7, 2)), 64
        dilations = (1, dilation, dilation)
    stem.append(nn.MaxPool2d(3, 2, 1))
    depths, block = DEPTHS[name], 'bottleneck'
    if name.endswith('-msra'):
        block = 'bottleneck-msra'
    stages = [StageConfig(block, 256 * 2 ** number, depth, 2 if number else 1, 4)
              for number, depth in enumerate(depths[:3])]
    stages.append(StageConfig(block, 2048, depths[3], 2 // dilation, 4, dilations))
    return Staged(stem, inputs, 4, stages)
