"""The tiny network with a loop that does not end while a picture begins with white."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import tiny_model
from onnx import TensorProto, helper, numpy_helper

WHITE = 255


def build(path: Path) -> Path:
    """
    Write the network to ``path``.

    As long as the first pixel's blue is ``WHITE`` the runtime never comes back.
    """
    model = onnx.load(tiny_model.build(path))
    graph = model.graph
    semantic = next(node for node in graph.node if node.output[0] == 'semantic')
    semantic.output[0] = 'sound'
    for name, value in (('first', np.int64([0, 0, 0, 0])), ('next', np.int64([1, 1, 1, 1])),
                        ('scalar', np.int64([])), ('white', np.int64(WHITE)),
                        ('nothing at first', np.float32(0))):
        graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    body = helper.make_graph(
        [helper.make_node('Identity', ['goes on'], ['goes on further']),
         helper.make_node('Identity', ['nothing'], ['nothing more'])], 'body',
        [helper.make_tensor_value_info('step', TensorProto.INT64, []),
         helper.make_tensor_value_info('goes on', TensorProto.BOOL, []),
         helper.make_tensor_value_info('nothing', TensorProto.FLOAT, [])],
        [helper.make_tensor_value_info('goes on further', TensorProto.BOOL, []),
         helper.make_tensor_value_info('nothing more', TensorProto.FLOAT, [])])
    graph.node.extend([
        helper.make_node('Slice', ['image', 'first', 'next'], ['corner']),
        helper.make_node('Cast', ['corner'], ['index'], to=TensorProto.INT64),
        helper.make_node('Reshape', ['index', 'scalar'], ['blue']),
        helper.make_node('Equal', ['blue', 'white'], ['hangs']),
        helper.make_node('Loop', ['', 'hangs', 'nothing at first'], ['added'], body=body),
        helper.make_node('Add', ['sound', 'added'], ['semantic'])])
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def white(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return a copy of a picture with which the network hangs."""
    picture = picture.copy()
    picture[0, 0, 0] = WHITE
    return picture
