"""Mask2Former and EoMT with the engine's contract built in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .config import MasksConfig
from .optional import load_transformers


class MasksNetwork(nn.Module):
    """
    A network of ``transformers`` from camera pixels to queries.

    Parameters
    ----------
    config
        The network's shape.
    classes
        C, the number of classes of the label space.
    model
        The network of ``transformers``; by default one with random weights.

    Raises
    ------
    LibraryError
        The library is not installed.

    """

    mean: Tensor
    scale: Tensor

    def __init__(self, config: MasksConfig, classes: int, model: nn.Module | None = None) -> None:
        super().__init__()
        self.config, self.classes = config, classes
        self.register_buffer('mean', _per_channel(config.mean), persistent=False)
        self.register_buffer('scale', 1 / _per_channel(config.deviation), persistent=False)
        if model is None:
            kind, settings = blueprint(config, classes)
            model = kind(settings)
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """
        Run the network.

        Parameters
        ----------
        image
            uint8 [N, H, W, 3], BGR, of a size that ``config.check_size`` accepts.

        Returns
        -------
        ``classes`` [N, Q, C + 1] and ``masks`` [N, Q, h, w], logits both.

        """
        output = self.model(pixel_values=self.pixels(image))
        return output.class_queries_logits, output.masks_queries_logits

    def pixels(self, image: Tensor) -> Tensor:
        """Return images as the source's network takes them, float [N, 3, H, W]."""
        rgb = image.to(self.mean.dtype).permute(0, 3, 1, 2).flip(1)
        return (rgb - self.mean) * self.scale


def blueprint(config: MasksConfig, classes: int) -> tuple[Any, Any]:
    """Return the class of a network in ``transformers``, and its configuration there."""
    library = load_transformers()
    values = {name: value for name, value in config.settings.items() if name != 'model_type'}
    numbers = {'num_labels': classes, 'attn_implementation': 'eager'}
    if config.model == 'eomt':
        return library.EomtForUniversalSegmentation, library.EomtConfig(**values, **numbers)
    backbone = dict(values.pop('backbone_config'))
    kinds: Mapping[str, Any] = {'swin': library.SwinConfig, 'resnet': library.ResNetConfig}
    settings = kinds[backbone.pop('model_type')](**backbone)
    return (library.Mask2FormerForUniversalSegmentation,
            library.Mask2FormerConfig(backbone_config=settings, **values, **numbers))


def _per_channel(values: tuple[float, float, float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float32).view(1, 3, 1, 1)
