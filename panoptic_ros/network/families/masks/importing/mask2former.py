"""The names that Mask2Former's own code gives the entries of a network's state."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor

from ....checkpoint import CheckpointError
from ..settings import read_settings

MARK = 'sem_seg_head.predictor.class_embed.weight'
"""An entry by which such files are told."""
_PIXELS, _QUERIES = 'sem_seg_head.pixel_decoder.', 'sem_seg_head.predictor.'
_ENCODER, _DECODER = 'model.pixel_level_module.encoder.', 'model.pixel_level_module.decoder.'
_MODULE = 'model.transformer_module.'
_LAYERS = _MODULE + r'decoder.layers.\1.'

# The names of transformers as it published the checkpoints; every version of it reads them.
_RULES = [(re.compile(pattern + '$'), replacement) for pattern, replacement in (
    (r'criterion\.empty_weight', 'criterion.empty_weight'),
    (re.escape(_QUERIES) + r'class_embed\.(\w+)', r'class_predictor.\1'),
    (re.escape(_QUERIES) + r'(?:query_feat|static_query)\.weight',
     _MODULE + 'queries_features.weight'),
    (re.escape(_QUERIES) + r'query_embed\.weight', _MODULE + 'queries_embedder.weight'),
    (re.escape(_QUERIES) + r'level_embed\.weight', _MODULE + 'level_embed.weight'),
    (re.escape(_QUERIES) + r'decoder_norm\.(\w+)', _MODULE + r'decoder.layernorm.\1'),
    (re.escape(_QUERIES) + r'input_proj\.(\d+)\.(\w+)', _MODULE + r'input_projections.\1.\2'),
    (re.escape(_QUERIES) + r'mask_embed\.layers\.(\d+)\.(\w+)',
     _MODULE + r'decoder.mask_predictor.mask_embedder.\1.0.\2'),
    (re.escape(_QUERIES) + r'transformer_self_attention_layers\.(\d+)\.self_attn\.out_proj\.(\w+)',
     _LAYERS + r'self_attn.out_proj.\2'),
    (re.escape(_QUERIES) + r'transformer_self_attention_layers\.(\d+)\.norm\.(\w+)',
     _LAYERS + r'self_attn_layer_norm.\2'),
    (re.escape(_QUERIES) + r'transformer_cross_attention_layers\.(\d+)\.multihead_attn\.(.+)',
     _LAYERS + r'cross_attn.\2'),
    (re.escape(_QUERIES) + r'transformer_cross_attention_layers\.(\d+)\.norm\.(\w+)',
     _LAYERS + r'cross_attn_layer_norm.\2'),
    (re.escape(_QUERIES) + r'transformer_ffn_layers\.(\d+)\.linear([12])\.(\w+)',
     _LAYERS + r'fc\2.\3'),
    (re.escape(_QUERIES) + r'transformer_ffn_layers\.(\d+)\.norm\.(\w+)',
     _LAYERS + r'final_layer_norm.\2'),
    (re.escape(_PIXELS) + r'input_proj\.(\d+)\.([01])\.(\w+)',
     _DECODER + r'input_projections.\1.\2.\3'),
    (re.escape(_PIXELS) + r'transformer\.level_embed', _DECODER + 'level_embed'),
    (re.escape(_PIXELS) + r'transformer\.encoder\.layers\.(\d+)\.self_attn\.(\w+)\.(\w+)',
     _DECODER + r'encoder.layers.\1.self_attn.\2.\3'),
    (re.escape(_PIXELS) + r'transformer\.encoder\.layers\.(\d+)\.linear([12])\.(\w+)',
     _DECODER + r'encoder.layers.\1.fc\2.\3'),
    (re.escape(_PIXELS) + r'transformer\.encoder\.layers\.(\d+)\.norm1\.(\w+)',
     _DECODER + r'encoder.layers.\1.self_attn_layer_norm.\2'),
    (re.escape(_PIXELS) + r'transformer\.encoder\.layers\.(\d+)\.norm2\.(\w+)',
     _DECODER + r'encoder.layers.\1.final_layer_norm.\2'),
    (re.escape(_PIXELS) + r'mask_features\.(\w+)', _DECODER + r'mask_projection.\1'),
    (re.escape(_PIXELS) + r'(adapter|layer)_(\d)\.weight', _DECODER + r'\1_\2.0.weight'),
    (re.escape(_PIXELS) + r'(adapter|layer)_(\d)\.norm\.(\w+)', _DECODER + r'\1_\2.1.\3'),
    (r'backbone\.stem\.conv1\.weight', _ENCODER + 'embedder.embedder.convolution.weight'),
    (r'backbone\.stem\.conv1\.norm\.(\w+)', _ENCODER + r'embedder.embedder.normalization.\1'),
    (r'backbone\.patch_embed\.proj\.(\w+)',
     _ENCODER + r'embeddings.patch_embeddings.projection.\1'),
    (r'backbone\.patch_embed\.norm\.(\w+)', _ENCODER + r'embeddings.norm.\1'),
    (r'backbone\.layers\.(\d)\.downsample\.(reduction|norm)\.(\w+)',
     _ENCODER + r'encoder.layers.\1.downsample.\2.\3'))]
_BLOCK = re.compile(r'backbone\.layers\.(\d)\.blocks\.(\d+)\.(.+)')
_IN_BLOCK = {
    'norm1': 'layernorm_before', 'norm2': 'layernorm_after', 'attn.proj': 'attention.output.dense',
    'mlp.fc1': 'intermediate.dense', 'mlp.fc2': 'output.dense',
    'attn.relative_position_bias_table': 'attention.self.relative_position_bias_table'}
_RESIDUAL = re.compile(r'backbone\.res(\d)\.(\d+)\.(shortcut|conv(\d))\.(norm\.)?(\w+)')
_FUSED = re.compile(re.escape(_QUERIES)
                    + r'transformer_self_attention_layers\.(\d+)\.self_attn\.in_proj_(\w+)')

INDEX = 'relative_position_index'
"""Entries that the size of a window determines; no network reads them."""


def renamed(name: str, value: Tensor) -> Iterator[tuple[str, Tensor]]:
    """
    Yield an entry by the names of ``transformers``, of which it has three for fused projections.

    An entry that Mask2Former does not have yields nothing.
    """
    if match := _FUSED.fullmatch(name):
        layer, kind = match.groups()
        yield from _split(f'{_MODULE}decoder.layers.{layer}.self_attn.{{}}_proj.{kind}',
                          'qkv', value)
        return
    if match := _BLOCK.fullmatch(name):
        stage, block, inside = match.groups()
        prefix = f'{_ENCODER}encoder.layers.{stage}.blocks.{block}.'
        part, _, entry = inside.rpartition('.')
        if part == 'attn.qkv':
            names = ('query', 'key', 'value')
            yield from _split(prefix + f'attention.self.{{}}.{entry}', names, value)
        elif part in _IN_BLOCK:
            yield f'{prefix}{_IN_BLOCK[part]}.{entry}', value
        elif inside in _IN_BLOCK:
            yield prefix + _IN_BLOCK[inside], value
        return
    if match := re.fullmatch(r'backbone\.norm(\d)\.(\w+)', name):
        yield f'{_ENCODER}hidden_states_norms.stage{int(match[1]) + 1}.{match[2]}', value
        return
    if match := _RESIDUAL.fullmatch(name):
        stage, block, part, number, norm, entry = match.groups()
        place = 'shortcut' if part == 'shortcut' else f'layer.{int(number) - 1}'
        kind = 'normalization' if norm else 'convolution'
        yield (f'{_ENCODER}encoder.stages.{int(stage) - 2}.layers.{block}.{place}.{kind}.{entry}',
               value)
        return
    for pattern, replacement in _RULES:
        if match := pattern.match(name):
            yield match.expand(replacement), value
            return


def _split(name: str, parts: Any, value: Tensor) -> Iterator[tuple[str, Tensor]]:
    if value.ndim < 1 or value.shape[0] % 3:
        raise CheckpointError(f'{name.format("qkv")} has the shape {tuple(value.shape)}: expected '
                              'queries, keys and values one after the other')
    for part, third in zip(parts, value.chunk(3), strict=True):
        yield name.format(part), third


def settings_of(weights: Mapping[str, Tensor]) -> tuple[dict[str, Any], int]:
    """
    Return the settings of the network and its number of classes, as the shapes tell them.

    Raises
    ------
    CheckpointError
        A part of the network is missing.

    """
    def shape(name: str, dimensions: int = 1) -> tuple[int, ...]:
        if name not in weights:
            raise CheckpointError(f'{name} is missing, as it is in no Mask2Former')
        found = tuple(weights[name].shape)
        if len(found) < dimensions:
            raise CheckpointError(f'{name} has the shape {found}: expected {dimensions} '
                                  'dimensions')
        return found

    def count(pattern: str) -> int:
        return len({match[1] for name in weights if (match := re.match(pattern, name))})

    features = next((name for name in ('query_feat', 'static_query')
                     if f'{_QUERIES}{name}.weight' in weights), 'query_feat')
    encoder = f'{_PIXELS}transformer.encoder.layers.0.'
    queries, hidden = shape(f'{_QUERIES}{features}.weight', 2)[:2]
    settings: dict[str, Any] = {
        'model_type': 'mask2former', 'num_queries': queries, 'hidden_dim': hidden,
        'feature_size': shape(f'{_PIXELS}mask_features.weight', 4)[1],
        'mask_feature_size': shape(f'{_PIXELS}mask_features.weight')[0],
        'encoder_feedforward_dim': shape(encoder + 'linear1.bias')[0],
        'dim_feedforward': shape(f'{_QUERIES}transformer_ffn_layers.0.linear1.bias')[0],
        # offsets (x, y) of 4 points in 3 maps for each head
        'num_attention_heads': shape(encoder + 'self_attn.sampling_offsets.bias')[0] // 24,
        'encoder_layers': count(re.escape(_PIXELS) + r'transformer\.encoder\.layers\.(\d+)\.'),
        'decoder_layers': 1 + count(re.escape(_QUERIES) + r'transformer_ffn_layers\.(\d+)\.'),
        'enforce_input_projection': f'{_QUERIES}input_proj.0.weight' in weights,
        'backbone_config': _swin(shape, count) if 'backbone.patch_embed.proj.bias' in weights
        else _resnet(shape, count)}
    try:
        return read_settings(settings), shape(MARK)[0] - 1
    except ValueError as error:
        raise CheckpointError(f'its shapes are those of no Mask2Former: {error}') from error


def _resnet(shape: Any, count: Any) -> dict[str, Any]:
    return {'model_type': 'resnet', 'embedding_size': shape('backbone.stem.conv1.weight')[0],
            'depths': [count(rf'backbone\.res{stage}\.(\d+)\.') for stage in range(2, 6)],
            'hidden_sizes': [shape(f'backbone.res{stage}.0.shortcut.weight')[0]
                             for stage in range(2, 6)]}


def _swin(shape: Any, count: Any) -> dict[str, Any]:
    tables = [shape(f'backbone.layers.{stage}.blocks.0.attn.relative_position_bias_table')
              for stage in range(4)]
    return {'model_type': 'swin', 'embed_dim': shape('backbone.patch_embed.proj.bias')[0],
            'depths': [count(rf'backbone\.layers\.{stage}\.blocks\.(\d+)\.')
                       for stage in range(4)],
            'num_heads': [table[-1] for table in tables],
            'window_size': round((tables[0][0] ** 0.5 + 1) / 2)}
