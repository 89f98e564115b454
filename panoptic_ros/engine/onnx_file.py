"""An ONNX file that a plan can be built from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..libraries import needed
from ..tensors import Outputs
from .contract import Tensor, check_contract, outputs_of
from .external_data import external_files
from .metadata import PREFIX, Contract, ModelError, ModelMetadata

LARGEST = 2**31 - 1
"""The most bytes that a protocol buffer may have."""


@dataclass(frozen=True)
class OnnxFile:
    """The content of an ONNX file that keeps the engine contract."""

    path: Path
    content: bytes
    properties: dict[str, str]
    """Those of the file's ``metadata_props`` that are ours."""
    metadata: ModelMetadata
    outputs: Outputs
    """The tensors that the network puts out."""
    batch: int | None
    """The number of images that the network takes at once; None if it is free."""
    operators: frozenset[str]
    """The names of the operators that the graph has, those inside of loops included."""

    @property
    def sha256(self) -> str:
        """Hash of the content."""
        return hashlib.sha256(self.content).hexdigest()

    @classmethod
    def read(cls, path: str | Path, contract: Contract) -> OnnxFile:
        """
        Read a file; ``contract`` tells which tensors the network has to put out.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ModelError
            The file is no ONNX model, or does not keep the contract.
        ImportError
            The package onnx is not installed.

        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f'no model file {path}: give the path of an .onnx file')
        content = read_onnx(path)
        model = parse_onnx(content, str(path))
        if external_files(content):
            raise ModelError(f'{path} keeps its weights in another file: expected one file that '
                             'holds all; save it with `onnx.save(onnx.load(...), path)`')
        properties = {p.key: p.value for p in model.metadata_props if p.key.startswith(PREFIX)}
        metadata = ModelMetadata.from_properties(properties, str(path))
        outputs = outputs_of(metadata, contract, str(path))
        batch = check_contract(path, metadata, outputs, _tensors(model))
        return cls(path, content, properties, metadata, outputs, batch,
                   frozenset(_operators(model.graph)))


def read_onnx(path: Path) -> bytes:
    """
    Return a file's content.

    Raises
    ------
    ModelError
        The file is larger than a protocol buffer may be.

    """
    with path.open('rb') as file:
        content = file.read(LARGEST + 1) if path.stat().st_size <= LARGEST else None
    if content is None or len(content) > LARGEST:
        raise ModelError(f'{path} has {path.stat().st_size} bytes: an ONNX file has {LARGEST} at '
                         'most')
    return content


def import_onnx() -> Any:
    """
    Return the module onnx.

    Raises
    ------
    ImportError
        The package is not installed, or cannot be imported.

    """
    with needed('building plans', 'onnx', 'pip install onnx', 'the package onnx'):
        import onnx
    return onnx


def parse_onnx(content: bytes, source: str) -> Any:
    """
    Return the ``ModelProto`` in a file's content; ``source`` names the file in errors.

    Raises
    ------
    ModelError
        The content is no ONNX model.
    ImportError
        The package onnx is not installed.

    """
    onnx = import_onnx()
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:      # protobuf's errors depend on its implementation
        raise ModelError(f'{source} is not an ONNX model: {error}') from error
    if not model.graph.node:
        raise ModelError(f'{source} is not an ONNX model: it holds no operation')
    return model


def _operators(graph: Any) -> Iterator[str]:
    for node in graph.node:
        yield node.op_type
        for attribute in node.attribute:
            for body in (attribute.g, *attribute.graphs):
                yield from _operators(body)


def _tensors(model: Any) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the inputs and the outputs of a graph."""
    constant = {tensor.name for tensor in model.graph.initializer}
    inputs, outputs = ({value.name: declared(value) for value in values
                        if value.name not in constant}
                       for values in (model.graph.input, model.graph.output))
    return inputs, outputs


def declared(value: Any) -> Tensor:
    """Return the declaration of a tensor in a graph, from its ``ValueInfoProto``."""
    if not value.type.HasField('tensor_type'):
        return Tensor(value.type.WhichOneof('value') or 'untyped', ())
    tensor = value.type.tensor_type
    types = import_onnx().TensorProto.DataType
    name = types.Name(tensor.elem_type) if tensor.elem_type in types.values() else 'unknown'
    name = {'FLOAT': 'float32', 'DOUBLE': 'float64'}.get(name, name.lower())
    return Tensor(name, tuple(d.dim_value if d.HasField('dim_value') else d.dim_param or None
                              for d in tensor.shape.dim))
