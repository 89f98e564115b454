"""Small networks of the family masks with random weights, and the files of their sources."""

import json
import re
from pathlib import Path

import numpy as np
import torch

from panoptic_ros.labels import LabelSpace
from panoptic_ros.network import families
from panoptic_ros.network.checkpoint import Checkpoint
from panoptic_ros.network.families.masks.config import MasksConfig
from panoptic_ros.network.families.masks.settings import read_settings

_MASK2FORMER = {
    'model_type': 'mask2former', 'feature_size': 32, 'mask_feature_size': 32, 'hidden_dim': 32,
    'encoder_feedforward_dim': 48, 'dim_feedforward': 64, 'encoder_layers': 1,
    'decoder_layers': 4, 'num_attention_heads': 4, 'num_queries': 10}
SETTINGS = {
    'swin': {**_MASK2FORMER, 'backbone_config': {
        'model_type': 'swin', 'embed_dim': 8, 'depths': [2, 1, 1, 1], 'num_heads': [1, 2, 2, 2],
        'window_size': 3}},
    'resnet': {**_MASK2FORMER, 'backbone_config': {
        'model_type': 'resnet', 'embedding_size': 8, 'hidden_sizes': [16, 32, 48, 64],
        'depths': [1, 1, 1, 1]}},
    'eomt': {'model_type': 'eomt', 'hidden_size': 32, 'num_hidden_layers': 3,
             'num_attention_heads': 2, 'image_size': 64, 'num_queries': 10, 'num_blocks': 2}}
KINDS = tuple(SETTINGS)
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def size_of(kind):
    return (64, 64) if kind == 'eomt' else (64, 128)


def images(kind, count=1, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, *size_of(kind), 3), np.uint8)


def source(kind, classes=19, seed=0):
    """A network of transformers, with weights that make every part of it matter."""
    torch.manual_seed(seed)
    config = MasksConfig('tiny', read_settings(SETTINGS[kind]))
    model = families.find('masks').network(config, classes).model.eval()
    for name, value in model.state_dict().items():
        if name.endswith('attn_mask_probs'):
            value.zero_()
        elif name.endswith('running_var'):
            value.uniform_(0.5, 1.5)
        elif value.is_floating_point() and name != 'criterion.empty_weight':
            value.copy_(0.1 * torch.randn(value.shape) + (value.ndim == 1 and 'weight' in name))
        if name.endswith('sampling_offsets.bias'):      # far beyond the borders, too
            value.copy_(5 * torch.randn(value.shape))
    return model


