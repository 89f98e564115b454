"""
A network of detections and stuff, small enough to reason about: it reads classes off colours.

For each class of things it looks at three parts of the image: the left half, the right half, and
what lies in the middle.  The mask of such a detection has the cells whose colour is that of the
class, and its score is n / (n + 4) for n cells.  The middle is seen in twice as many cells.  So
the person there is painted as a whole, and its halves are skipped, as both are painted already.
The pictures are those of ``tiny_model.scene``.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from panoptic_ros import LabelSpace
from panoptic_ros.engine import ModelMetadata

STRIDE = 4
STUFF_AREA = 256
_SHARPNESS = 2000
_RADIUS = 0.003         # squared distance between colours at which a mask ends


def build(path: Path, input_size: tuple[int, int] = (64, 128), padding: tuple[int, ...] = ()
          ) -> Path:
    """Write the network to ``path``; with ``padding``, a colour, images keep their shape."""
    space = LabelSpace.load('cityscapes')
    height, width = input_size
    rows, columns, things = height // STRIDE, width // STRIDE, len(space.thing_ids)
    detections = 3 * things
    bgr = space.colors[:, ::-1].astype(np.float32) / 255
    half, middle = np.arange(rows), np.repeat(np.arange(columns * 3 // 8, columns * 5 // 8), 2)
    parts = {'left': half, 'right': rows + half, 'middle': middle}
    boxes = [[cells[0] * STRIDE, 0, (cells[-1] + 1) * STRIDE, height] for cells in parts.values()]
    weights = {
        'scale': np.float32(1 / 255), 'sharpness': np.float32(_SHARPNESS),
        'colors': (2 * bgr)[:, :, None, None],
        'offsets': np.float32(_RADIUS) - (bgr ** 2).sum(1),
        'thing_ids': np.array(space.thing_ids), 'stuff_ids': np.array(space.stuff_ids),
        'all_boxes': np.repeat(np.array(boxes, np.float32), things, 0)[None],
        'all_classes': np.tile(np.arange(things), 3)[None],
        'zero': np.float32(0), 'four': np.float32(4),
        'channels': np.array([1]), 'cell_axes': np.array([2, 3]),
        'planes_axes': np.array([1, 2, 3]), 'flat': np.array([-1, 1]),
        'cube': np.array([-1, 1, 1]),
        **parts,
    }
    make = helper.make_node
    nodes = [
        make('Cast', ['image'], ['float'], to=TensorProto.FLOAT),
        make('Transpose', ['float'], ['planes'], perm=[0, 3, 1, 2]),
        make('Mul', ['planes', 'scale'], ['unit']),
        make('AveragePool', ['unit'], ['cells'], kernel_shape=[STRIDE, STRIDE],
             strides=[STRIDE, STRIDE]),
        make('Conv', ['cells', 'colors', 'offsets'], ['nearness']),
        make('Mul', ['cells', 'cells'], ['squares']),
        make('ReduceSum', ['squares', 'channels'], ['norms'], keepdims=1),
        make('Sub', ['nearness', 'norms'], ['closeness']),
        make('Mul', ['closeness', 'sharpness'], ['steep']),
        make('Gather', ['steep', 'thing_ids'], ['of_things'], axis=1),
        make('Gather', ['steep', 'stuff_ids'], ['of_stuff'], axis=1),
        make('ReduceMax', ['of_things', 'channels'], ['any_thing'], keepdims=1),
        make('Concat', ['any_thing', 'of_stuff'], ['semantic'], axis=1),
        *(make('Gather', ['of_things', name], [f'in_{name}'], axis=3) for name in parts),
        make('Concat', [f'in_{name}' for name in parts], ['mask_logits'], axis=1),
        make('Sigmoid', ['mask_logits'], ['inside']),
        make('ReduceSum', ['inside', 'cell_axes'], ['seen'], keepdims=0),
        make('Add', ['seen', 'four'], ['more']),
        make('Div', ['seen', 'more'], ['scores']),
        make('ReduceMax', ['unit', 'planes_axes'], ['brightest'], keepdims=0),
        make('Mul', ['brightest', 'zero'], ['nothing']),
        make('Reshape', ['nothing', 'cube'], ['box_batch']),
        make('Add', ['all_boxes', 'box_batch'], ['boxes']),
        make('Reshape', ['nothing', 'flat'], ['class_batch']),
        make('Cast', ['class_batch'], ['whole'], to=TensorProto.INT64),
        make('Add', ['all_classes', 'whole'], ['classes']),
        make('Identity', ['inside'], ['masks']),
    ]
    shapes = {'semantic': (len(space.stuff_ids) + 1, rows, columns), 'boxes': (detections, 4),
              'scores': (detections,), 'classes': (detections,), 'masks': (detections, rows, rows)}
    graph = helper.make_graph(
        nodes, 'tiny detections',
        [helper.make_tensor_value_info('image', TensorProto.UINT8, ['N', height, width, 3])],
        [helper.make_tensor_value_info(
            name, TensorProto.INT64 if name == 'classes' else TensorProto.FLOAT, ['N', *shape])
         for name, shape in shapes.items()],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in weights.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)])
    model.ir_version = 10
    metadata = ModelMetadata(
        'tiny', input_size, space, {'data': 'none'}, family='fpn',
        fit='pad' if padding else 'stretch', padding=padding,
        options={'stuff_area': STUFF_AREA},
        layout={'detections': detections, 'mask_side': rows, 'stride': STRIDE})
    helper.set_model_props(model, metadata.to_properties())
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path
