"""
Converting a network's ONNX graph to another precision.

TensorRT's networks are strongly typed: they compute in the types that the graph says.  So fp16
and int8 are conversions of the graph.  They are the same for every version of TensorRT, and any
runtime can measure what they cost in accuracy.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..libraries import needed
from .metadata import PREFIX, ModelError
from .onnx_file import declared, import_onnx, parse_onnx
from .onnx_runtime import load_onnxruntime
from .regions import Regions

PRECISIONS = ('fp32', 'fp16', 'int8')

# From this opset on, the scales of quantised tensors may be float16.
_HALF_SCALES = 19
# A sum of this many values or more can exceed the range of float16.
_MANY = 64
_SUMS = ('ReduceMean', 'ReduceSum', 'GlobalAveragePool')
_INSTALL = 'pip install onnxruntime onnx packaging'


def convert(model: Any, precision: str,
            calibration: Iterable[npt.NDArray[np.uint8]] | None = None) -> bytes:
    """
    Return a model in another precision.

    Inputs and names stay as they are.  The metadata stay, too, except for the types of the
    outputs that they announce.

    fp16 keeps the sums of large means in float32, and what works on boxes; see ``regions``.
    int8 quantises dense convolutions, with weights scaled per channel.  The first convolution,
    the two before each output, depthwise ones and everything else become float16, because
    quantising them costs accuracy and gains little.  A model whose graph is already quantised
    keeps its scales.  Both precisions have float16 outputs, but for a network that chooses boxes.

    Parameters
    ----------
    model
        ``onnx.ModelProto`` in float32, or its serialised bytes.
    precision
        'fp32', 'fp16' or 'int8'.
    calibration
        (H, W, 3) uint8 images at the network's resolution, for int8 only.

    Raises
    ------
    ValueError
        There is no such precision, or int8 is requested without images.
    ModelError
        The model is no ONNX model, or has nothing to quantise.
    ImportError
        A library that the conversion needs is not installed.

    """
    if precision not in PRECISIONS:
        raise ValueError(f'precision {precision!r}: expected {", ".join(PRECISIONS)}')
    content = model if isinstance(model, bytes) else model.SerializeToString()
    if precision == 'fp32':
        return content
    # The libraries below change the model that they are given, so each gets a copy.
    if precision == 'int8':
        if not is_quantized(parse_onnx(content, 'the model')):
            if calibration is None:
                raise ValueError('precision int8 without calibration images: pass some with '
                                 '`--calibrate FOLDER_OR_BAG`, or choose fp16')
            content = _quantize(content, calibration)
        content = _allow_half_scales(content)
    return _halve(content)


def is_quantized(model: Any) -> bool:
    """Return whether a model's graph quantises tensors."""
    return any(node.op_type == 'QuantizeLinear' for node in model.graph.node)


def _halve(content: bytes) -> bytes:
    """Return the model in float16."""
    load_onnxruntime()
    with needed('converting a model to fp16', 'onnxruntime', _INSTALL, 'ONNX Runtime'):
        from onnxruntime.transformers.float16 import convert_float_to_float16
    model = parse_onnx(content, 'the model')
    _name_nodes(model)
    properties = _properties(model)
    regions = Regions(model)
    sums = _name_sums(model)
    halved = convert_float_to_float16(model, keep_io_types=regions.present, node_block_list=sums)
    if regions.present:
        regions.rejoin(halved)
    _sort(halved.graph)     # the conversion appended the casts around the sums
    return _finish(halved, properties)


def _quantize(content: bytes, calibration: Iterable[npt.NDArray[np.uint8]]) -> bytes:
    """Return the model with its dense convolutions between quantisation and dequantisation."""
    load_onnxruntime()
    with needed('converting a model to int8', 'onnxruntime', _INSTALL, 'ONNX Runtime'):
        from onnxruntime.quantization import QuantFormat, QuantType, quantize_static
    onnx = import_onnx()
    model = parse_onnx(content, 'the model')
    _name_nodes(model)
    properties = _properties(model)
    chosen = _dense_convolutions(model)
    if not chosen:
        raise ModelError('the model has no convolution to quantise beside its first, depthwise '
                         'and last ones: build it with precision fp16')
    # This property says that shapes are inferred.  It avoids a warning about a needless step.
    onnx.helper.set_model_props(model, {'onnx.quant.pre_process': 'onnxruntime.quant'})
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / 'quantized.onnx'
        quantize_static(
            model, file, _reader(calibration), quant_format=QuantFormat.QDQ, per_channel=True,
            activation_type=QuantType.QInt8, weight_type=QuantType.QInt8,
            op_types_to_quantize=['Conv'], nodes_to_quantize=chosen,
            extra_options={'ActivationSymmetric': True, 'WeightSymmetric': True,
                           'QuantizeBias': False,
                           # Quantisation between a convolution and its ReLU would keep TensorRT
                           # from fusing the two.
                           'OpTypesToExcludeOutputQuantization': ['Conv']})
        quantized = onnx.load(file)
    return _finish(quantized, properties)


