"""The metadata of a network's model file, as far as the network alone determines them."""

from __future__ import annotations

from typing import Any

from ..engine import ModelMetadata
from ..labels import LabelSpace
from . import families
from .family import Configuration


def metadata_of(config: Configuration, label_space: LabelSpace, size: tuple[int, int],
                **more: Any) -> ModelMetadata:
    """
    Return the metadata of a network for an input (height, width).

    Parameters
    ----------
    config, label_space, size
        The network, its classes and its input.
    more
        Further fields of the metadata.

    """
    family = families.find(config.family)
    fit, padding = family.fitting(config)
    return ModelMetadata(
        network=config.name, input_size=size, label_space=label_space, family=config.family,
        layout=family.layout(config, size), fit=fit, padding=padding, **more)
