"""The metadata of a network's model file, as far as the network alone determines them."""

from __future__ import annotations

from typing import Any

from ..engine import ModelMetadata
from ..labels import LabelSpace
from . import families
from .family import Configuration
from .samples import MEAN


def metadata_of(config: Configuration, label_space: LabelSpace, size: tuple[int, int],
                fit: str | None = None, **more: Any) -> ModelMetadata:
    """
    Return the metadata of a network for an input (height, width).

    A network whose own way is to stretch images can be told to pad them.  The padding then has the
    colour that trainings here show outside a frame.

    Parameters
    ----------
    config, label_space, size
        The network, its classes and its input.
    fit
        How images are brought to the input, 'stretch' or 'pad'; None for the network's own way.
    more
        Further fields of the metadata.

    """
    family = families.find(config.family)
    own, padding = family.fitting(config)
    if fit not in (None, own):
        padding = MEAN if fit == 'pad' else ()
    return ModelMetadata(
        network=config.name, input_size=size, label_space=label_space, family=config.family,
        layout=family.layout(config, size), fit=fit or own, padding=padding, **more)
