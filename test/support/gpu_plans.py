"""Plans for the doubles of CUDA and TensorRT, with kernels that are compiled for real."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import fake_tensorrt
import pytest

from panoptic_ros.device import compile_kernels
from panoptic_ros.engine.build import kernels_sha256
from panoptic_ros.engine.onnx_file import OnnxFile
from panoptic_ros.engine.plan import write_plan
from panoptic_ros.engine.plan_info import PlanInfo
from panoptic_ros.families.deeplab.kernel_sources import KERNELS
from panoptic_ros.pipelines.contract import contract, family_of
from panoptic_ros.segments.kernel_sources import SHARED


@lru_cache
def cubin_for(target: str, kernels: Path = KERNELS) -> bytes:
    """Return a family's kernels for an architecture; skip the test where nothing compiles them."""
    try:
        return compile_kernels(kernels, target, (SHARED,))
    except ImportError as error:
        pytest.skip(str(error))


def make_plan(path: Path, onnx: Path, batch: tuple[int, int] = (1, 4), target: str = 'sm_89',
              cubin: bytes | None = None) -> Path:
    """Write a plan of an ONNX file that the double of TensorRT runs."""
    file = OnnxFile.read(onnx, contract)
    kernels = family_of(file.metadata).kernels
    info = PlanInfo(file.sha256, 'a double', f'any {target}', target, 'fp32',
                    (batch[0], batch[1], batch[1]), kernels_sha256(kernels), file.properties)
    write_plan(path, fake_tensorrt.write_plan(onnx, batch, target), info,
               cubin or cubin_for('sm_89', kernels))
    return path
