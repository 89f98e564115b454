"""
A network small enough to reason about: it reads classes off colours.

The class of a cell is that of the nearest Cityscapes colour, a white dot marks the centre of an
instance, offsets are zero.  It keeps the engine contract, so that tests of everything behind the
engine need no trained weights and can say what the right answer is.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from panoptic_ros import LabelSpace
from panoptic_ros.engine import ModelMetadata

STRIDE = 4
STUFF_AREA = 256


def build(path: Path, input_size: tuple[int, int] = (64, 128),
          metadata: dict[str, str] | None = None, center: str = 'center') -> Path:
    """
    Write the network to ``path``.

    ``metadata`` replaces the properties written to the file; ``center`` names that output.
    """
    space = LabelSpace.load('cityscapes')
    height, width = input_size
    bgr = space.colors[:, ::-1].astype(np.float32) / 255
    weights = {
        'colors': (2 * bgr)[:, :, None, None],
        'norms': -(bgr ** 2).sum(1),
        'nothing': np.zeros((2, 3, 1, 1), np.float32),
        # a peak that leans to one side stays a single maximum when it is upsampled
        'lean': np.array([[[[0, 0, 0], [0, 1, 0.6], [0, 0.5, 0.3]]]], np.float32),
        'scale': np.float32(1 / 255),
        'one': np.float32(1),
        'sharpness': np.float32(-0.64),
        'temperature': np.float32(20),
        'channels': np.array([1], np.int64),
    }
    nodes = [
        helper.make_node('Cast', ['image'], ['float'], to=TensorProto.FLOAT),
        helper.make_node('Transpose', ['float'], ['planes'], perm=[0, 3, 1, 2]),
        helper.make_node('Mul', ['planes', 'scale'], ['unit']),
        helper.make_node('AveragePool', ['unit'], ['cells'], kernel_shape=[STRIDE, STRIDE],
                         strides=[STRIDE, STRIDE]),
        helper.make_node('Conv', ['cells', 'colors', 'norms'], ['nearness']),
        helper.make_node('Mul', ['nearness', 'temperature'], ['semantic']),
        helper.make_node('Sub', ['cells', 'one'], ['darkness']),
        helper.make_node('Abs', ['darkness'], ['distance']),
        helper.make_node('ReduceSum', ['distance', 'channels'], ['total'], keepdims=1),
        helper.make_node('Mul', ['total', 'sharpness'], ['sharp']),
        helper.make_node('Add', ['sharp', 'one'], ['peak']),
        helper.make_node('Relu', ['peak'], ['bright']),
        helper.make_node('Conv', ['bright', 'lean'], [center], pads=[1, 1, 1, 1]),
        helper.make_node('Conv', ['cells', 'nothing'], ['offset']),
    ]
    rows, columns = height // STRIDE, width // STRIDE
    graph = helper.make_graph(
        nodes, 'tiny',
        [helper.make_tensor_value_info('image', TensorProto.UINT8, ['N', height, width, 3])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ['N', channels, rows, columns])
         for name, channels in (('semantic', len(space)), (center, 1), ('offset', 2))],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)])
    model.ir_version = 10
    if metadata is None:
        metadata = describe(input_size).to_properties()
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def describe(input_size: tuple[int, int]) -> ModelMetadata:
    """Return the metadata of the network."""
    return ModelMetadata('tiny', input_size, LabelSpace.load('cityscapes'), {'data': 'none'},
                         options={'stuff_area': STUFF_AREA}, layout={'stride': STRIDE})


def scene(size: tuple[int, int] = (64, 128)) -> npt.NDArray[np.uint8]:
    """
    Return a picture that the network understands, (H, W, 3) uint8 BGR.

    Sky over road, with two cars left and right and a person between them; each carries the
    white dot of its centre.  Proportions are the same at every size.
    """
    space = LabelSpace.load('cityscapes')
    height, width = size
    picture = np.empty((height, width, 3), np.uint8)

    def paint(name: str, y0: float, y1: float, x0: float, x1: float) -> None:
        area = np.s_[round(y0 * height):round(y1 * height), round(x0 * width):round(x1 * width)]
        picture[area] = space.colors[space.names.index(name)][::-1]

    paint('sky', 0, 0.5, 0, 1)
    paint('road', 0.5, 1, 0, 1)
    for name, y0, y1, x0, x1 in (('car', 0.375, 0.75, 0.125, 0.375),
                                 ('person', 0.375, 0.75, 0.46875, 0.53125),
                                 ('car', 0.375, 0.75, 0.625, 0.875)):
        paint(name, y0, y1, x0, x1)
        y, x = (y0 + y1) / 2, (x0 + x1) / 2
        # exactly one cell of the heads at the network's size
        picture[round(y * height):round((y + 1 / 16) * height),
                round(x * width):round((x + 1 / 32) * width)] = 255
    return picture
