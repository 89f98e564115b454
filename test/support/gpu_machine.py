"""The GPU of this machine for the gpu-marked tests, and a network on it by what is installed."""

from __future__ import annotations

import sys
from functools import lru_cache
from pathlib import Path

import numpy as np

from panoptic_ros.benchmarks.gpu import machine
from panoptic_ros.benchmarks.gpu.drawn import draw
from panoptic_ros.device import CompileError, Device, DeviceArray, DeviceError, compile_kernels
from panoptic_ros.engine.plan import read_plan
from panoptic_ros.families import deeplab
from panoptic_ros.families.deeplab.heads import Heads
from panoptic_ros.families.deeplab.kernel_sources import KERNELS
from panoptic_ros.panoptic import Panoptic
from panoptic_ros.pipelines.contract import contract
from panoptic_ros.pipelines.cuda import CudaPipeline
from panoptic_ros.segments.kernel_sources import SHARED

PYTHON = [sys.executable]
"""Starts an interpreter that has the GPU."""
INPUT_SIZE = (64, 128)
MOST_IMAGES = 4
_OUT_OF_BOUNDS = """
extern "C" __global__ void write_at(int* target) { *target = 1; }
"""


@lru_cache
def why_not_gpu() -> str | None:
    """Say why no GPU can be used here, or None where one can."""
    try:
        device = Device.open()
    except DeviceError as error:
        return str(error)
    try:
        cubin_for(device.target)
    except (CompileError, ImportError) as error:
        return str(error)
    finally:
        device.close()
    return None


@lru_cache
def cubin_for(target: str, kernels: Path = KERNELS) -> bytes:
    return compile_kernels(kernels, target, (SHARED,))


def build_plan(folder: Path, device: Device) -> Path:
    """Return a plan of the tiny network for the device, built on the first call."""
    import tiny_model

    from panoptic_ros.engine.build import BuildOptions
    from panoptic_ros.engine.cache import PlanCache
    from panoptic_ros.engine.onnx_file import OnnxFile
    onnx = folder / 'tiny.onnx'
    if not onnx.is_file():
        tiny_model.build(onnx, INPUT_SIZE)
    return PlanCache(folder).find_or_build(
        OnnxFile.read(onnx, contract), BuildOptions(precision='fp32', batch=MOST_IMAGES), device,
        kernels=KERNELS)


def why_not_network() -> str | None:
    """Say why no network can be run on the GPU, or None where one can."""
    if why_not_tensorrt() is None:
        return None
    reason = machine.why_not_torch()
    return None if reason is None else f'{why_not_tensorrt()}; {reason}'


@lru_cache
def why_not_tensorrt() -> str | None:
    """Say why the network of the tests cannot be run by TensorRT, or None where it can."""
    device = Device.open()
    reason = machine.why_not_tensorrt(device.target)
    device.close()
    if reason is None:
        try:
            import onnx  # noqa: F401
        except ImportError as error:
            return f'the network of the tests needs onnx ({error}): `pip install onnx`'
    return reason


class OpenPath:
    """A GPU with a network and the pipeline on it, opened as ``Segmenter.open`` does."""

    def __init__(self, folder: Path) -> None:
        self.device = Device.open()
        try:
            if why_not_tensorrt() is None:
                from panoptic_ros.engine.tensorrt_engine import TensorRtEngine
                plan, info = read_plan(build_plan(folder, self.device))
                metadata = info.metadata('tiny')
                self.engine = TensorRtEngine(self.device, plan, metadata, contract(metadata))
            else:
                import torch

                from panoptic_ros.benchmarks.gpu.torch_engine import TorchEngine
                self.engine = TorchEngine(
                    self.device, 'mobile', INPUT_SIZE, MOST_IMAGES, torch.float32,
                    draw(INPUT_SIZE, 8).outputs)
            kernels = self.device.load(cubin_for(self.device.target))
            self.pipeline = CudaPipeline(self.device, self.engine, kernels)
        except BaseException:
            self.device.close()
            raise
        self.options = deeplab.Options(**self.engine.metadata.options)

    def segment(self, *images: np.ndarray) -> list[Panoptic]:
        return self.pipeline(images, self.options, False).panoptics

    def heads(self, image: int = 0) -> Heads:
        """Return what the network made of an image of the last frame."""
        outputs = {name: self.fetch(array)[image]
                   for name, array in self.engine.outputs.items()}
        return deeplab.heads_of(outputs, deeplab.grid_of(self.engine.metadata))

    def fetch(self, array: DeviceArray) -> np.ndarray:
        values = np.empty(array.shape, array.dtype)
        self.device.download(array, values)
        self.device.synchronize()
        return values

    def close(self) -> None:
        self.pipeline.close()


def picture(size: tuple[int, int], shift: int = 0) -> np.ndarray:
    """Return a picture, (H, W, 3) uint8, with some order in it."""
    try:
        import tiny_model
        image = tiny_model.scene(size)
    except ImportError:     # onnx is not installed
        y, x = np.mgrid[:size[0], :size[1]]
        image = np.stack([3 * y + x, 5 * x, 2 * y], -1).astype(np.uint8)
    return np.ascontiguousarray(np.roll(image, 8 * shift, axis=1))


def write_out_of_bounds(device: Device, folder: Path) -> None:
    """Enqueue a kernel that writes where nobody has memory."""
    (folder / 'kernels.cu').write_text(_OUT_OF_BOUNDS)
    kernels = device.load(compile_kernels(folder, device.target))
    nowhere = DeviceArray(1 << 40, (1,), np.dtype(np.int32), device.stream_handle)
    kernels.launch('write_at', (1, 1, 1), (1, 1, 1), nowhere)
