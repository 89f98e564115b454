"""The names that bowenc0221/panoptic-deeplab gives the entries of a network's state."""

from __future__ import annotations

from ..config import NetworkConfig
from . import keys


def rename(config: NetworkConfig) -> dict[str, str]:
    """Return the source's name of each parameter and buffer, with our name."""
    return keys.rename(config, _resnet, _decoders)


def _resnet(name: str) -> str:
    place, part, *rest = name.split('.')
    if place == 'stem':
        number, entry = rest
        return f'{("conv1", "bn1")[int(number)]}.{entry}'
    block, kind, *rest = rest
    prefix = f'layer{int(part) + 1}.{block}'
    if kind == 'shortcut':
        return '.'.join([prefix, 'downsample', *rest])
    convolution, number, entry = rest
    return f'{prefix}.{("conv", "bn")[int(number)]}{int(convolution) + 1}.{entry}'


def _decoders(name: str) -> str:
    module, part, *rest = name.split('.')
    if module in ('semantic', 'center', 'offset'):
        branch = 'semantic' if module == 'semantic' else 'instance'
        prefix = f'decoder.{branch}_head.classifier.{module}.{part}'
        return f'{prefix}.{rest[0]}' if part == '1' else _separable(f'{prefix}.0', rest)
    prefix = f'decoder.{module}.{part}'
    if part == 'fuse':
        return _separable(f'{prefix}.{rest[0]}.0', rest[1:])
    if part == 'aspp':
        kind, number, *rest = rest
        if kind == 'pooled':
            return f'{prefix}.convs.4.aspp_pooling.1.{rest[0]}'
        rest = ['project', *rest] if kind == 'project' else ['convs', number, *rest]
    return '.'.join([prefix, *rest])


def _separable(prefix: str, rest: list[str]) -> str:
    """Name an entry of a depthwise convolution or its norm, or of a pointwise convolution."""
    part, number, entry = rest
    return f'{prefix}.0.{number}.{entry}' if part == '0' else f'{prefix}.{int(number) + 1}.{entry}'
