"""The tensors of the engine contract, held against those that an ONNX file declares."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from .metadata import HEADS, ModelError, ModelMetadata

IMAGE_TYPE = 'uint8'
HEAD_TYPES = ('float32', 'float16')
"""What the grouping computes with."""


class Tensor(NamedTuple):
    """An input or output as a file declares it."""

    type: str
    """Such as 'float32', by NumPy's name where it has one."""
    shape: tuple[int | str | None, ...]
    """Names or None where a size is free."""

    def __str__(self) -> str:
        return f'{self.type} ({", ".join(map(str, self.shape))})'


def check_contract(path: Path, metadata: ModelMetadata, inputs: Mapping[str, Tensor],
                   outputs: Mapping[str, Tensor]) -> int | None:
    """
    Refuse a file whose tensors are not those of the engine contract.

    Returns
    -------
    How many images it takes at once; None where that is free.

    Raises
    ------
    ModelError
        A tensor is absent, or has another type or shape; or there is an input beside the image.

    """
    shapes = metadata.shapes
    image = inputs.get('image')
    _check(path, 'input', 'image', image, (IMAGE_TYPE,), shapes['image'])
    assert image is not None
    others = sorted(set(inputs) - {'image'})
    if others:
        raise ModelError(f'{path}: input {others[0]!a:.200} stands beside image, and nobody fills '
                         'it: the engine contract has one input; make the others constants')
    batch = image.shape[0] if isinstance(image.shape[0], int) else None
    for name, shape in shapes.items():
        if name == 'image':
            continue
        found = outputs.get(name)
        _check(path, 'output', name, found, HEAD_TYPES, shape)
        assert found is not None
        count = found.shape[0]
        if isinstance(count, int) and count != (batch or 1):
            raise ModelError(f'{path}: output {name} is {found}, the input image {image}: '
                             'expected as many images of both')
    types = {name: outputs[name].type for name in HEADS}
    if len(set(types.values())) > 1:
        raise ModelError(f'{path}: the outputs are '
                         f'{", ".join(f"{name} {kind}" for name, kind in types.items())}: the '
                         f'engine contract asks for one type for all, {" or ".join(HEAD_TYPES)}')
    return batch


def _check(path: Path, kind: str, name: str, found: Tensor | None, types: tuple[str, ...],
           shape: tuple[int, ...]) -> None:
    if found is None or found.type not in types or found.shape[1:] != shape:
        raise ModelError(f'{path}: {kind} {name} is {found or "absent"}: the engine contract asks '
                         f'for {" or ".join(types)} (N, {", ".join(map(str, shape))})')
