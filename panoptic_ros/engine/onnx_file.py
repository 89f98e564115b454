"""An ONNX file as something to build a plan from."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..libraries import needed
from .metadata import HEADS, ModelError, ModelMetadata

LARGEST = 2**31 - 1
"""Bytes that a protocol buffer may have."""


@dataclass(frozen=True)
class OnnxFile:
    """The content of an ONNX file that keeps the engine contract."""

    path: Path
    content: bytes
    properties: dict[str, str]
    """Its ``metadata_props``."""
    metadata: ModelMetadata
    batch: int | None
    """How many images it takes at once; None where that is free."""

    @property
    def sha256(self) -> str:
        """Hash of the content."""
        return hashlib.sha256(self.content).hexdigest()

    @classmethod
    def read(cls, path: str | Path) -> OnnxFile:
        """
        Read a file.

        Raises
        ------
        FileNotFoundError
            There is no such file.
        ModelError
            It is not an ONNX model, or one that does not keep the contract.
        ImportError
            The package onnx is not installed.

        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f'no model file {path}: give the path of an .onnx file')
        size = path.stat().st_size
        if size > LARGEST:
            raise ModelError(f'{path} has {size} bytes: an ONNX file has {LARGEST} at most')
        content = path.read_bytes()
        model = parse_onnx(content, str(path))
        if any(w.data_location == w.EXTERNAL for w in _tensors(model)):
            raise ModelError(f'{path} keeps its weights in another file: expected one file that '
                             'holds all; save it with `onnx.save(onnx.load(...), path)`')
        properties = {p.key: p.value for p in model.metadata_props}
        metadata = ModelMetadata.from_properties(properties, str(path))
        return cls(path, content, properties, metadata, _batch(model, metadata, path))


def import_onnx() -> Any:
    """
    Return the module onnx.

    Raises
    ------
    ImportError
        It is not installed, or cannot be imported.

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
        The content is something else.
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


def _tensors(model: Any) -> Iterator[Any]:
    """Yield all that a model holds: weights and constants, also those of its functions."""
    yield from _graph_tensors(model.graph)
    for function in model.functions:
        yield from _node_tensors(function.node)


def _graph_tensors(graph: Any) -> Iterator[Any]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)
    yield from _node_tensors(graph.node)


def _node_tensors(nodes: Iterable[Any]) -> Iterator[Any]:
    for attribute in (a for node in nodes for a in node.attribute):
        yield from (attribute.t, *attribute.tensors)
        for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
            yield from (sparse.values, sparse.indices)
        for inner in (attribute.g, *attribute.graphs):
            yield from _graph_tensors(inner)


def _batch(model: Any, metadata: ModelMetadata, path: Path) -> int | None:
    """Check the contract's tensors, and return the size of the image's first axis."""
    onnx = import_onnx()
    inputs = {i.name: i.type.tensor_type for i in model.graph.input}
    image = inputs.get('image')
    expected = metadata.shapes['image']
    shape = [] if image is None else [d.dim_value or d.dim_param for d in image.shape.dim]
    if (image is None or image.elem_type != onnx.TensorProto.UINT8
            or shape[1:] != list(expected)):
        kind = 'absent' if image is None else onnx.TensorProto.DataType.Name(image.elem_type)
        raise ModelError(f'{path}: input image is {kind} {tuple(shape)}: the engine contract '
                         f'asks for UINT8 (N, {", ".join(map(str, expected))})')
    missing = set(HEADS) - {o.name for o in model.graph.output}
    if missing:
        raise ModelError(f'{path}: output {", ".join(sorted(missing))} is absent: the engine '
                         f'contract asks for {", ".join(HEADS)}')
    return shape[0] if isinstance(shape[0], int) else None
