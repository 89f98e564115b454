"""Checking the precision of a network, as TensorRT itself reports it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from ..tensors import Outputs
from .metadata import ModelError
from .tensorrt import tensor_type, tensorrt_logger

_MOST_NAMES = 5


def check_network(tensorrt: Any, network: Any, precision: str) -> str:
    """
    Compare the types of a parsed network's layers with the requested precision.

    Strongly typed networks are built in the types that they have after parsing.

    Returns
    -------
    The finding in words, such as 'fp16: 75 of 75 convolutions in half precision'.

    Raises
    ------
    ModelError
        Layers have another type; the message names them.

    """
    layers = [network.get_layer(n) for n in range(network.num_layers)]
    kinds = tensorrt.LayerType
    convolutions = [layer for layer in layers
                    if layer.type in (kinds.CONVOLUTION, kinds.DECONVOLUTION)]
    dequantized = {layer.get_output(0).name for layer in layers
                   if layer.type == kinds.DEQUANTIZE}
    quantized = [layer for layer in convolutions if layer.num_inputs > 1 and {
        layer.get_input(0).name, layer.get_input(1).name} <= dequantized]
    expected = tensorrt.DataType.FLOAT if precision == 'fp32' else tensorrt.DataType.HALF
    wrong = [layer.name for layer in convolutions
             if {layer.get_input(0).dtype, layer.get_output(0).dtype} != {expected}
             and not (precision == 'int8' and layer in quantized)]
    if precision != 'int8':
        wrong += [layer.name for layer in layers
                  if layer.type in (kinds.QUANTIZE, kinds.DEQUANTIZE)]
    if wrong:
        raise ModelError(f'{len(wrong)} layers of the network are not {precision}: '
                         f'{_list(wrong)}; convert a float32 model, not one converted before')
    if precision == 'int8' and not quantized:
        raise ModelError(f'none of the {len(convolutions)} convolutions is quantised: '
                         f'{_list([layer.name for layer in convolutions])}; '
                         'calibrate the model with images')
    return _describe(precision, len(convolutions), len(quantized))


def output_types(tensorrt: Any, network: Any, outputs: Outputs) -> dict[str, Any]:
    """
    Return TensorRT's type of each of the outputs that a parsed network has to have.

    Raises
    ------
    ModelError
        An output is missing or has a type that is not allowed.

    """
    found = (network.get_output(n) for n in range(network.num_outputs))
    types = {tensor.name: tensor.dtype for tensor in found}
    for name, spec in outputs.items():
        if types.get(name) not in [tensor_type(tensorrt, kind) for kind in spec.types]:
            raise ModelError(f'output {name} of the network is {types.get(name, "absent")}: '
                             f'expected {" or ".join(spec.types)}')
    return {name: types[name] for name in outputs}


def check_engine(tensorrt: Any, plan: Any, precision: str, types: dict[str, Any]) -> str | None:
    """
    Compare a built engine with the requested precision, if this machine can load it.

    Parameters
    ----------
    tensorrt, plan, precision
        The module, the serialised engine and the precision it was built in.
    types
        ``output_types`` of the network that it was built from.

    Returns
    -------
    The finding in words; None if the machine has no driver or another GPU.

    Raises
    ------
    ModelError
        The engine computes in another precision.

    """
    runtime = tensorrt.Runtime(tensorrt_logger(tensorrt))
    engine = runtime.deserialize_cuda_engine(plan)
    if engine is None:
        return None
    wrong = [f'{name} ({engine.get_tensor_dtype(name)}, expected {expected})'
             for name, expected in types.items() if engine.get_tensor_dtype(name) != expected]
    if wrong:
        raise ModelError(f'outputs of the built engine have other types: {", ".join(wrong)}')
    inspector = engine.create_engine_inspector()
    described = inspector.get_engine_information(tensorrt.LayerInformationFormat.JSON)
    formats = list(_formats(described))
    words = {'fp16': ('half', 'fp16'), 'int8': ('int8',), 'fp32': ('float', 'fp32')}[precision]
    if not formats:     # the inspector lists no tensors if everything became one kernel
        return 'outputs of the engine as in the network'
    found = sum(any(word in text for word in words) for text in formats)
    if not found:
        raise ModelError(f'none of the {len(formats)} tensors of the built engine is {precision}: '
                         f'they are {_list(sorted(set(formats)))}')
    return f'{found} of {len(formats)} tensors of the engine in {precision}'


def _formats(description: str) -> Iterator[str]:
    """Yield the format of every tensor between layers from the inspector's text, in lower case."""
    try:
        described = json.loads(description).get('Layers', [])
    except (ValueError, AttributeError):
        return
    for entry in described:
        if isinstance(entry, dict):     # without detailed verbosity an entry is a name
            for end in (*entry.get('Inputs', ()), *entry.get('Outputs', ())):
                yield str(end.get('Format/Datatype', '')).lower()


def _list(names: list[str]) -> str:
    return ', '.join(names[:_MOST_NAMES] + ['...'] * (len(names) > _MOST_NAMES))


def _describe(precision: str, convolutions: int, quantized: int) -> str:
    if precision == 'int8':
        return (f'int8: {quantized} of {convolutions} convolutions quantised, the others in half '
                'precision')
    return (f'{precision}: {convolutions} of {convolutions} convolutions in '
            f'{"single" if precision == "fp32" else "half"} precision')
