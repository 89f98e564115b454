"""Shapes and types that tensors may have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias


class TensorSpec(NamedTuple):
    """Shape and types that a tensor of one image may have; the tensor has the batch in front."""

    shape: tuple[int, ...]
    types: tuple[str, ...]
    """
    The allowed types, by NumPy's names.

    All tensors of a network with the same allowed types have the same one of these types.
    """

    def __str__(self) -> str:
        return f'{" or ".join(self.types)} (N, {", ".join(map(str, self.shape))})'


class OutputError(ValueError):
    """What a network puts out for an image means nothing, such as NaN."""


Outputs: TypeAlias = Mapping[str, TensorSpec]
"""The tensors that a network puts out, by their names."""

FLOATS = ('float32', 'float16')
"""The types of logits."""
