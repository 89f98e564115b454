"""
A network of mask queries that is small enough to reason about: it reads classes off colours.

Each class has two queries, one for the left side of the image and one for the right side, so that
two cars are told apart.  A mask has the cells whose colour is that of the class.  The pictures are
those of ``tiny_model.scene``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from panoptic_ros import LabelSpace
from panoptic_ros.engine import ModelMetadata

STRIDE = 4
_SHARPNESS = 2000
_RADIUS = 0.003         # squared distance between colours at which a mask ends
_OTHER_SIDE = -4000


def build(path: Path, input_size: tuple[int, int] = (64, 128), fit: str = 'stretch') -> Path:
    """Write the network to ``path``; ``fit`` is how images are brought to its input."""
    space = LabelSpace.load('cityscapes')
    height, width = input_size
    rows, columns, queries = height // STRIDE, width // STRIDE, 2 * len(space)
    bgr = np.repeat(space.colors[:, ::-1].astype(np.float32) / 255, 2, 0)
    sides, border = np.zeros((1, queries, 1, columns), np.float32), columns * 3 // 5
    sides[:, 0::2, :, border:] = sides[:, 1::2, :, :border] = _OTHER_SIDE
    logits = np.repeat(np.eye(len(space), len(space) + 1, dtype=np.float32) * 12, 2, 0)
    weights = {
        'scale': np.float32(1 / 255), 'sharpness': np.float32(_SHARPNESS),
        'colors': (2 * bgr)[:, :, None, None],
        'offsets': np.float32(_RADIUS) - (bgr ** 2).sum(1),
        'sides': sides, 'logits': logits[None], 'zero': np.float32(0),
        'channels': np.array([1], np.int64), 'planes_axes': np.array([1, 2, 3], np.int64),
        'shape': np.array([-1, 1, 1], np.int64),
    }
    nodes = [
        helper.make_node('Cast', ['image'], ['float'], to=TensorProto.FLOAT),
        helper.make_node('Transpose', ['float'], ['planes'], perm=[0, 3, 1, 2]),
        helper.make_node('Mul', ['planes', 'scale'], ['unit']),
        helper.make_node('AveragePool', ['unit'], ['cells'], kernel_shape=[STRIDE, STRIDE],
                         strides=[STRIDE, STRIDE]),
        helper.make_node('Conv', ['cells', 'colors', 'offsets'], ['nearness']),
        helper.make_node('Mul', ['cells', 'cells'], ['squares']),
        helper.make_node('ReduceSum', ['squares', 'channels'], ['norms'], keepdims=1),
        helper.make_node('Sub', ['nearness', 'norms'], ['closeness']),
        helper.make_node('Mul', ['closeness', 'sharpness'], ['steep']),
        helper.make_node('Add', ['steep', 'sides'], ['masks']),
        helper.make_node('ReduceMax', ['unit', 'planes_axes'], ['brightest'], keepdims=0),
        helper.make_node('Mul', ['brightest', 'zero'], ['nothing']),
        helper.make_node('Reshape', ['nothing', 'shape'], ['batch']),
        helper.make_node('Add', ['logits', 'batch'], ['classes']),
    ]
    graph = helper.make_graph(
        nodes, 'tiny queries',
        [helper.make_tensor_value_info('image', TensorProto.UINT8, ['N', height, width, 3])],
        [helper.make_tensor_value_info('classes', TensorProto.FLOAT,
                                       ['N', queries, len(space) + 1]),
         helper.make_tensor_value_info('masks', TensorProto.FLOAT, ['N', queries, rows, columns])],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)])
    model.ir_version = 10
    metadata = ModelMetadata(
        'tiny', input_size, space, {'data': 'none'}, family='masks', fit=fit,
        layout={'queries': queries, 'stride': STRIDE})
    helper.set_model_props(model, metadata.to_properties())
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
