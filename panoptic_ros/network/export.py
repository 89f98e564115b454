"""Writing a trained network as the ONNX file of the engine contract."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import nn

from ..engine import Output
from ..engine.onnx_file import declared
from ..engine.onnx_runtime import load_onnxruntime
from ..images.files import unfinished
from . import families
from .checkpoint import Checkpoint
from .family import NetworkFamily
from .folding import folded
from .metadata import metadata_of
from .torchscript import OPSET, torchscript_trace


class ExportError(RuntimeError):
    """The exported graph gives other results than the network."""


def export_onnx(checkpoint: Checkpoint, path: Path, size: tuple[int, int],
                tolerance: float = 1e-4,
                progress: Callable[[str], None] = lambda step: None, **more: Any) -> float:
    """
    Write the model file, after checking it against PyTorch.

    Parameters
    ----------
    checkpoint
        The trained network.
    path
        Where to write.
    size
        (height, width) of the network's input, one that its ``check_size`` accepts, padded
        or not.
    tolerance
        Largest difference allowed, relative to the largest value of each output.
    progress
        Gets each step in words when it begins; a large network takes minutes.
    more
        What else the file says: ``fit`` as for ``metadata_of``, ``quality`` and ``options`` of
        ``ModelMetadata``.

    Returns
    -------
    The largest difference found.

    Raises
    ------
    ValueError
        The size does not suit the network.
    ExportError
        The graph differs from the network; nothing is written.

    """
    checkpoint.config.check_size(size, padded=True)
    network, family = checkpoint.network(), families.find(checkpoint.config.family)
    progress('tracing the network')
    traced = torchscript_trace if family.exporter == 'torchscript' else trace
    model = traced(family.exported(network, size), size, family.outputs)
    metadata = metadata_of(
        checkpoint.config, checkpoint.label_space, size, training=checkpoint.training,
        outputs=_outputs(model), **more)
    onnx.helper.set_model_props(model, metadata.to_properties())
    progress('checking the graph')
    onnx.checker.check_model(model, full_check=True)
    content = model.SerializeToString()
    progress('comparing ONNX Runtime with PyTorch')
    for seed in range(4 if family.thresholds else 1):
        difference = compare(network, content, size, family, seed)
        if difference <= tolerance:
            break
    if not difference <= tolerance:
        raise ExportError(f'ONNX Runtime and PyTorch differ by {difference:.2g} of the largest '
                          f'value: expected at most {tolerance:.2g}; {path} is not written')
    path.parent.mkdir(parents=True, exist_ok=True)
    with unfinished(path) as beside:
        beside.write_bytes(content)
    return difference


def trace(network: nn.Module, size: tuple[int, int],
          outputs: Sequence[str]) -> onnx.ModelProto:
    """Return the network's graph, batch norms folded, for any number of images of a size."""
    images = torch.zeros((2, *size, 3), dtype=torch.uint8)
    with _quiet():
        program = torch.onnx.export(
            folded(network), (images,), dynamo=True, opset_version=OPSET, verbose=False,
            input_names=['image'], output_names=list(outputs),
            dynamic_shapes={'image': {0: torch.export.Dim('N', min=1)}})
    assert program is not None
    model: onnx.ModelProto = program.model_proto
    for node in model.graph.node:
        del node.metadata_props[:]      # they hold stack traces with this machine's paths
        node.doc_string = ''
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output):
        del value.metadata_props[:]
    first = next(node for node in model.graph.node if 'image' in node.input)
    if first.op_type != 'Cast':
        raise ExportError(f'the first operation on the image is {first.op_type}: expected Cast, '
                          'as TensorRT requires of uint8 inputs')
    return model


def _outputs(model: onnx.ModelProto) -> tuple[Output, ...]:
    """Return what the graph puts out for one image."""
    tensors = {value.name: declared(value) for value in model.graph.output}
    return tuple(Output(name, tuple(int(side) for side in tensor.shape[1:] if side is not None),
                        tensor.type) for name, tensor in tensors.items())


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence warnings that torchvision is missing, and about future changes of torch."""
    logger = logging.getLogger('torch.onnx')
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter('ignore', FutureWarning)
            yield
    finally:
        logger.setLevel(level)


def compare(network: nn.Module, content: bytes, size: tuple[int, int], family: NetworkFamily,
            seed: int = 0) -> float:
    """
    Return the largest difference of the outputs, relative to the largest value of each.

    It is that of the worse of two images; of the better one if the networks have thresholds
    inside, as rounding may then turn any value over, while a wrong graph is wrong for all images.
    """
    session = load_onnxruntime().InferenceSession(content, providers=['CPUExecutionProvider'])
    images = np.random.default_rng(seed).integers(0, 256, (2, *size, 3), np.uint8)
    with torch.inference_mode():
        expected = [output.numpy() for output in network(torch.from_numpy(images))]
    actual = family.in_order(session.run(list(family.outputs), {'image': images}), expected)
    differences = np.max([
        np.abs(a - e).reshape(len(e), -1).max(1) / max(np.abs(e).max(), np.finfo(np.float32).tiny)
        for a, e in zip(actual, expected, strict=True)], 0)
    return float(differences.min() if family.thresholds else differences.max())
