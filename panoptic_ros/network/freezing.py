"""Parts of a backbone that stay as they are in a training."""

from __future__ import annotations

from torch import nn

from .backbones.mobilenet import MobileNet
from .backbones.staged import Staged


def frozen_parts(backbone: nn.Module, stride: int, norms: bool) -> list[nn.Module]:
    """
    Return the modules of a backbone that a training leaves as they are.

    What a backbone learnt of photographs is kept best in its finest layers and in the batch
    statistics: rendered frames would replace them by their own.

    Parameters
    ----------
    backbone
        The backbone.
    stride
        The layers up to this stride are frozen; 0 for none.
    norms
        Whether all batch norms are.

    Raises
    ------
    ValueError
        The layers of the backbone are not known by their strides, or it has none of that stride.

    """
    parts: list[nn.Module] = []
    if stride:
        if not isinstance(backbone, MobileNet | Staged):
            raise ValueError(f'frozen_stride is {stride}: expected 0 for a '
                             f'{type(backbone).__name__}, whose layers are not told apart')
        parts += backbone.up_to(stride)
    if norms:
        parts += [module for module in backbone.modules()
                  if isinstance(module, nn.modules.batchnorm._BatchNorm)]     # also shared ones
    return parts