def _allow_half_scales(content: bytes) -> bytes:
    """Return the model in an opset whose quantised tensors may have float16 scales."""
    model = parse_onnx(content, 'the model')
    opset = next((o.version for o in model.opset_import if o.domain in ('', 'ai.onnx')), 0)
    if opset >= _HALF_SCALES:
        return content
    from onnx import version_converter
    return _finish(version_converter.convert_version(model, _HALF_SCALES), _properties(model))


def _reader(calibration: Iterable[npt.NDArray[np.uint8]]) -> Any:
    from onnxruntime.quantization import CalibrationDataReader

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """Feeds one image at a time."""

        def __init__(self, images: Iterator[npt.NDArray[np.uint8]]) -> None:
            self._images = images

        def get_next(self) -> dict[str, npt.NDArray[np.uint8]] | None:
            image = next(self._images, None)
            return None if image is None else {'image': image[np.newaxis]}

    return Reader(iter(calibration))


def _dense_convolutions(model: Any) -> list[str]:
    """Return the names of the convolutions that int8 makes faster without loss of accuracy."""
    producers = {name: node for node in model.graph.node for name in node.output}
    convolutions = [node for node in model.graph.node if node.op_type == 'Conv']
    predictors = _convolutions_before([o.name for o in model.graph.output], producers)
    fragile = {node.name for node in [*convolutions[:1], *predictors]}
    fragile |= {node.name for predictor in predictors
                for node in _convolutions_before([predictor.input[0]], producers)}
    return [node.name for node in convolutions if node.name not in fragile
            and all(a.i == 1 for a in node.attribute if a.name == 'group')]


def _convolutions_before(tensors: list[str], producers: dict[str, Any]) -> list[Any]:
    """Return the nearest convolutions upstream of some tensors."""
    found, seen, pending = [], set(tensors), list(tensors)
    while pending:
        node = producers.get(pending.pop())
        if node is None:
            continue
        if node.op_type == 'Conv':
            found.append(node)
            continue
        fresh = set(node.input) - seen
        seen |= fresh
        pending += fresh
    return found


def _sums_many(node: Any) -> bool:
    kernel = next((a.ints for a in node.attribute if a.name == 'kernel_shape'), ())
    return node.op_type in _SUMS or (node.op_type == 'AveragePool'
                                     and int(np.prod(kernel)) >= _MANY)


def _name_nodes(model: Any) -> None:
    """Name the nodes without a name, because both libraries exclude nodes by name."""
    for number, node in enumerate(model.graph.node):
        node.name = node.name or f'{node.op_type}_{number}'


def _name_sums(model: Any) -> list[str]:
    """Return the names of large sums, renamed if the names of their casts would be taken."""
    taken = {name for node in model.graph.node for name in (node.name, *node.output)}
    sums = [node for node in model.graph.node if _sums_many(node)]
    for node in sums:
        while any(name.startswith(f'{node.name}_') for name in taken):
            node.name += '_again'
    return [node.name for node in sums]


def _sort(graph: Any) -> None:
    """Put every operation behind those it depends on; otherwise keep the order."""
    producers = {name: node for node in graph.node for name in node.output}
    ordered: dict[str, Any] = {}
    pending = list(reversed(graph.node))
    while pending:
        node = pending[-1]
        missing = [producers[name] for name in node.input
                   if name in producers and producers[name].output[0] not in ordered]
        if missing:
            pending += missing
        else:
            ordered.setdefault(pending.pop().output[0], node)
    nodes = list(ordered.values())
    del graph.node[:]
    graph.node.extend(nodes)


def _properties(model: Any) -> dict[str, str]:
    return {p.key: p.value for p in model.metadata_props}


def _finish(model: Any, properties: dict[str, str]) -> bytes:
    """Serialise a model with its former properties, which announce the outputs' present types."""
    key = f'{PREFIX}outputs'
    if key in properties:
        types = {output.name: declared(output).type for output in model.graph.output}
        outputs = json.loads(properties[key])
        for output in outputs:
            output['type'] = types[output['name']]
        properties = {**properties, key: json.dumps(outputs)}
    del model.metadata_props[:]
    import_onnx().helper.set_model_props(model, properties)
    content: bytes = model.SerializeToString()
    return content
