"""The networks of this package by name, with the published figures."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...backbones.config import MOBILE, BackboneConfig
from .config import PARTS, BranchConfig, NetworkConfig

MEAN, DEVIATION = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
"""Means and standard deviations of ImageNet's red, green and blue, 0 to 255."""


@dataclass(frozen=True)
class Published:
    """The figures that a source publishes of a network for Cityscapes."""

    source: str
    pq: float
    """PQ in percent on val, at one scale."""
    parameters: float | None = None
    """Parameters in millions."""
    multiply_adds: float | None = None
    """Multiply-adds in thousand millions, for one image of 1025x2049."""


def _branches(semantic: tuple[int, ...], instance: tuple[int, ...],
              ) -> tuple[BranchConfig, BranchConfig]:
    """Return both branches of the paper's width with these low-level channels."""
    return (BranchConfig(256, semantic, (256,) * len(semantic), 256),
            BranchConfig(256, instance, (128,) * len(instance), 32))


def _paper(name: str, backbone: str, output_stride: int, decoders: int = 2) -> NetworkConfig:
    """Return a network as in the paper, with this package's conventions, to be trained here."""
    levels = 3 if output_stride == 32 else 2
    semantic, instance = _branches((128, 64, 32)[-levels:], (64, 32, 16)[-levels:])
    if decoders == 1:
        instance = replace(semantic, head=instance.head)
    rates = (3, 6, 9) if output_stride == 32 else (6, 12, 18)
    return NetworkConfig(name, BackboneConfig(backbone, output_stride), semantic, instance,
                         decoders, rates)


def _detectron2(name: str, backbone: str, output_stride: int = 16,
                separable: bool = False) -> NetworkConfig:
    """Return a network as in detectron2's project, trained with crops of 512x1024."""
    low = (128, 64, 32) if output_stride == 32 else (64, 32)
    semantic, instance = _branches(low, low)
    rates = (3, 6, 9) if output_stride == 32 else (6, 12, 18)
    parts = tuple(part for part in PARTS if part != 'center') if separable else ()
    return NetworkConfig(name, BackboneConfig(backbone, output_stride), semantic, instance,
                         rates=rates, separable=parts, window=(512, 1024), rgb=True, mean=MEAN,
                         deviation=DEVIATION, offset_unit=4)


def _bowenc(name: str, backbone: str) -> NetworkConfig:
    """Return a network as in bowenc0221/panoptic-deeplab, trained with crops of 1025x2049."""
    semantic, instance = _branches((128, 64, 32), (64, 32, 16))
    return NetworkConfig(name, BackboneConfig(backbone, 32), semantic, instance, rates=(3, 6, 9),
                         separable=PARTS[1:], dropout=0.5, window=(1025, 2049),
                         pooled_bias=False, low_level_first=False, align_corners=True, rgb=True,
                         mean=MEAN, deviation=DEVIATION, offset_unit=4)


def _centered(config: NetworkConfig, half: float) -> NetworkConfig:
    """Return the network with pixels scaled to -1 to 1, as Xception's sources have it."""
    return replace(config, mean=(half,) * 3, deviation=(half,) * 3)


_MOBILE = NetworkConfig(
    'mobile', MOBILE,
    semantic=BranchConfig(aspp=96, low_level=(48, 32, 32), decoder=(96, 64, 64), head=64),
    instance=BranchConfig(aspp=64, low_level=(32, 16, 16), decoder=(64, 48, 32), head=32),
    rates=(3, 6, 9))

_LITE = replace(_MOBILE, name='lite0', backbone=BackboneConfig('efficientnet_lite0', 32), rgb=True,
                mean=(127.0,) * 3, deviation=(128.0,) * 3)

_TABLE: tuple[tuple[NetworkConfig, Published | None], ...] = (
    (_MOBILE, None),
    (_LITE, None),
    (_paper('r50', 'resnet50', 32), None),
    (_paper('r50-one-decoder', 'resnet50', 32, decoders=1), None),
    (_paper('r52', 'resnet52', 16), Published('paper', pq=59.8)),
    (_paper('r101', 'resnet101', 16), None),
    (_paper('mobilenet_v3', 'mobilenet_v3', 16), Published('deeplab2', pq=55.3)),
    (_centered(_paper('xception65', 'xception65', 16), 127.5), None),
    (_centered(_paper('xception71', 'xception71', 16), 127.5),
     Published('paper', pq=63.0, parameters=46.72, multiply_adds=547.49)),
    (_paper('hrnet48', 'hrnet48', 32), None),
    (_detectron2('r52-detectron2', 'resnet52'), Published('detectron2', pq=60.3)),
    (_detectron2('r52-dsconv-detectron2', 'resnet52', separable=True),
     Published('detectron2', pq=60.3)),
    (_centered(_detectron2('xception65-dsconv-detectron2', 'xception65', separable=True), 128),
     Published('bowenc0221', pq=61.4)),
    (_detectron2('hrnet48-dsconv-detectron2', 'hrnet48', 32, separable=True),
     Published('bowenc0221', pq=63.4)),
    (_bowenc('r50-bowenc', 'resnet50'), Published('bowenc0221', pq=59.8)),
    (_bowenc('r101-bowenc', 'resnet101'), Published('bowenc0221', pq=60.3)),
    (_bowenc('mobilenet_v2-bowenc', 'mobilenet_v2'), Published('bowenc0221', pq=55.1)),
    (_centered(_bowenc('xception65-bowenc', 'xception65'), 127.5),
     Published('bowenc0221', pq=61.8)),
    (_bowenc('hrnet48-bowenc', 'hrnet48'), Published('bowenc0221', pq=63.4)),
)
PRESETS = {config.name: config for config, _ in _TABLE}
"""The networks by name; one whose name ends with a source's is exactly the source's."""
PUBLISHED = {config.name: published for config, published in _TABLE if published}
"""The published figures of some of them."""


def preset(name: str) -> NetworkConfig:
    """
    Return a network of this package by its name.

    Raises
    ------
    ValueError
        There is none of that name.

    """
    if name not in PRESETS:
        raise ValueError(f'no network {name!r}: expected one of {sorted(PRESETS)}')
    return PRESETS[name]
