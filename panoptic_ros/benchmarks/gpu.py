"""The GPU path in one run on one GPU: grouping, whole path, graph, batches of cameras."""

from __future__ import annotations

import argparse
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..arguments import image_size
from ..device import Device, DeviceError, Module, compile_kernels
from ..families.deeplab.kernel_sources import KERNELS
from ..report import write_json
from ..streets import FIRST_HELD_OUT_SEED, Drive
from .gpu_engine import choose_engine, open_plan, open_torch, torch_group
from .gpu_grouping import TYPES, GroupingBench, growth
from .gpu_machine import describe_machine
from .gpu_path import measure_cameras, measure_path
from .gpu_probes import COPY_BYTES, Probes
from .gpu_stopwatch import Stopwatch
from .gpu_tables import show

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

    What was measured is written where ``--json`` says after each step, so that a run that is
    ended early leaves it.

    Raises
    ------
    SystemExit
        There is no GPU, or what was asked for is not there; or a measurement failed, and the
        others were printed and written.  The message says what.

    """
    try:
        device = Device.open(args.gpu)
    except DeviceError as error:
        raise SystemExit(f'benchmark gpu: {error}') from None
    report: dict[str, Any] = {'rounds': args.rounds, 'not_measured': {}, 'failed': []}
    try:
        _measure(device, args, report)
    finally:
        device.close()
    show(report)
    if report['failed']:
        raise SystemExit('benchmark gpu: ' + '; '.join(
            f'{name}: {report["not_measured"][name]}' for name in report['failed']))
    return report


def _measure(device: Device, args: argparse.Namespace, report: dict[str, Any]) -> None:
    """Measure on an open device, step by step."""
    def median(work: Callable[[], None]) -> float:
        return stopwatch.medians({'it': work}, args.rounds)['it']

    missing = report['not_measured']
    group = torch_group(device, args.gpu, missing)
    choice = choose_engine(device, args, missing)
    with _step(report, 'machine', args.json):
        report['machine'] = describe_machine(device)
    with _step(report, 'copy', args.json):
        probes = Probes(device)
        stopwatch = Stopwatch(device, probes.hold, args.warm_up)
        kernels = device.load(compile_kernels(KERNELS, device.target))
        bandwidth = probes.bandwidth(median)
        report['copy'] = {'bytes': COPY_BYTES, 'gigabytes_per_second': bandwidth / 1e6}
    if 'copy' in report['failed']:      # whatever it was, nothing else can be measured
        return
    bench = GroupingBench(device, kernels, probes, stopwatch, bandwidth, group)
    cases = report['grouping'] = []
    for instances in INSTANCES:
        for kind in TYPES:
            with _step(report, f'grouping, {instances} instances, {kind}', args.json):
                cases.append(bench.measure(args.size, instances, kind, args.rounds))
    report['grouping_growth'] = growth(cases)
    if group is not None:
        from .torch_engine import release_cache
        release_cache()
    if choice is not None:
        _measure_engine(device, args, report, choice, kernels, stopwatch)


def _measure_engine(device: Device, args: argparse.Namespace, report: dict[str, Any],
                    choice: str, kernels: Module, stopwatch: Stopwatch) -> None:
    with _step(report, 'engine', args.json):
        opened = (open_plan(device, args, max(CAMERAS), _tell) if choice == 'tensorrt' else
                  open_torch(device, args, max(CAMERAS), kernels, INSTANCES[0]))
        engine = opened.engine
        images = _camera_images(args.camera or engine.metadata.input_size)
        report['engine'] = {
            'description': engine.description, 'network': engine.metadata.network,
            'weights': opened.weights, 'input_size': list(engine.metadata.input_size),
            'batch': engine.batch}
    if 'engine' not in report:
        return
    with _step(report, 'path', args.json):
        report['path'] = measure_path(device, engine, opened.kernels, stopwatch, images[0],
                                      args.rounds)
    with _step(report, 'cameras', args.json):
        report['cameras'] = measure_cameras(device, engine, opened.kernels, stopwatch, images,
                                            CAMERAS, args.rounds)


@contextmanager
def _step(report: dict[str, Any], name: str, target: Path | None) -> Iterator[None]:
    """Measure one thing in a block: what fails is not measured, and the report says why."""
    _tell(name)
    try:
        yield
    except Exception as error:
        traceback.print_exc()
        report['not_measured'][name] = f'{type(error).__name__}: {error}'
        report['failed'].append(name)
    write_json(target, report)


def _camera_images(size: tuple[int, int]) -> list[npt.NDArray[np.uint8]]:
    drive = Drive(seed=FIRST_HELD_OUT_SEED, size=size)
    return [drive.frame(index / 10)[0] for index in range(max(CAMERAS))]


def _tell(what: str) -> None:
    print(f'{what} ...', file=sys.stderr, flush=True)
