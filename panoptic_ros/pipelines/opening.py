"""Opening a model on a GPU: device, plan, engine and kernels, or nothing of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..device import Device
from ..engine.metadata import ModelError
from ..engine.plan import read_cubin, read_plan, sidecar_path
from ..families.deeplab.kernel_sources import KERNELS
from .cuda import CudaPipeline


def open_plan(path: Path, index: int = 0) -> CudaPipeline:
    """
    Open a plan with its sidecar and its kernels.

    Raises
    ------
    FileNotFoundError, ModelError, ImportError, DeviceError
        As ``Segmenter.open`` does; the GPU is then free again.

    """
    device = Device.open(index)
    try:
        return _assemble(device, path)
    except BaseException:
        device.close()
        raise


def find_or_build(onnx: Path, precision: str, batch: int, index: int,
                  log: Callable[[str], None], folder: Path | None = None,
                  **build: Any) -> CudaPipeline:
    """
    Open an ONNX model's plan for this GPU, from the cache if it is there.

    Raises
    ------
    BuildCancelled, BuildError, FileNotFoundError, ModelError, ImportError, DeviceError
        As ``Segmenter.open_on_gpu`` does; the GPU is then free again.

    """
    from ..engine.build import BuildOptions
    from ..engine.cache import PlanCache

    device = Device.open(index)
    try:
        options, cache = BuildOptions(precision=precision, batch=batch), PlanCache(folder)

        def find() -> Path:
            return cache.find_or_build(onnx, options, gpu=device, log=log, kernels=KERNELS,
                                       **build)

        plan = find()
        try:
            return _assemble(device, plan)
        except ModelError as error:     # whatever its sidecar says, it does not run here
            log(f'Building {plan.name} again: {error}')
            sidecar_path(plan).unlink(missing_ok=True)
        return _assemble(device, find())
    except BaseException:
        device.close()
        raise


def _assemble(device: Device, path: Path) -> CudaPipeline:
    from ..engine.tensorrt_engine import TensorRtEngine
    plan, info = read_plan(path)
    kernels = device.load(read_cubin(path))
    engine = TensorRtEngine(device, plan, info.metadata(str(path)))
    pipeline = CudaPipeline(device, engine, kernels)
    pipeline.about |= {'precision': info.checked or info.precision, 'built': info.created}
    return pipeline
