"""What runs the network in the GPU benchmark: TensorRT, or else PyTorch."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from ..device import Device, Module
from ..engine.plan import read_cubin, read_plan
from ..engine.protocol import DeviceEngine
from ..families.deeplab.cuda import DeviceHeads
from ..families.deeplab.kernel_sources import KERNELS
from ..labels import LabelSpace
from ..libraries import why_not
from ..resources import share_directory
from .gpu_grouping import TorchGroup
from .gpu_machine import why_not_tensorrt
from .heads import make_heads

if TYPE_CHECKING:
    import torch


class Opened(NamedTuple):
    """An engine, the kernels that belong to it, and what its weights are."""

    engine: DeviceEngine
    kernels: Module
    weights: str


def torch_group(device: Device, gpu: int, missing: dict[str, str]) -> TorchGroup | None:
    """Return PyTorch's grouping, or None and why there is none, in ``missing``."""
    try:
        from . import torch_engine, torch_grouping
    except ImportError as error:
        missing['torch'] = why_not(error, 'the comparison', 'torch', 'pip install torch',
                                   'PyTorch')
        return None
    reason = torch_engine.why_not_torch()
    if reason is not None:
        missing['torch'] = reason
        return None

    def group(heads: DeviceHeads, space: LabelSpace) -> torch.Tensor:
        with torch_engine.on_stream(device, gpu) as place:
            semantic, center, offset = (torch_engine.share(array, place) for array in (
                heads.semantic, heads.center, heads.offset))
            tensors = torch_grouping.TorchHeads(semantic[0], center[0, 0], offset[0],
                                                heads.grid.input_size)
            with torch_engine.memory_errors():
                return torch_grouping.group(tensors, space)
    return group


def choose_engine(device: Device, args: argparse.Namespace, missing: dict[str, str]
                  ) -> str | None:
    """
    Return 'tensorrt', 'torch', or None and why there is no engine, in ``missing``.

    Raises
    ------
    SystemExit
        What was asked for is not there.

    """
    reason = why_not_tensorrt(device.target)
    if args.engine == 'tensorrt' or args.plan or (args.engine == 'auto' and reason is None):
        if reason is not None:
            raise SystemExit(f'benchmark gpu: {reason}')
        for file in filter(None, (args.plan, args.onnx)):
            if not file.is_file():
                raise SystemExit(f'benchmark gpu: {file} is not there: expected a file')
        return 'tensorrt'
    missing['tensorrt'] = reason or 'the network was to be run by PyTorch (--engine torch)'
    if 'torch' not in missing:
        return 'torch'
    if args.engine == 'torch':
        raise SystemExit(f'benchmark gpu: {missing["torch"]}')
    missing['path'] = 'neither TensorRT nor PyTorch can run a network here'
    return None


def open_plan(device: Device, args: argparse.Namespace, batch: int, log: Callable[[str], None]
              ) -> Opened:
    """
    Return the engine of a plan; without ``--plan`` it is found in the cache, or built.

    Raises
    ------
    ImportError, FileNotFoundError, ModelError, BuildError, DeviceError
        As ``Segmenter.open_on_gpu`` does.

    """
    from ..engine.tensorrt_engine import TensorRtEngine
    plan = args.plan
    if plan is None:
        from ..engine.build import BuildOptions
        from ..engine.cache import PlanCache
        onnx = args.onnx or share_directory() / 'models' / 'streets.onnx'
        plan = PlanCache().find_or_build(
            onnx, BuildOptions(precision=args.precision, batch=batch), device, log,
            kernels=KERNELS)
    content, info = read_plan(plan)
    engine = TensorRtEngine(device, content, info.metadata(str(plan)))
    return Opened(engine, device.load(read_cubin(plan)), f'{plan.name}, {info.precision}')


def open_torch(device: Device, args: argparse.Namespace, batch: int, kernels: Module,
               instances: int) -> Opened:
    """
    Return a network with random weights, and heads with so many instances in place of its own.

    Raises
    ------
    ImportError, ValueError, DeviceError
        As ``TorchEngine.untrained`` does.

    """
    import torch

    from .torch_engine import TorchEngine
    heads = make_heads(LabelSpace.load('cityscapes'), args.input_size, instances)
    engine = TorchEngine.untrained(
        device, args.network, args.input_size, batch,
        torch.float16 if args.precision == 'fp16' else torch.float32, heads, args.gpu)
    return Opened(engine, kernels, f'random; after the network has run, heads with {instances} '
                                   'instances take the place of its own')
