"""Finding the family of a model by its metadata."""

from __future__ import annotations

from .. import families
from ..engine import ModelError, ModelMetadata
from ..families import Family, options
from ..tensors import Outputs


def contract(metadata: ModelMetadata) -> Outputs:
    """
    Return the tensors that the network has to put out, as its family says.

    This function is an ``engine.Contract``.

    Raises
    ------
    ValueError
        There is no such family, or the model's layout is not one of the family's.

    """
    return families.find(metadata.family).outputs(metadata)


def family_of(metadata: ModelMetadata) -> Family:
    """
    Return the family of a model.

    Raises
    ------
    ModelError
        There is no such family.

    """
    try:
        return families.find(metadata.family)
    except ValueError as error:
        raise ModelError(str(error)) from error


def recommended(metadata: ModelMetadata) -> object:
    """
    Return the options that a model recommends.

    Raises
    ------
    ModelError
        There is no such family, or it has no such options.

    """
    family = family_of(metadata)
    try:
        return options.recommended(family, metadata.options)
    except ValueError as error:
        raise ModelError(f'the model recommends options that cannot be used: {error}; export '
                         'it again') from error
