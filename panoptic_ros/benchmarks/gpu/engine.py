"""The engine of the GPU benchmark: TensorRT, or else PyTorch."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import NamedTuple

from ...device import Device, Module
from ...engine.protocol import DeviceEngine
from . import machine
from .drawn import draw
from .steps import FailedError, MissingError


class Opened(NamedTuple):
    """An engine, the kernels that belong to it, and a description of its weights."""

    engine: DeviceEngine
    kernels: Module
    weights: str


def open_engine(device: Device, args: argparse.Namespace, kernels: Module) -> Opened:
    """
    Open the engine that the options of ``benchmark gpu`` ask for.

    Raises
    ------
    MissingError
        Neither TensorRT nor PyTorch can run a network here.
    FailedError
        The engine that was named cannot run here.
    ImportError, OSError, ModelError, BuildError, ValueError, DeviceError
        ``PlanCache.find_or_build``, ``TensorRtEngine`` or ``TorchEngine`` raised it.

    """
    lacking = machine.why_not_tensorrt(device.target)
    if args.engine != 'torch' and lacking is None:
        return _open_plan(device, args)
    if args.engine == 'torch' and args.model.suffix == '.plan':
        raise FailedError(f'{args.model} is a plan, which PyTorch does not run')
    if args.engine == 'tensorrt' or args.model.suffix == '.plan':
        raise FailedError(lacking)
    reason = machine.why_not_torch()
    if reason is None:
        return _open_torch(device, args, kernels)
    if args.engine == 'torch':
        raise FailedError(reason)
    raise MissingError(f'neither TensorRT nor PyTorch can run a network here: {lacking}; {reason}')


def _open_plan(device: Device, args: argparse.Namespace) -> Opened:
    """Open a plan; the plan of an ONNX file is found in the cache, or built."""
    from ...engine.build import check_kernels
    from ...engine.build_options import BuildOptions
    from ...engine.cache import PlanCache
    from ...engine.contract import outputs_of
    from ...engine.onnx_file import OnnxFile
    from ...engine.plan import read_cubin, read_plan
    from ...engine.tensorrt_engine import TensorRtEngine
    from ...pipelines.contract import contract, family_of
    plan: Path = args.model
    if plan.suffix != '.plan':
        onnx = OnnxFile.read(plan, contract)
        options = BuildOptions(precision=args.precision, batch=max(args.cameras))
        plan = PlanCache().find_or_build(
            onnx, options, device, lambda text: print(text, file=sys.stderr),
            kernels=family_of(onnx.metadata).kernels)
    content, info = read_plan(plan)
    metadata = info.metadata(str(plan))
    check_kernels(plan, info, family_of(metadata).kernels)
    engine = TensorRtEngine(device, content, metadata, outputs_of(metadata, contract, str(plan)))
    return Opened(engine, device.load(read_cubin(plan)), f'{plan.name}, {info.precision}')


def _open_torch(device: Device, args: argparse.Namespace, kernels: Module) -> Opened:
    """Open a network with random weights; drawn outputs replace its own."""
    import torch

    from .torch_engine import TorchEngine
    instances = args.instances[0]
    engine = TorchEngine(
        device, args.network, args.input_size, max(args.cameras),
        torch.float16 if args.precision == 'fp16' else torch.float32,
        draw(args.input_size, instances).outputs, args.gpu)
    return Opened(engine, kernels, f'random; after the network has run, outputs with {instances} '
                                   'instances take the place of its own')
