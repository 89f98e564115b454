"""The published networks of this family by name, with the published figures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .config import MasksConfig
from .settings import read_settings

BLACK = (0, 0, 0)


class Published(NamedTuple):
    """The figures that a source publishes of a network, PQ in percent on val at one scale."""

    source: str
    coco: float
    cityscapes: float | None = None
    parameters: float | None = None
    """Parameters in millions."""


def _mask2former(name: str, backbone: Mapping[str, Any], queries: int = 100) -> MasksConfig:
    return MasksConfig(f'mask2former-{name}', read_settings({
        'model_type': 'mask2former', 'num_queries': queries, 'backbone_config': backbone}))


def _swin(width: int, depths: tuple[int, ...], heads: int, window: int) -> dict[str, Any]:
    return {'model_type': 'swin', 'embed_dim': width, 'depths': depths,
            'num_heads': [heads << stage for stage in range(4)], 'window_size': window,
            'drop_path_rate': 0.3}


def _eomt(name: str, width: int, depth: int, blocks: int) -> MasksConfig:
    return MasksConfig(f'eomt-{name}', read_settings({
        'model_type': 'eomt', 'hidden_size': width, 'num_hidden_layers': depth,
        'num_attention_heads': width // 64, 'num_blocks': blocks, 'image_size': 640,
        'num_queries': 200}), padding=BLACK)


_RESNET = {'model_type': 'resnet', 'depths': [3, 4, 6, 3], 'embedding_size': 64,
           'hidden_sizes': [256, 512, 1024, 2048]}

_TABLE = (
    (_mask2former('r50', _RESNET), Published('Mask2Former', 51.9, 62.1, 44.1)),
    (_mask2former('swin-t', _swin(96, (2, 2, 6, 2), 3, 7)),
     Published('Mask2Former', 53.2, 63.9, 47.5)),
    (_mask2former('swin-s', _swin(96, (2, 2, 18, 2), 3, 7)), Published('Mask2Former', 54.6, 64.8)),
    (_mask2former('swin-b', _swin(128, (2, 2, 18, 2), 4, 12)),
     Published('Mask2Former', 56.4, 66.1)),
    (_mask2former('swin-l', _swin(192, (2, 2, 18, 2), 6, 12), 200),
     Published('Mask2Former', 57.8, 66.6)),
    (_eomt('s', 384, 12, 3), Published('EoMT', 46.7, parameters=24)),
    (_eomt('b', 768, 12, 3), Published('EoMT', 51.6, parameters=94)),
    (_eomt('l', 1024, 24, 4), Published('EoMT', 56.0, parameters=317)),
)
PRESETS = {config.name: config for config, _ in _TABLE}
"""The networks by name."""
PUBLISHED = {config.name: published for config, published in _TABLE}
"""The published figures of them."""


def name_of(settings: Mapping[str, Any]) -> str:
    """Return the name of the network with such settings, or what kind of network it is."""
    for name, config in PRESETS.items():
        if _shape(config.settings) == _shape(settings):
            return name
    backbone = settings.get('backbone_config', {}).get('model_type', '')
    return '-'.join(filter(None, (settings['model_type'], backbone)))


def _shape(settings: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what distinguishes the published networks."""
    backbone = settings.get('backbone_config', {})
    return (settings['model_type'], settings.get('hidden_size'), backbone.get('model_type'),
            backbone.get('embed_dim'), tuple(backbone.get('depths', ())))
