"""One run of TensorRT's builder."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

from .build_options import BuildOptions
from .metadata import ModelError
from .network_check import check_engine, check_network, output_types
from .onnx_file import OnnxFile
from .plan_info import PlanInfo
from .tensorrt import Message, collect_messages, complaints, describe_tensorrt, tensorrt_logger
from .timing_cache import load_timings, save_timings

_LACKING = frozenset(('NonMaxSuppression', 'RoiAlign'))
"""Operators that TensorRT has and TensorRT-RTX 1.7 has not."""


class BuildError(RuntimeError):
    """TensorRT could not build the network; the message quotes TensorRT."""


def targets(tensorrt: Any) -> list[str] | None:
    """Return the targets of TensorRT-RTX, or None for TensorRT, which builds for its own GPU."""
    if not hasattr(tensorrt, 'ComputeCapability'):
        return None
    names = dir(tensorrt.ComputeCapability)
    numbers = sorted(int(n[2:]) for n in names if n.startswith('SM') and n[2:].isdecimal())
    return [f'sm_{number}' for number in numbers]


def why_not_target(tensorrt: Any, target: str) -> str | None:
    """Return why a TensorRT cannot build for this machine's GPU; None if it can."""
    known = targets(tensorrt)
    if known is None or target in known:
        return None
    return (f'{describe_tensorrt(tensorrt)} knows {", ".join(known)} and not {target}: '
            'install the package tensorrt')


def refuse_operators(tensorrt: Any, file: OnnxFile) -> None:
    """
    Refuse a file with operators that TensorRT-RTX lacks; TensorRT has them.

    Its parser takes some of them for a plugin's, and says little of why it fails.

    Raises
    ------
    ModelError
        The file has one.

    """
    lacking = sorted(file.operators & _LACKING)
    if lacking and targets(tensorrt) is not None:
        raise ModelError(
            f'{file.path} has the operator {" and ".join(lacking)}, which '
            f'{describe_tensorrt(tensorrt)} lacks: run the model with ONNX Runtime (device cpu), '
            'or install the package tensorrt, which has it')


def serialize(tensorrt: Any, file: OnnxFile, content: bytes, options: BuildOptions,
              info: PlanInfo, monitor: Any, timing_cache: Path | None) -> tuple[bytes, str]:
    """
    Parse, check and build a network.

    Parameters
    ----------
    tensorrt
        The module.
    file, content
        The file, and its content in the requested precision.
    options, info
        How to build, and the description of the result.
    monitor
        The result of ``monitor.create_monitor``.
    timing_cache
        File of earlier measurements, which is updated; None keeps none.

    Returns
    -------
    The serialised engine, and the precision that was found in it, in words.

    Raises
    ------
    BuildError
        TensorRT does not start or fails to build.
    ModelError
        TensorRT cannot parse the file, or layers are not in the requested precision.
    ValueError
        The machine lacks what the options ask for.

    """
    with collect_messages() as messages:
        return _serialize(tensorrt, file, content, options, info, monitor, timing_cache,
                          messages)


def _serialize(tensorrt: Any, file: OnnxFile, content: bytes, options: BuildOptions,
               info: PlanInfo, monitor: Any, timing_cache: Path | None,
               messages: list[Message]) -> tuple[bytes, str]:
    builder = _builder(tensorrt, messages)
    flags = 1 << int(tensorrt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)
    network = builder.create_network(flags)
    parser = tensorrt.OnnxParser(network, tensorrt_logger(tensorrt))
    if not parser.parse(content):
        errors = [parser.get_error(n) for n in range(parser.num_errors)]
        found = '; '.join(f'{e.node_name() or e.node_operator() or "model"}: {e.desc()}'
                          for e in errors)
        raise ModelError(f'{file.path} cannot be parsed by {info.tensorrt}: '
                         f'{found or complaints(messages)}')
    checked = check_network(tensorrt, network, options.precision)
    types = output_types(tensorrt, network, file.outputs)
    config = _configure(tensorrt, builder, options, info)
    if file.batch is None:
        profile = builder.create_optimization_profile()
        size = (*file.metadata.input_size, 3)
        profile.set_shape('image', *((count, *size) for count in info.batch))
        config.add_optimization_profile(profile)
    config.progress_monitor = monitor
    with warnings.catch_warnings():
        # TensorRT-RTX warns that it ignores timing caches.
        warnings.simplefilter('ignore', DeprecationWarning)
        load_timings(config, timing_cache)
        plan = builder.build_serialized_network(network, config)
        if monitor.error is not None:
            raise monitor.error
        if plan is None:
            raise BuildError(f'{info.tensorrt} cannot build {file.path} for {info.gpu}: '
                             f'{complaints(messages)}')
        save_timings(config, timing_cache)
    loaded = check_engine(tensorrt, plan, options.precision, types)
    return bytes(plan), f'{checked}; {loaded}' if loaded else checked


def _builder(tensorrt: Any, messages: list[Message]) -> Any:
    try:
        return tensorrt.Builder(tensorrt_logger(tensorrt))
    except (TypeError, RuntimeError) as error:      # TensorRT's factory returned nothing
        raise BuildError(
            f'{describe_tensorrt(tensorrt)} does not start: {complaints(messages)}; it needs the '
            'NVIDIA driver, or tensorrt-rtx, which builds without one') from error


def _configure(tensorrt: Any, builder: Any, options: BuildOptions, info: PlanInfo) -> Any:
    config = builder.create_builder_config()
    config.profiling_verbosity = tensorrt.ProfilingVerbosity.DETAILED
    if options.precision == 'fp32':
        config.clear_flag(tensorrt.BuilderFlag.TF32)
    if options.workspace is not None:
        config.set_memory_pool_limit(tensorrt.MemoryPoolType.WORKSPACE, options.workspace << 20)
    if options.optimization_level is not None:
        config.builder_optimization_level = options.optimization_level
    if targets(tensorrt) is not None:
        # Only TensorRT-RTX has targets.  Without one it builds for every GPU that it knows.
        capability = getattr(tensorrt.ComputeCapability, info.target.replace('sm_', 'SM'))
        config.num_compute_capabilities = 1
        if not config.set_compute_capability(capability, 0):
            raise BuildError(f'{info.tensorrt} refuses to build for {info.target}')
    if options.dla_core is not None:
        cores = builder.num_DLA_cores
        if options.dla_core >= cores:
            raise ValueError(f'DLA core {options.dla_core}: {info.tensorrt} finds {cores} on this '
                             'machine; leave it out to build for the GPU')
        config.default_device_type = tensorrt.DeviceType.DLA
        config.DLA_core = options.dla_core
        config.set_flag(tensorrt.BuilderFlag.GPU_FALLBACK)
    return config
