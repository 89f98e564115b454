"""The names that the sources of some backbones give the entries of their state."""

from __future__ import annotations

import re
from collections.abc import Callable

from torch import nn

from ....backbones.efficientnet_lite import EfficientNetLite
from ....backbones.hrnet import HRNet
from ....backbones.mobilenet import MobileNet
from ....backbones.mobilenet_v2 import MobileNetV2
from ....backbones.mobilenet_v3 import MobileNetV3
from ....backbones.xception import Xception


def rename(backbone: nn.Module) -> dict[str, str]:
    """
    Return the source's name of each parameter and buffer, with our name.

    The source of MobileNetV2, Xception-65 and HRNet-W48 is bowenc0221's ``segmentation.model``,
    that of MobileNetV3 is torchvision, that of EfficientNet-Lite efficientnet-lite-pytorch.

    Raises
    ------
    ValueError
        No source is known for the backbone.

    """
    for kind, source_name in _SOURCES.items():
        if isinstance(backbone, kind):
            return {source_name(backbone, name): name for name in backbone.state_dict()}
    raise ValueError(f'no source is known for a {type(backbone).__name__}: expected one of '
                     f'{", ".join(kind.__name__ for kind in _SOURCES)}')


def _mobilenet(backbone: nn.Module, name: str) -> str:
    """Number the parts of a block that are there."""
    assert isinstance(backbone, MobileNet)
    part, *rest = name.split('.')
    if part == 'stem':
        return '.'.join(['features', '0', *rest])
    if part == 'final':
        return '.'.join(['features', str(len(backbone.blocks) + 1), *rest])
    number, part, *rest = rest
    children = backbone.blocks[int(number)].named_children()
    parts = [child for child, module in children if not isinstance(module, nn.Identity)]
    index = parts.index(part)
    if part == 'squeeze':
        rest[0] = {'reduce': 'fc1', 'expand': 'fc2'}[rest[0]]
    inside = ['block', str(index), *rest]
    if isinstance(backbone, MobileNetV2):       # it has no module around the projection
        inside = ['conv', str(index), *rest]
        if part == 'project':
            inside = ['conv', str(index + int(rest[0])), *rest[1:]]
    return '.'.join(['features', str(int(number) + 1), *inside])


def _efficientnet_lite(_: nn.Module, name: str) -> str:
    part, *rest = name.split('.')
    if part == 'stem':
        return '.'.join([('_conv_stem', '_bn0')[int(rest[0])], rest[1]])
    number, part, index, entry = rest
    names = {'expand': ('_expand_conv', '_bn0'), 'depthwise': ('_depthwise_conv', '_bn1'),
             'project': ('_project_conv', '_bn2')}
    return f'_blocks.{number}.{names[part][int(index)]}.{entry}'


def _xception(_: nn.Module, name: str) -> str:
    name = _numbered(r'stem\.(\d)\.(\d)', ('conv', 'bn'), name)
    name = re.sub(r'blocks\.(\d+)', lambda match: f'block{int(match[1]) + 1}', name)
    name = re.sub(r'separable\.(\d)', lambda match: f'sep_conv{int(match[1]) + 1}.block', name)
    name = re.sub(r'shortcut\.(\d)', lambda match: ('conv', 'bn')[int(match[1])], name)
    return re.sub(r'(depth|point)wise\.(\d)',
                  lambda match: (f'{match[1]}wise', f'bn_{match[1]}')[int(match[2])], name)


def _hrnet(_: nn.Module, name: str) -> str:
    name = _numbered(r'(?:stem|body)\.(\d)\.(\d)', ('conv', 'bn'), name)
    name = re.sub(r'^first', 'layer1', name)
    name = re.sub(r'^stages\.(\d)', lambda match: f'stage{int(match[1]) + 2}', name)
    name = re.sub(r'^transitions\.0\.0', 'transition1.0', name)
    name = re.sub(r'^transitions\.0\.1', 'transition1.1.0', name)
    name = re.sub(r'^transitions\.(\d)',
                  lambda match: f'transition{int(match[1]) + 1}.{int(match[1]) + 1}.0', name)
    return name.replace('shortcut', 'downsample').replace('fuse', 'fuse_layers')


def _numbered(pattern: str, kinds: tuple[str, str], name: str) -> str:
    """Name convolution and norm number n ``conv{n}`` and ``bn{n}``, counted from one."""
    return re.sub(pattern, lambda match: f'{kinds[int(match[2])]}{int(match[1]) + 1}', name)


_SOURCES: dict[type[nn.Module], Callable[[nn.Module, str], str]] = {
    MobileNetV2: _mobilenet, MobileNetV3: _mobilenet, EfficientNetLite: _efficientnet_lite,
    Xception: _xception, HRNet: _hrnet}