def outputs(model, images):
    """What the source's own class gives for images that are brought to it as its source does."""
    rgb = torch.from_numpy(images[..., ::-1].copy()).permute(0, 3, 1, 2) / 255
    pixels = (rgb - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(DEVIATION).view(3, 1, 1)
    with torch.inference_mode():
        found = model(pixel_values=pixels)
    return found.class_queries_logits.numpy(), found.masks_queries_logits.numpy()


def folder(model, path, names=None, **changes):
    """Write a folder as its source publishes it; ``changes`` are other values of config.json."""
    names = names or LabelSpace.load('cityscapes').names
    model.config.id2label = dict(enumerate(names))
    model.save_pretrained(path)
    config = json.loads((path / 'config.json').read_text()) | changes
    (path / 'config.json').write_text(json.dumps(config))
    size = {'shortest_edge': 64, 'longest_edge': 128}
    (path / 'preprocessor_config.json').write_text(json.dumps({
        'do_resize': True, 'do_rescale': True, 'rescale_factor': 1 / 255, 'do_normalize': True,
        'image_mean': MEAN, 'image_std': DEVIATION, 'size': size}))
    return path


def checkpoint(kind, model=None):
    """The network as this package keeps it."""
    config = MasksConfig('tiny', read_settings(SETTINGS[kind]))
    weights = {f'model.{name}': value
               for name, value in (model or source(kind)).state_dict().items()}
    return Checkpoint(config, LabelSpace.load('cityscapes'), weights, {'weights': 'random'}, {})


def close(found, expected, tolerance=1e-4):
    """Whether outputs agree to a share of the largest value."""
    for ours, theirs in zip(found, expected, strict=True):
        assert theirs.std() > 1e-3
        np.testing.assert_allclose(ours, theirs, atol=tolerance * float(np.abs(theirs).max()))


# Names of transformers as it saves them, and those of Mask2Former's own code.
_NAMES = [(f'^{pattern}$', name) for pattern, name in (
    (r'class_predictor\.(\w+)', r'P.class_embed.\1'),
    (r'T\.queries_features\.weight', 'P.query_feat.weight'),
    (r'T\.queries_embedder\.weight', 'P.query_embed.weight'),
    (r'T\.level_embed\.weight', 'P.level_embed.weight'),
    (r'T\.decoder\.layernorm\.(\w+)', r'P.decoder_norm.\1'),
    (r'T\.decoder\.mask_predictor\.mask_embedder\.(\d)\.0\.(\w+)', r'P.mask_embed.layers.\1.\2'),
    (r'T\.decoder\.layers\.(\d)\.self_attn\.out_proj\.(\w+)',
     r'P.transformer_self_attention_layers.\1.self_attn.out_proj.\2'),
    (r'T\.decoder\.layers\.(\d)\.self_attn_layer_norm\.(\w+)',
     r'P.transformer_self_attention_layers.\1.norm.\2'),
    (r'T\.decoder\.layers\.(\d)\.cross_attn\.(.+)',
     r'P.transformer_cross_attention_layers.\1.multihead_attn.\2'),
    (r'T\.decoder\.layers\.(\d)\.cross_attn_layer_norm\.(\w+)',
     r'P.transformer_cross_attention_layers.\1.norm.\2'),
    (r'T\.decoder\.layers\.(\d)\.fc(\d)\.(\w+)', r'P.transformer_ffn_layers.\1.linear\2.\3'),
    (r'T\.decoder\.layers\.(\d)\.final_layer_norm\.(\w+)', r'P.transformer_ffn_layers.\1.norm.\2'),
    (r'D\.input_projections\.(.+)', r'X.input_proj.\1'),
    (r'D\.level_embed', 'X.transformer.level_embed'),
    (r'D\.mask_projection\.(\w+)', r'X.mask_features.\1'),
    (r'D\.(adapter|layer)_1\.0\.weight', r'X.\1_1.weight'),
    (r'D\.(adapter|layer)_1\.1\.(\w+)', r'X.\1_1.norm.\2'),
    (r'D\.encoder\.layers\.(\d)\.self_attn\.(.+)',
     r'X.transformer.encoder.layers.\1.self_attn.\2'),
    (r'D\.encoder\.layers\.(\d)\.self_attn_layer_norm\.(\w+)',
     r'X.transformer.encoder.layers.\1.norm1.\2'),
    (r'D\.encoder\.layers\.(\d)\.final_layer_norm\.(\w+)',
     r'X.transformer.encoder.layers.\1.norm2.\2'),
    (r'D\.encoder\.layers\.(\d)\.fc(\d)\.(\w+)', r'X.transformer.encoder.layers.\1.linear\2.\3'),
    (r'E\.embedder\.embedder\.convolution\.weight', 'backbone.stem.conv1.weight'),
    (r'E\.embedder\.embedder\.normalization\.(\w+)', r'backbone.stem.conv1.norm.\1'),
    (r'E\.embeddings\.patch_embeddings\.projection\.(\w+)', r'backbone.patch_embed.proj.\1'),
    (r'E\.embeddings\.norm\.(\w+)', r'backbone.patch_embed.norm.\1'),
    (r'E\.encoder\.layers\.(\d)\.downsample\.(.+)', r'backbone.layers.\1.downsample.\2'),
    (r'E\.encoder\.layers\.(\d)\.blocks\.(\d+)\.(.+)', r'backbone.layers.\1.blocks.\2.\3'))]
_INSIDE = {'layernorm_before': 'norm1', 'layernorm_after': 'norm2',
           'intermediate.dense': 'mlp.fc1', 'attention.output.dense': 'attn.proj',
           'output.dense': 'mlp.fc2',
           'attention.self.relative_position_bias_table': 'attn.relative_position_bias_table'}
_SHORT = {'model.transformer_module.': 'T.', 'model.pixel_level_module.decoder.': 'D.',
          'model.pixel_level_module.encoder.': 'E.'}


def in_mask2former_names(saved):
    """Entries as transformers saves them, by the names of Mask2Former's own code."""
    result, fused = {}, {}
    for name, value in saved.items():
        if match := re.fullmatch(r'(.+\.attention\.self)\.(query|key|value)\.(\w+)|'
                                 r'(.+\.self_attn)\.([qkv])_proj\.(\w+)', name):
            place, part, entry = match.groups()[:3] if match[1] else match.groups()[3:]
            fused.setdefault((place, entry), {})[part[0]] = value
        elif not name.endswith(('num_batches_tracked', 'swin.layernorm.weight',
                                'swin.layernorm.bias')):    # the source has none of these
            result[_one(name)] = value
    for (place, entry), parts in fused.items():
        block = re.search(r'layers\.(\d)\.(?:blocks\.(\d+)\.)?', place)
        name = (f'backbone.layers.{block[1]}.blocks.{block[2]}.attn.qkv.{entry}' if block[2] else
                'sem_seg_head.predictor.transformer_self_attention_layers.'
                f'{block[1]}.self_attn.in_proj_{entry}')
        result[name] = torch.cat([parts[part] for part in 'qkv'])
    return result


def _one(name):
    for long, short in _SHORT.items():
        name = name.replace(long, short)
    if match := re.fullmatch(r'E\.hidden_states_norms\.stage(\d)\.(\w+)', name):
        return f'backbone.norm{int(match[1]) - 1}.{match[2]}'
    if match := re.fullmatch(r'E\.encoder\.stages\.(\d)\.layers\.(\d+)\.(shortcut|layer\.(\d))\.'
                             r'(convolution|normalization)\.(\w+)', name):
        part = 'shortcut' if match[3] == 'shortcut' else f'conv{int(match[4]) + 1}'
        norm = '.norm' if match[5] == 'normalization' else ''
        return f'backbone.res{int(match[1]) + 2}.{match[2]}.{part}{norm}.{match[6]}'
    for pattern, replacement in _NAMES:
        if re.match(pattern, name):
            name = re.sub(pattern, replacement, name)
            break
    for inside, theirs in _INSIDE.items():
        name = re.sub(rf'(blocks\.\d+\.){re.escape(inside)}(?=\.|$)', rf'\g<1>{theirs}', name)
    return name.replace('X.', 'sem_seg_head.pixel_decoder.', 1).replace(
        'P.', 'sem_seg_head.predictor.', 1)


def saved(model, path):
    """The entries of a network as transformers saves them."""
    from panoptic_ros.network.importing.safetensors_files import load_safetensors
    model.save_pretrained(path)
    return load_safetensors(Path(path, 'model.safetensors').read_bytes())
