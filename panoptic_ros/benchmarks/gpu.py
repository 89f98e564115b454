"""The GPU path in one run on one GPU: grouping, whole path, graph, batches of cameras."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from ..arguments import image_size
from ..device import CompileError, Device, DeviceError, Module, compile_kernels
from ..engine import ModelError
from ..engine.plan import read_cubin, read_plan
from ..engine.protocol import DeviceEngine
from ..grouping.cuda import DeviceHeads
from ..grouping.kernel_sources import KERNELS
from ..labels import LabelSpace
from ..resources import share_directory
from ..streets import Drive
from .gpu_grouping import HEADS, GroupingBench, TorchGroup, growth
from .gpu_machine import describe_machine, why_not_tensorrt
from .gpu_path import measure_cameras, measure_path
from .gpu_probes import COPY_BYTES, Probes
from .gpu_stopwatch import Stopwatch
from .gpu_tables import show
from .heads import make_heads

if TYPE_CHECKING:
    import torch

CAMERAS = (1, 2, 4, 6)
INSTANCES = (30, 100, 200)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be chosen."""
    parser.add_argument('--engine', choices=('auto', 'tensorrt', 'torch'), default='auto',
                        help='what runs the network; auto is TensorRT where it is installed')
    parser.add_argument('--plan', type=Path, metavar='FILE', help='plan that TensorRT runs')
    parser.add_argument('--onnx', type=Path, metavar='FILE',
                        help='model whose plan is found in the cache, or built, without --plan '
                        '(default: the shipped one)')
    parser.add_argument('--network', default='r52',
                        help='network that PyTorch runs, with random weights (%(default)s)')
    parser.add_argument('--input-size', type=image_size, default='1024x2048', metavar='HxW',
                        help='its input (%(default)s)')
    parser.add_argument('--precision', choices=('fp16', 'fp32'), default='fp16',
                        help='of the network, without --plan (%(default)s)')
    parser.add_argument('--size', type=image_size, default='1024x2048', metavar='HxW',
                        help='of the images that are grouped (%(default)s)')
    parser.add_argument('--camera', type=image_size, metavar='HxW',
                        help="of the camera images (default: the network's input)")
    parser.add_argument('--rounds', type=int, default=50,
                        help='measurements of each side (%(default)s)')
    parser.add_argument('--warm-up', type=int, default=5,
                        help='rounds before them that do not count (%(default)s)')
    parser.add_argument('--gpu', type=int, default=0, help='number of the GPU (%(default)s)')


def run(args: argparse.Namespace) -> dict[str, Any]:
    """
    Measure everything that this machine can measure; print and return it.

    Raises
    ------
    SystemExit
        There is no GPU, or what was asked for is not there; the message says what is missing.
    DeviceError
        The GPU fails while it is measured.

    """
    try:
        device = Device.open(args.gpu)
    except DeviceError as error:
        raise SystemExit(f'benchmark gpu: {error}') from None
    try:
        report = measure(device, args)
    except (CompileError, FileNotFoundError, ImportError, ModelError) as error:
        raise SystemExit(f'benchmark gpu: {error}') from error
    finally:
        device.close()
    show(report)
    return report


