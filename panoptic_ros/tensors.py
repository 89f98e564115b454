"""What is said about a tensor before there is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple, TypeAlias


class TensorSpec(NamedTuple):
    """What a tensor of one image may be; the tensor itself has the batch in front."""

    shape: tuple[int, ...]
    types: tuple[str, ...]
    """The types that are allowed, by NumPy's names; tensors that share them have one of them."""

    def __str__(self) -> str:
        return f'{" or ".join(self.types)} (N, {", ".join(map(str, self.shape))})'


Outputs: TypeAlias = Mapping[str, TensorSpec]
"""What a network puts out, by the names of the tensors."""

FLOATS = ('float32', 'float16')
"""The types of logits."""
