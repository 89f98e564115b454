"""The tiny network with something added to its logits that depends on the first pixel's blue."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import tiny_model
from onnx import TensorProto, helper, numpy_helper

POISON = 255


def build(path: Path, added: Sequence[float]) -> Path:
    """
    Write the network to ``path``; ``added[b]`` is added to every logit where blue is ``b``.

    Where ``added`` ends before ``b`` the runtime raises in the middle of the network.
    """
    model = onnx.load(tiny_model.build(path))
    graph = model.graph
    semantic = next(node for node in graph.node if node.output[0] == 'semantic')
    semantic.output[0] = 'sound'
    for name, value in (('added', np.float32(added)), ('first', np.int64([0, 0, 0, 0])),
                        ('next', np.int64([1, 1, 1, 1])), ('scalar', np.int64([]))):
        graph.initializer.append(numpy_helper.from_array(value, name))
    graph.node.extend([
        helper.make_node('Slice', ['image', 'first', 'next'], ['corner']),
        helper.make_node('Cast', ['corner'], ['index'], to=TensorProto.INT64),
        helper.make_node('Reshape', ['index', 'scalar'], ['blue']),
        helper.make_node('Gather', ['added', 'blue'], ['addend']),
        helper.make_node('Add', ['sound', 'addend'], ['semantic'])])
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def poisoned(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return a copy of a picture whose first pixel has the blue ``POISON``."""
    picture = picture.copy()
    picture[0, 0, 0] = POISON
    return picture