def measure(device: Device, args: argparse.Namespace) -> dict[str, Any]:
    """Measure on an open device; see ``run``."""
    missing: dict[str, str] = {}
    probes = Probes(device)
    stopwatch = Stopwatch(device, probes.hold, args.warm_up)

    def median(work: Any) -> float:
        return stopwatch.medians({'it': work}, args.rounds)['it']

    bandwidth = probes.bandwidth(median)
    report: dict[str, Any] = {
        'machine': describe_machine(device), 'rounds': args.rounds,
        'copy': {'bytes': COPY_BYTES, 'gigabytes_per_second': bandwidth / 1e6},
        'not_measured': missing}
    torch_group = _torch_group(device, args.gpu, missing)
    kernels = device.load(compile_kernels(KERNELS, device.target))
    opened = _open_engine(device, args, kernels, missing)
    bench = GroupingBench(device, kernels, probes, stopwatch, bandwidth, torch_group)
    cases = report['grouping'] = []
    for instances in INSTANCES:
        for kind in HEADS:
            _tell(f'grouping, {instances} instances, {kind}')
            cases.append(bench.measure(args.size, instances, kind, args.rounds))
    report['grouping_growth'] = growth(cases)
    if torch_group is not None:
        from .torch_engine import release_cache
        release_cache()
    if opened is not None:
        engine, kernels, weights = opened
        report['engine'] = {
            'description': engine.description, 'network': engine.metadata.network,
            'weights': weights, 'input_size': list(engine.metadata.input_size),
            'batch': engine.batch}
        images = _camera_images(args.camera or engine.metadata.input_size)
        _tell('whole path')
        report['path'] = measure_path(device, engine, kernels, stopwatch, images[0], args.rounds)
        _tell('batches of cameras')
        report['cameras'] = measure_cameras(device, engine, kernels, stopwatch, images, CAMERAS,
                                            args.rounds)
        engine.close()
    return report


def _torch_group(device: Device, gpu: int, missing: dict[str, str]) -> TorchGroup | None:
    try:
        from . import torch_engine, torch_grouping
    except ImportError as error:
        missing['torch'] = f'PyTorch is not installed ({error}): `pip install torch`'
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


def _open_engine(device: Device, args: argparse.Namespace, kernels: Module,
                 missing: dict[str, str]) -> tuple[DeviceEngine, Module, str] | None:
    """Return the engine with kernels for it and what its weights are, or say why there is none."""
    reason = why_not_tensorrt()
    if args.engine == 'tensorrt' or args.plan or (args.engine == 'auto' and reason is None):
        if reason is not None:
            raise SystemExit(f'benchmark gpu: {reason}')
        return _open_plan(device, args)
    assert reason is not None or args.engine == 'torch'
    missing['tensorrt'] = reason or 'the network was to be run by PyTorch (--engine torch)'
    if 'torch' in missing:
        if args.engine == 'torch':
            raise SystemExit(f'benchmark gpu: {missing["torch"]}')
        missing['path'] = 'neither TensorRT nor PyTorch can run a network here'
        return None
    import torch

    from .torch_engine import TorchEngine
    heads = make_heads(LabelSpace.load('cityscapes'), args.input_size, INSTANCES[0])
    engine = TorchEngine.untrained(
        device, args.network, args.input_size, max(CAMERAS),
        torch.float16 if args.precision == 'fp16' else torch.float32, heads, args.gpu)
    return engine, kernels, (f'random; after the network has run, heads with {INSTANCES[0]} '
                             'instances take the place of its own')


def _open_plan(device: Device, args: argparse.Namespace) -> tuple[DeviceEngine, Module, str]:
    from ..engine.tensorrt_engine import TensorRtEngine
    plan = args.plan
    if plan is None:
        from ..engine.build import BuildOptions
        from ..engine.cache import PlanCache
        onnx = args.onnx or share_directory() / 'models' / 'streets.onnx'
        plan = PlanCache().find_or_build(
            onnx, BuildOptions(precision=args.precision, batch=max(CAMERAS)), device, _tell,
            kernels=KERNELS)
    content, info = read_plan(plan)
    engine = TensorRtEngine(device, content, info.metadata(str(plan)))
    return engine, device.load(read_cubin(plan)), f'{plan.name}, {info.precision}'


def _camera_images(size: tuple[int, int]) -> list[npt.NDArray[np.uint8]]:
    drive = Drive(seed=1_000_000, size=size)
    return [drive.frame(index / 10)[0] for index in range(max(CAMERAS))]


def _tell(what: str) -> None:
    print(f'{what} ...', file=sys.stderr, flush=True)


def main() -> None:
    """Run without the other benchmarks, whose libraries need not be there."""
    parser = argparse.ArgumentParser(prog='benchmark gpu', description=__doc__)
    add_arguments(parser)
    parser.add_argument('--json', type=Path, required=True, metavar='FILE', help='write it here')
    args = parser.parse_args()
    report = run(args)
    args.json.write_text(json.dumps(report, indent=2) + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
