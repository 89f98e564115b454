"""Opening a model file on a device."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from ..device import Device, DeviceError
from ..device.libcuda import load_libcuda
from ..engine import ModelError, ModelMetadata, OnnxEngine
from ..engine.build import check_kernels
from ..engine.build_options import BuildOptions
from ..engine.builder import why_not_target
from ..engine.cache import PlanCache
from ..engine.calibration import CalibrationImages
from ..engine.contract import outputs_of
from ..engine.monitor import Cancelled, Progress
from ..engine.onnx_file import OnnxFile, import_onnx
from ..engine.plan import read_cubin, read_plan, sidecar_path
from ..engine.tensorrt import MODULES, load_tensorrt
from ..families import Family
from .contract import contract, family_of
from .cpu import CpuPipeline
from .cuda import CudaPipeline
from .protocol import Pipeline

DEVICES = ('auto', 'cpu', 'gpu')


@dataclass(frozen=True)
class Setup:
    """How a model is opened; each device reads the fields that concern it."""

    threads: int = 0
    """Threads of the network on the processor; 0 leaves it to the runtime."""
    method: str = 'cpu'
    """How the outputs are decoded on the processor: 'cpu' or 'reference'."""
    gpu: int = 0
    """Number of the GPU."""
    precision: str = 'fp16'
    """
    Precision of an ONNX file's plan: 'fp32', 'fp16' or 'int8'.

    'int8' needs ``calibration`` unless the cache has such a plan.
    """
    batch: int = 1
    """Largest number of images at once of an ONNX file's plan."""
    cache: Path | None = None
    """Folder of built plans; None stands for the default one."""
    log: Callable[[str], None] = print
    """Receives a line when something takes long, or when a model runs on an unexpected device."""
    warn: Callable[[str], None] | None = None
    """
    Receives why a model runs on the processor of a machine that is meant to use its GPU.

    By default ``log`` receives it.
    """
    calibration: CalibrationImages | None = None
    """Images for int8."""
    progress: Progress | None = None
    """Receives the phase of a build and the share of the build that is done."""
    cancelled: Cancelled | None = None
    """Returns whether a build shall end; it is asked during the build."""
    accept: Callable[[Family], None] | None = None
    """Receives the model's family before anything is built; what it raises ends the opening."""


def open_pipeline(path: Path, device: str, setup: Setup) -> Pipeline:
    """
    Open a model file; see ``Segmenter.open``.

    Raises
    ------
    FileNotFoundError, ModelError, ImportError, DeviceError, BuildError, BuildCancelled
        As for ``Segmenter.open``; the GPU is then free again.
    ValueError
        There is no such device.

    """
    if device not in DEVICES:
        raise ValueError(f'device is {device!r}: expected one of {", ".join(DEVICES)}')
    reason = '' if device == 'auto' else f'the device asked for is {device}'
    if path.suffix == '.plan':
        if device == 'cpu':
            raise ModelError(f'{path} is a plan, which runs on a GPU only: take the .onnx file '
                             'that it was built from, or device gpu')
        return _on_gpu(setup.gpu, reason or 'the model is a plan',
                       lambda gpu: _load(gpu, path, setup))
    if path.suffix != '.onnx':
        raise ModelError(f'{path}: expected a model file that ends in .onnx or .plan')
    if device == 'auto' and path.is_file():
        obstacle = why_not_gpu(setup.gpu)
        device = 'gpu' if obstacle is None else 'cpu'
        reason = obstacle or 'there is a GPU'
        if obstacle:
            tell = setup.warn or setup.log if gpu_is_expected() else setup.log
            tell(f'{path.name} runs on the CPU, not on a GPU: {obstacle}')
    if device == 'gpu':
        return _on_gpu(setup.gpu, reason, lambda gpu: _find_or_build(gpu, path, setup))
    engine = OnnxEngine(path, contract, setup.threads)
    try:
        _accepted(engine.metadata, setup)
        return CpuPipeline(engine, setup.method, reason)
    except BaseException:
        engine.close()
        raise


def why_not_gpu(index: int) -> str | None:
    """Return why the GPU path cannot be used on this machine; None when it can."""
    try:
        tensorrt = load_tensorrt()
        import_onnx()
        device = Device.open(index)
    except (DeviceError, ImportError) as error:
        return str(error)
    target = device.target
    device.close()
    return why_not_target(tensorrt, target)


def gpu_is_expected() -> bool:
    """Return whether this machine is meant to use a GPU: it has NVIDIA's driver or TensorRT."""
    if any(sys.modules.get(name) or find_spec(name) for name in MODULES):
        return True
    try:
        load_libcuda()
    except OSError:
        return False
    except AttributeError:      # a driver that is too old
        return True
    return True


def _accepted(metadata: ModelMetadata, setup: Setup) -> Family:
    """Return a model's family, unless whoever opens the model has an objection."""
    family = family_of(metadata)
    if setup.accept is not None:
        setup.accept(family)
    return family


def _on_gpu(index: int, reason: str, assemble: Callable[[Device], CudaPipeline]) -> CudaPipeline:
    """Open a GPU and assemble a pipeline on it; if that fails, close the GPU."""
    device = Device.open(index)
    try:
        pipeline = assemble(device)
        pipeline.reason = reason
        return pipeline
    except BaseException:
        device.close()
        raise


def _find_or_build(device: Device, path: Path, setup: Setup) -> CudaPipeline:
    """Open an ONNX model's plan for a GPU; build the plan if the cache has none that fits."""
    onnx = OnnxFile.read(path, contract)
    family = _accepted(onnx.metadata, setup)
    options = BuildOptions(precision=setup.precision, batch=setup.batch)
    cache = PlanCache(setup.cache)

    def find() -> Path:
        return cache.find_or_build(
            onnx, options, gpu=device, log=setup.log, kernels=family.kernels,
            calibration=setup.calibration, progress=setup.progress, cancelled=setup.cancelled)

    plan = find()
    try:
        return _load(device, plan, setup)
    except ModelError as error:     # the sidecar fits, but the plan does not run here
        setup.log(f'Building {plan.name} again: {error}')
        sidecar_path(plan).unlink(missing_ok=True)
    return _load(device, find(), setup)


def _load(device: Device, path: Path, setup: Setup) -> CudaPipeline:
    """Open a plan with its sidecar and its kernels."""
    from ..engine.tensorrt_engine import TensorRtEngine
    plan, info = read_plan(path)
    metadata = info.metadata(str(path))
    outputs = outputs_of(metadata, contract, str(path))
    check_kernels(path, info, _accepted(metadata, setup).kernels)
    kernels = device.load(read_cubin(path))
    engine = TensorRtEngine(device, plan, metadata, outputs)
    pipeline = CudaPipeline(device, engine, kernels)
    pipeline.about |= {'precision': info.checked or info.precision, 'built': info.created}
    return pipeline
