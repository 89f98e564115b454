"""The names that detectron2's Panoptic-DeepLab gives the entries of a network's state."""

from __future__ import annotations

from functools import partial

from ....importing.detectron2_names import convolution, resnet
from ..config import NetworkConfig
from . import keys

_HEADS = {'semantic': 'sem_seg_head.', 'center': 'ins_embed_head.center_',
          'offset': 'ins_embed_head.offset_'}


def rename(config: NetworkConfig) -> dict[str, str]:
    """Return the source's name of each parameter and buffer, with our name."""
    return keys.rename(config, resnet, partial(_decoders, config))


def _decoders(config: NetworkConfig, name: str) -> str:
    module, part, *rest = name.split('.')
    if module in _HEADS:
        if part == '1':
            return f'{_HEADS[module]}predictor.{rest[0]}'
        return _spatial(f'{_HEADS[module]}head', rest, module in config.separable)
    branch = 'sem_seg_head' if module == 'semantic_decoder' else 'ins_embed_head'
    if part != 'aspp':
        level = len(config.semantic.low_level) + 1 - int(rest.pop(0))
        prefix = f'{branch}.decoder.res{level}.{part}_conv'
        if part == 'project':
            return convolution(prefix, rest)
        return _spatial(prefix, rest, 'fusion' in config.separable)
    prefix = f'{branch}.decoder.res5.project_conv'
    kind, number, *rest = rest
    if kind == 'pooled':
        return f'{prefix}.convs.{len(config.rates) + 1}.1.{rest[0]}'
    if kind == 'project':
        return convolution(f'{prefix}.project', rest)
    if number != '0' and 'aspp' in config.separable:
        return _spatial(f'{prefix}.convs.{number}', rest, separable=True)
    return convolution(f'{prefix}.convs.{number}', rest)


def _spatial(prefix: str, rest: list[str], separable: bool) -> str:
    """Name an entry of two convolutions in a row."""
    number = int(rest[0])
    part = ('depthwise', 'pointwise')[number] if separable else number
    return convolution(f'{prefix}.{part}', rest[1:])
