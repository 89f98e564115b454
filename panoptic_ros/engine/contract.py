"""Comparing the tensors of the engine contract with those that an ONNX file declares."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ..tensors import Outputs, TensorSpec
from .metadata import Contract, ModelError, ModelMetadata


class Tensor(NamedTuple):
    """An input or output as a file declares it."""

    type: str
    """Type such as 'float32', by NumPy's name if NumPy has one."""
    shape: tuple[int | str | None, ...]
    """Sizes; a free size is a name or None."""

    def __str__(self) -> str:
        return f'{self.type} ({", ".join(map(str, self.shape))})'


def image_spec(metadata: ModelMetadata) -> TensorSpec:
    """Return the spec of the input ``image``: (H, W, 3), BGR, at the network's resolution."""
    return TensorSpec((*metadata.input_size, 3), ('uint8',))


def outputs_of(metadata: ModelMetadata, contract: Contract, source: str) -> Outputs:
    """
    Return the tensors that the network of a file has to put out.

    Raises
    ------
    ModelError
        The model's family is unknown, or the metadata lack what the family needs; ``source``
        names the file in the message.

    """
    try:
        return contract(metadata)
    except ValueError as error:
        raise ModelError(f'{source} has metadata that cannot be read: {error}') from error


def check_contract(path: Path, metadata: ModelMetadata, outputs: Outputs,
                   declared: tuple[Mapping[str, Tensor], Mapping[str, Tensor]]) -> int | None:
    """
    Refuse a file whose tensors differ from the engine contract.

    Parameters
    ----------
    path, metadata
        The file and its metadata.
    outputs
        The tensors that the network has to put out.
    declared
        The inputs and the outputs of the file's graph.

    Returns
    -------
    The number of images that the network takes at once; None if it is free.

    Raises
    ------
    ModelError
        A tensor is absent, or has another type or shape, or there is an input beside the image.

    """
    inputs, found = declared
    image = _checked(path, 'input image', inputs.get('image'), image_spec(metadata))
    others = sorted(set(inputs) - {'image'})
    if others:
        raise ModelError(f'{path}: input {others[0]!a:.200} stands beside image, and nobody fills '
                         'it: the engine contract has one input; make the others constants')
    batch = image.shape[0] if isinstance(image.shape[0], int) else None
    for name, spec in outputs.items():
        tensor = _checked(path, f'output {name}', found.get(name), spec)
        count = tensor.shape[0]
        if isinstance(count, int) and count != (batch or 1):
            raise ModelError(f'{path}: output {name} is {tensor}, the input image {image}: '
                             'expected the same number of images for both')
    check_types(outputs, {name: found[name].type for name in outputs}, f'{path}: ')
    _check_announced(path, metadata, found)
    return batch


def check_types(outputs: Outputs, types: Mapping[str, str], where: str) -> None:
    """
    Refuse outputs of different types if the contract allows them the same choice of types.

    Raises
    ------
    ModelError
        The types differ; ``where`` begins the message.

    """
    for shared in {spec.types for spec in outputs.values()}:
        together = {name: types[name] for name, spec in outputs.items() if spec.types == shared}
        if len(set(together.values())) > 1:
            raise ModelError(
                f'{where}the outputs are '
                f'{", ".join(f"{name} {kind}" for name, kind in together.items())}: the '
                f'engine contract asks for one type for all, {" or ".join(shared)}')


def _checked(path: Path, name: str, found: Tensor | None, spec: TensorSpec) -> Tensor:
    if found is None or found.type not in spec.types or found.shape[1:] != spec.shape:
        raise ModelError(f'{path}: {name} is {found or "absent"}: the engine contract asks for '
                         f'{spec}')
    return found


def _check_announced(path: Path, metadata: ModelMetadata, found: Mapping[str, Tensor]) -> None:
    """Compare the metadata with the graph, because readers of one rely on the other."""
    for output in metadata.outputs:
        tensor = found.get(output.name)
        if tensor is None or tensor.type != output.type or tensor.shape[1:] != output.shape:
            announced = Tensor(output.type, ('N', *output.shape))
            raise ModelError(f'{path}: output {output.name!a} is {tensor or "absent"}: the '
                             f'metadata of the file announce {announced}; export it again')
