"""Building plans from ONNX files."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ..segments.kernel_sources import SHARED
from ..trust import check_folder
from .build_options import BuildOptions, Gpu
from .builder import BuildError, refuse_operators, serialize, targets
from .calibration import CalibrationImages
from .monitor import BuildCancelled, Cancelled, Progress, create_monitor, poll
from .onnx_file import OnnxFile
from .plan import PlanError, PlanInfo, write_plan
from .plan_info import trusting
from .precision import convert
from .tensorrt import describe_tensorrt, load_tensorrt

__all__ = ['BuildCancelled', 'BuildError', 'BuildOptions', 'Built', 'Gpu', 'build_engine',
           'build_plan', 'check_kernels', 'describe_plan', 'kernels_sha256']

Compile = Callable[[Path, str], bytes]
"""Compiles a folder of kernels for a target such as 'sm_89' to a cubin."""


@dataclass(frozen=True)
class Built:
    """A plan in memory."""

    plan: bytes
    info: PlanInfo
    seconds: float
    """How long the build took."""


def compile_kernels(folder: Path, target: str) -> bytes:
    """Compile a family's kernels; see ``panoptic_ros.device.compiler``."""
    from ..device import compiler
    return compiler.compile_kernels(folder, target, (SHARED,))


def kernels_sha256(folder: Path) -> str:
    """
    Return the hash over a family's kernels, the shared ones, and the compiler's options.

    Raises
    ------
    FileNotFoundError
        A folder has no CUDA sources.

    """
    from ..device import compiler
    digest = hashlib.sha256(repr(compiler.OPTIONS).encode())
    for place in (folder, SHARED):
        sources = sorted(p for p in place.glob('*') if p.suffix in ('.cu', '.cuh'))
        if not sources:
            raise FileNotFoundError(f'no CUDA sources in {place}: reinstall the package, which '
                                    'ships them')
        for path in sources:
            digest.update(f'{path.name}\0{path.stat().st_size}\0'.encode() + path.read_bytes())
    return digest.hexdigest()


def check_kernels(plan: Path, info: PlanInfo, folder: Path) -> None:
    """
    Refuse a plan whose cubin was compiled from other kernels than those in a folder.

    Another version of the package writes other tasks, which such kernels would take for theirs.

    Raises
    ------
    PlanError
        It was.

    """
    if info.kernels_sha256 != kernels_sha256(folder):
        raise PlanError(f'{plan} has the kernels of another version of panoptic_ros')


def describe_plan(onnx: OnnxFile, options: BuildOptions, gpu: Gpu | None = None,
                  kernels: str = '', calibration: CalibrationImages | None = None) -> PlanInfo:
    """
    Return what a build would make, without building.

    Parameters
    ----------
    onnx, options
        What to build, and how.
    gpu
        This machine's GPU, if it has one.
    kernels
        ``kernels_sha256`` of the sources that belong to the plan.
    calibration
        The images for int8.

    Raises
    ------
    ValueError
        Neither a GPU nor a target is given, or this TensorRT does not build for the target.
    ModelError
        The file's batch is fixed, and the options ask for another, or this TensorRT lacks one of
        its operators.
    ImportError
        TensorRT is not installed.

    """
    tensorrt = load_tensorrt()
    refuse_operators(tensorrt, onnx)
    known, product = targets(tensorrt), describe_tensorrt(tensorrt)
    target = options.target or (gpu.target if gpu else None)
    if target is None:
        raise ValueError('no target, and no GPU on this machine: name a target, such as '
                         '`--target sm_89`, or build on the machine that has the GPU')
    if known is not None and target not in known:
        raise ValueError(f'target {target}: {product} builds for {", ".join(known)} only; for '
                         'another GPU build on its machine, with the package tensorrt')
    if known is None and (gpu is None or gpu.target != target):
        raise ValueError(f'target {target}: {product} builds for the GPU of its machine only '
                         f'({gpu.target if gpu else "there is none"}): build there without a '
                         'target, or install tensorrt-rtx')
    here = gpu is not None and (known is None or options.target is None)
    name = gpu.name if gpu is not None and here else f'any {target}'
    extras = options.others() | {'calibration': calibration.sha256 if calibration else None}
    return PlanInfo(
        onnx_sha256=onnx.sha256, tensorrt=product, gpu=name, target=target,
        precision=options.precision, batch=options.profile(onnx), options=extras,
        kernels_sha256=kernels, properties=onnx.properties)


