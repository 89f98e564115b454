"""The settings of a network that a ``config.json`` may have, with their limits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ....plain_data import show

Reader = Callable[[Any, str], Any]
_ACTIVATIONS = ('relu', 'gelu', 'silu', 'gelu_new', 'quick_gelu')


def _count(most: int) -> Reader:
    def read(value: Any, name: str) -> int:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if type(value) is not int or not 1 <= value <= most:
            raise ValueError(f'{name} is {show(value)}: expected a whole number from 1 to {most}')
        return value
    return read


def _counts(most: int, length: int) -> Reader:
    def read(value: Any, name: str) -> list[int]:
        if not isinstance(value, (list, tuple)) or len(value) != length:
            raise ValueError(f'{name} is {show(value)}: expected {length} whole numbers')
        return [_count(most)(one, f'{name}[{place}]') for place, one in enumerate(value)]
    return read


def _number(least: float, most: float) -> Reader:
    def read(value: Any, name: str) -> float:
        if type(value) not in (int, float) or not least <= value <= most:     # nor NaN
            raise ValueError(f'{name} is {show(value)}: expected a number from {least} to {most}')
        return float(value)
    return read


def _truth(value: Any, name: str) -> bool:
    if type(value) is not bool:
        raise ValueError(f'{name} is {show(value)}: expected true or false')
    return value


def _one_of(*values: Any) -> Reader:
    def read(value: Any, name: str) -> Any:
        value = list(value) if isinstance(value, tuple) else value
        for allowed in values:
            if value == allowed:
                return allowed      # of the type that is asked for: 4 for 4.0
        raise ValueError(f'{name} is {show(value)}: expected {" or ".join(map(str, values))}')
    return read


_LOSSES: dict[str, Reader] = {
    'no_object_weight': _number(0, 100), 'class_weight': _number(0, 100),
    'mask_weight': _number(0, 100), 'dice_weight': _number(0, 100),
    'train_num_points': _count(1 << 20), 'oversample_ratio': _number(1, 100),
    'importance_sample_ratio': _number(0, 1)}
_STAGES = ['stage1', 'stage2', 'stage3', 'stage4']

KNOWN: dict[str, dict[str, Reader]] = {
    'mask2former': {
        'feature_size': _count(2048), 'mask_feature_size': _count(2048),
        'hidden_dim': _count(2048), 'encoder_feedforward_dim': _count(8192),
        'dim_feedforward': _count(8192), 'activation_function': _one_of(*_ACTIVATIONS),
        'encoder_layers': _count(24), 'decoder_layers': _count(24),
        'num_attention_heads': _count(64), 'num_queries': _count(1024), 'pre_norm': _truth,
        'enforce_input_projection': _truth, 'common_stride': _one_of(4),
        'feature_strides': _one_of([4, 8, 16, 32]), 'dropout': _number(0, 1), **_LOSSES},
    'eomt': {
        'hidden_size': _count(4096), 'num_hidden_layers': _count(64),
        'num_attention_heads': _count(64), 'hidden_act': _one_of(*_ACTIVATIONS),
        'layer_norm_eps': _number(1e-12, 1e-2), 'image_size': _count(4096),
        'patch_size': _count(64), 'num_channels': _one_of(3), 'mlp_ratio': _count(16),
        'layerscale_value': _number(0, 100), 'drop_path_rate': _number(0, 1),
        'num_upscale_blocks': _count(4), 'attention_dropout': _number(0, 1),
        'hidden_dropout_prob': _number(0, 1), 'use_swiglu_ffn': _truth,
        'num_blocks': _count(64), 'num_register_tokens': _count(64), 'num_queries': _count(1024),
        **_LOSSES},
    'swin': {
        'embed_dim': _count(1024), 'depths': _counts(64, 4), 'num_heads': _counts(128, 4),
        'window_size': _count(32), 'mlp_ratio': _number(1, 16), 'qkv_bias': _truth,
        'hidden_act': _one_of(*_ACTIVATIONS), 'layer_norm_eps': _number(1e-12, 1e-2),
        'patch_size': _one_of(4), 'num_channels': _one_of(3), 'image_size': _count(4096),
        'use_absolute_embeddings': _one_of(False), 'drop_path_rate': _number(0, 1),
        'out_features': _one_of(_STAGES)},
    'resnet': {
        'embedding_size': _count(1024), 'hidden_sizes': _counts(8192, 4),
        'depths': _counts(64, 4), 'layer_type': _one_of('bottleneck', 'basic'),
        'hidden_act': _one_of(*_ACTIVATIONS), 'downsample_in_first_stage': _truth,
        'downsample_in_bottleneck': _truth, 'num_channels': _one_of(3),
        'out_features': _one_of(_STAGES)},
}
"""The settings of each model and backbone, and the function that checks one of them."""


def read_settings(data: Mapping[str, Any]) -> dict[str, Any]:
    """
    Return the settings of a network that change what it computes; others are left out.

    Parameters
    ----------
    data
        The content of a ``config.json``; settings that it leaves to the library have its defaults.

    Raises
    ------
    ValueError
        The model or its backbone is not known here, or a setting is out of range.

    """
    model = data.get('model_type')
    if model not in ('mask2former', 'eomt'):
        raise ValueError(f'model_type is {show(model)}: expected mask2former or eomt')
    settings = _known(data, model, '')
    if model == 'mask2former':
        backbone = data.get('backbone_config')
        kind = backbone.get('model_type') if isinstance(backbone, Mapping) else None
        if not isinstance(backbone, Mapping) or kind not in ('swin', 'resnet'):
            raise ValueError(f'backbone_config is {show(backbone)} of model_type {show(kind)}: '
                             'expected the settings of a swin or a resnet')
        settings['backbone_config'] = {
            'model_type': kind, 'out_features': _STAGES, **_known(backbone, kind,
                                                                  'backbone_config.')}
    return {'model_type': model, **settings}


def _known(data: Mapping[str, Any], kind: str, where: str) -> dict[str, Any]:
    return {name: read(data[name], where + name) for name, read in KNOWN[kind].items()
            if data.get(name) is not None}
