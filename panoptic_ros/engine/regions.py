"""
The part of a network that works on boxes, which stays in float32 whatever the rest becomes.

float16 has no numbers between 512 and 512.5, and so no place for the sides of boxes.  So of what
is behind the choice of the best boxes, only products with weights become float16: convolutions
and matrices, which take the time.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .onnx_file import import_onnx

_PRODUCTS = ('Conv', 'ConvTranspose', 'Gemm')
_SUFFIX = '_half'


class Regions:
    """
    The part of a model behind its choice of boxes, taken out of it.

    Parameters
    ----------
    model
        ``onnx.ModelProto`` in float32.  It keeps the other part, whose outputs are what this part
        reads; ``present`` tells whether there is one.

    """

    def __init__(self, model: Any) -> None:
        self._nodes = _behind_choices(model.graph)
        self.present = bool(self._nodes)
        if not self.present:
            return
        onnx = import_onnx()
        kinds = {value.name: value for value in onnx.shape_inference.infer_shapes(
            model, data_prop=True).graph.value_info}
        self._outputs = [_copied(value) for value in model.graph.output]
        behind = {name for node in self._nodes for name in node.output}
        read = {name for node in self._nodes for name in _read(node)} | {
            value.name for value in self._outputs}
        self._weights = [_copied(tensor) for tensor in model.graph.initializer
                         if tensor.name in read]
        kept = [node for node in model.graph.node if behind.isdisjoint(node.output)]
        made = [name for node in kept for name in node.output if name in read]
        known = {value.name: value for value in self._outputs}
        borders = [_copied(known.get(name) or kinds[name]) for name in made]
        nodes = [_copied(node) for node in kept]
        del model.graph.node[:], model.graph.output[:], model.graph.value_info[:]
        model.graph.node.extend(nodes)
        model.graph.output.extend(borders)
        used = {name for node in nodes for name in _read(node)}
        weights = [_copied(tensor) for tensor in model.graph.initializer if tensor.name in used]
        del model.graph.initializer[:]
        model.graph.initializer.extend(weights)

    def rejoin(self, model: Any) -> None:
        """Add this part to the other one, whose outputs are float32 again."""
        taken = {tensor.name for tensor in model.graph.initializer}
        new = {tensor.name: f'{tensor.name}_whole' for tensor in self._weights
               if tensor.name in taken}
        for node in self._nodes:
            _rename(node, new)
        for tensor in self._weights:
            tensor.name = new.get(tensor.name, tensor.name)
        weights = {tensor.name: tensor for tensor in self._weights}
        nodes = [step for node in self._nodes for step in _halved(node, weights)]
        model.graph.node.extend(nodes)
        read = {name for node in nodes for name in _read(node)}
        model.graph.initializer.extend(tensor for name, tensor in weights.items() if name in read)
        del model.graph.output[:]
        model.graph.output.extend(self._outputs)


def _behind_choices(graph: Any) -> list[Any]:
    if not any(node.op_type == 'RoiAlign' for node in graph.node):
        return []
    behind: set[str] = set()
    nodes = []
    for node in graph.node:             # each comes behind those that it depends on
        if node.op_type == 'TopK' or not behind.isdisjoint(_read(node)):
            behind.update(node.output)
            nodes.append(_copied(node))
    return nodes


def _read(node: Any) -> Iterable[str]:
    """Yield the tensors that a node reads, also inside of its loops."""
    yield from filter(None, node.input)
    for attribute in node.attribute:
        for body in (attribute.g, *attribute.graphs):
            own = {name for inner in body.node for name in inner.output}
            own |= {value.name for value in body.input} | {t.name for t in body.initializer}
            yield from (name for inner in body.node for name in _read(inner) if name not in own)


def _rename(node: Any, names: dict[str, str]) -> None:
    for place, name in enumerate(node.input):
        node.input[place] = names.get(name, name)
    for attribute in node.attribute:
        for inner in attribute.g.node:
            _rename(inner, names)


def _halved(node: Any, weights: dict[str, Any]) -> list[Any]:
    """Return a node; a product with weights as one in float16 between conversions."""
    if node.op_type not in _PRODUCTS or not all(name in weights for name in node.input[1:]):
        return [node]
    onnx = import_onnx()
    half = _copied(node)
    for place, name in enumerate(node.input):
        half.input[place] = name + _SUFFIX
        if place and name + _SUFFIX not in weights:
            values = onnx.numpy_helper.to_array(weights[name]).clip(-65504, 65504)
            weights[name + _SUFFIX] = onnx.numpy_helper.from_array(
                values.astype(np.float16), name + _SUFFIX)
    half.input[0] = f'{node.output[0]}_in{_SUFFIX}'
    half.output[0] = f'{node.output[0]}{_SUFFIX}'
    make = onnx.helper.make_node
    return [make('Cast', [node.input[0]], [half.input[0]], f'{node.name}_down',
                 to=onnx.TensorProto.FLOAT16), half,
            make('Cast', [half.output[0]], [node.output[0]], f'{node.name}_up',
                 to=onnx.TensorProto.FLOAT)]


def _copied(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy
