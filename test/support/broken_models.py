"""A tiny network with something added to its logits that depends on the first pixel's blue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import tiny_model
from onnx import TensorProto, helper, numpy_helper

POISON = 255


def build(path: Path, added: Sequence[float], network: ModuleType = tiny_model,
          output: str = 'semantic') -> Path:
    """
    Write the network to ``path``; ``added[b]`` is added to every logit where blue is ``b``.

    ``network`` is the module that builds it, and ``output`` has the logits.

    Where ``added`` ends before ``b`` the runtime raises in the middle of the network.
    """
    model = onnx.load(network.build(path))
    graph = model.graph
    last = next(node for node in graph.node if node.output[0] == output)
    last.output[0] = 'sound'
    for name, value in (('added', np.float32(added)), ('first', np.int64([0, 0, 0, 0])),
                        ('next', np.int64([1, 1, 1, 1])), ('scalar', np.int64([]))):
        graph.initializer.append(numpy_helper.from_array(value, name))
    graph.node.extend([
        helper.make_node('Slice', ['image', 'first', 'next'], ['corner']),
        helper.make_node('Cast', ['corner'], ['index'], to=TensorProto.INT64),
        helper.make_node('Reshape', ['index', 'scalar'], ['blue']),
        helper.make_node('Gather', ['added', 'blue'], ['addend']),
        helper.make_node('Add', ['sound', 'addend'], [output])])
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def unfit(path: Path, name: str) -> None:
    """Write the network to ``path`` with the fault of that name, one of ``UNFIT``."""
    model = onnx.load(tiny_model.build(path))
    UNFIT[name](model)
    onnx.save_model(model, path)


def _property(model: Any, name: str, text: str) -> None:
    next(p for p in model.metadata_props if p.key == f'panoptic_ros.{name}').value = text


def _outside(model: Any) -> None:
    tensor = onnx.TensorProto(name='secret', data_type=1, dims=[1], data_location=1)
    tensor.external_data.add(key='location', value='../weights')
    model.graph.initializer.append(tensor)


def _for_four(model: Any) -> None:
    for value in (*model.graph.input, *model.graph.output):
        value.type.tensor_type.shape.dim[0].dim_value = 4


def _of_several_types(model: Any) -> None:
    next(node for node in model.graph.node if node.output[0] == 'center').output[0] = 'float32'
    model.graph.node.append(helper.make_node('Cast', ['float32'], ['center'],
                                             to=TensorProto.FLOAT16))
    model.graph.output[1].type.tensor_type.elem_type = TensorProto.FLOAT16


UNFIT: dict[str, Callable[[Any], None]] = {
    'model whose texts cannot be sent': lambda model: _property(model, 'network', '"\\ud800"'),
    'model that recommends nonsense': lambda model: _property(
        model, 'options', '{"nms_kernel": 1000000001}'),
    'model that reads files outside its folder': _outside,
    'model for several images at once': _for_four,
    'model whose outputs have several types': _of_several_types,
}
"""By the names of rows in docs/faults.md, what makes a model that is refused when it is loaded."""


def poisoned(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return a copy of a picture whose first pixel has the blue ``POISON``."""
    picture = picture.copy()
    picture[0, 0, 0] = POISON
    return picture
