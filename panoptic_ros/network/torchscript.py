"""Networks as ONNX graphs by PyTorch's older exporter, for those that take the newer one long."""

from __future__ import annotations

import logging
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

import onnx
import onnx.inliner
import torch
from torch import Tensor, nn

from ..engine.onnx_runtime import load_onnxruntime

OPSET = 18
"""The version of the operators of ONNX in which every network is exported."""


def torchscript_trace(network: nn.Module, size: tuple[int, int],
                      outputs: Sequence[str]) -> onnx.ModelProto:
    """
    Return the network's graph, constants computed, for any number of images of a size.

    The newer exporter reasons about the number of images in every shape, which takes it minutes
    even for small networks with attention.
    """
    images = torch.zeros((2, *size, 3), dtype=torch.uint8)
    tensors: list[tuple[int, tuple[int, ...]]] = []

    def note(_: nn.Module, __: object, found: tuple[Tensor, ...]) -> None:
        tensors[:] = [(onnx.TensorProto.INT64 if output.dtype == torch.int64
                       else onnx.TensorProto.FLOAT, tuple(map(int, output.shape[1:])))
                      for output in found]

    handle = network.register_forward_hook(note)
    logger = logging.getLogger('torch.onnx')
    level = logger.level
    logger.setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / 'traced.onnx'
        try:
            with warnings.catch_warnings(), torch.inference_mode():
                warnings.simplefilter('ignore')     # of every shape that is taken as fixed
                torch.onnx.export(
                    network, (images,), file, dynamo=False, opset_version=OPSET,
                    input_names=['image'], output_names=list(outputs),
                    dynamic_axes={name: {0: 'N'} for name in ('image', *outputs)})
        finally:
            logger.setLevel(level)
            handle.remove()
        _write_functions(file, getattr(network, 'functions', ()))
        model = _folded(file)
    for value, (kind, shape) in zip(model.graph.output, tensors, strict=True):
        value.CopyFrom(onnx.helper.make_tensor_value_info(value.name, kind, ('N', *shape)))
    return model


def _write_functions(traced: Path, functions: Sequence[onnx.FunctionProto]) -> None:
    """Put the bodies of a network's own functions in place of their calls."""
    if not functions:
        return
    model = onnx.load(traced)
    model.functions.extend(functions)
    onnx.save(onnx.inliner.inline_local_functions(model), traced)


def _folded(traced: Path) -> onnx.ModelProto:
    """Let ONNX Runtime compute what depends on no image, and leave out what is not needed."""
    runtime = load_onnxruntime()
    folded = traced.with_name('folded.onnx')
    options = runtime.SessionOptions()
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(folded)
    options.log_severity_level = 3
    runtime.InferenceSession(traced, options, providers=['CPUExecutionProvider'])
    model = onnx.load(folded)
    used = {node.domain for node in model.graph.node}
    for opset in [entry for entry in model.opset_import if entry.domain not in used]:
        model.opset_import.remove(opset)
    for node in model.graph.node:
        node.doc_string = ''
    del model.graph.value_info[:]
    return model