def build_plan(onnx: OnnxFile, options: BuildOptions,
               calibration: CalibrationImages | None = None, progress: Progress | None = None,
               cancelled: Cancelled | None = None, *, gpu: Gpu | None = None, kernels: str = '',
               timing_cache: Path | None = None) -> Built:
    """
    Build a plan in memory.

    Parameters
    ----------
    onnx
        The file.
    options
        How to build it.
    calibration
        Images for int8.
    progress
        Receives the name of the phase and the share of the build that is done.
    cancelled
        Returns whether the build shall end; it is asked at every step.
    gpu, kernels
        As for ``describe_plan``.
    timing_cache
        File that keeps TensorRT's measurements, which makes the next build faster.

    Raises
    ------
    BuildCancelled
        ``cancelled`` returned true.
    BuildError
        TensorRT failed to build.
    ModelError
        TensorRT cannot parse the file, or the layers are not in the requested precision.
    ValueError
        The options do not suit the file, this machine, or this TensorRT.
    ImportError
        A library is not installed.

    """
    start = time.monotonic()
    info = describe_plan(onnx, options, gpu, kernels, calibration)
    content = convert(onnx.content, options.precision,
                      None if calibration is None else _watch(calibration, progress, cancelled))
    poll(cancelled)
    tensorrt = load_tensorrt()
    plan, checked = serialize(tensorrt, onnx, content, options, info,
                              create_monitor(tensorrt, progress, cancelled), timing_cache)
    poll(cancelled)
    created = datetime.now(timezone.utc).isoformat(timespec='seconds')
    return Built(plan, replace(info, checked=checked, created=created),
                 time.monotonic() - start)


def build_engine(onnx: OnnxFile, output: Path, options: BuildOptions, *,
                 kernels: Path, gpu: Gpu | None = None,
                 calibration: CalibrationImages | None = None, progress: Progress | None = None,
                 cancelled: Cancelled | None = None, timing_cache: Path | None = None,
                 compile: Compile = compile_kernels) -> Built:
    """
    Build a plan and its kernels, and write them with their sidecar; see ``build_plan``.

    Parameters
    ----------
    onnx, options, gpu, calibration, progress, cancelled, timing_cache
        As for ``build_plan``.
    output
        The plan's path, which ends in .plan.
    kernels
        Folder of the family's CUDA sources.
    compile
        Compiles this folder for a target.

    Raises
    ------
    BuildCancelled, BuildError, ModelError, ValueError, FileNotFoundError, ImportError
        ``build_plan`` or the compiler raised it; nothing is written.
    OSError
        The files cannot be written.

    """
    if output.suffix != '.plan':
        raise ValueError(f'{output}: expected a file that ends in .plan')
    # A plan in an untrusted folder is refused later; the user learns it before the long build.
    if output.parent.is_dir():
        with trusting():
            check_folder(output.parent.resolve(), 'plans are executed')
    hashed = kernels_sha256(kernels)
    target = describe_plan(onnx, options, gpu, hashed, calibration).target
    # The kernels take less than a second.  A missing compiler is reported before the long build.
    if progress is not None:
        progress('Compiling kernels', 0.0)
    cubin = compile(kernels, target)
    poll(cancelled)
    built = build_plan(onnx, options, calibration, progress, cancelled, gpu=gpu, kernels=hashed,
                       timing_cache=timing_cache)
    write_plan(output, built.plan, built.info, cubin)
    return built


def _watch(calibration: CalibrationImages, progress: Progress | None,
           cancelled: Cancelled | None) -> Iterator[Any]:
    """Yield the images, report progress, and end when ``cancelled`` asks for it."""
    for number, image in enumerate(calibration):
        poll(cancelled)
        if progress is not None:
            progress('Calibrating', number / len(calibration))
        yield image
    poll(cancelled)
