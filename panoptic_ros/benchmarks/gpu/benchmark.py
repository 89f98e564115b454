"""``benchmark gpu``: its options, the order of its steps, and its files."""

from __future__ import annotations

import argparse
import tempfile
from datetime import datetime, timezone
from functools import partial
from pathlib import Path

from ...arguments import image_size, whole
from ...device import Device, DeviceError
from ...report import write_json
from ...resources import model_path
from . import programs
from .limit import Limit
from .measurement import Measurement
from .page import page
from .steps import Report, Steps

PARTS = {
    'kernels': ('machine', 'compile', 'kernels'),
    'decoder': ('machine', 'compile', 'copies', 'decoder', 'queries', 'detections'),
    'path': ('machine', 'compile', 'copies', 'engine', 'path', 'cameras'),
    'sanitizer': tuple(programs.SANITIZER),
    'tests': ('tests',)}
"""The parts that can be chosen, and their steps."""
LIMIT = 900.


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``benchmark gpu``."""
    parser.add_argument('--parts', nargs='+', choices=PARTS, default=[*PARTS], metavar='PART',
                        help='kernels (against the reference), decoder (its speed), path (camera '
                        'image to labels, batches of cameras), sanitizer (compute-sanitizer on '
                        'the kernels), tests (the gpu-marked ones of a checkout); by default all')
    parser.add_argument('--limit', type=float, default=LIMIT, metavar='SECONDS',
                        help='end after so many seconds with the steps done so far (%(default)g)')
    parser.add_argument('--document', type=Path, metavar='FILE',
                        help='also write what is printed to FILE, a page in Markdown')
    parser.add_argument('--engine', choices=('auto', 'tensorrt', 'torch'), default='auto',
                        help='runtime of the network; auto is TensorRT if it is installed')
    parser.add_argument('--model', type=model_path, default='streets',
                        help='model for TensorRT: a plan, or an ONNX file, whose plan is found in '
                        'the cache or built (%(default)s)')
    parser.add_argument('--network', default='r52',
                        help='network for PyTorch, with random weights (%(default)s)')
    parser.add_argument('--input-size', type=image_size, default='1024x2048', metavar='HxW',
                        help="input of PyTorch's network (%(default)s)")
    parser.add_argument('--precision', choices=('fp16', 'fp32'), default='fp16',
                        help='precision of the network, unless the model is a plan (%(default)s)')
    parser.add_argument('--size', type=image_size, default='1024x2048', metavar='HxW',
                        help='size of the images for the decoder (%(default)s)')
    parser.add_argument('--instances', type=int, nargs='+', default=[30, 100, 200], metavar='N',
                        help='numbers of instances in these images (30 100 200)')
    parser.add_argument('--queries', type=int, nargs='+', default=[36, 90], metavar='N',
                        help='numbers of queries in these images (36 90)')
    parser.add_argument('--detections', type=int, nargs='+', default=[30, 100], metavar='N',
                        help='numbers of detections in these images (30 100)')
    parser.add_argument('--camera', type=image_size, metavar='HxW',
                        help="size of the camera images (default: the network's input)")
    parser.add_argument('--cameras', type=int, nargs='+', default=[1, 2, 4, 6], metavar='N',
                        help='numbers of cameras whose images come together (1 2 4 6)')
    parser.add_argument('--rounds', type=whole(1), default=50,
                        help='measurements of each side (%(default)s)')
    parser.add_argument('--gpu', type=int, default=0, help='number of the GPU (%(default)s)')


def run(args: argparse.Namespace) -> Report:
    """
    Run all steps that this machine can run; print and return the report.

    Report and page are written before and after each step.  So a run that is ended early leaves
    the results so far.  The logs of programs are written beside the report.

    Raises
    ------
    SystemExit
        There is no GPU, or a step failed.  After a failed step, the other results are still
        printed and written.  The message names the cause.

    """
    try:
        device = Device.open(args.gpu)
    except DeviceError as error:
        raise SystemExit(f'benchmark gpu: {error}') from None
    report: Report = {'rounds': args.rounds}
    save = partial(_save, report, args)
    names = {step for part in args.parts for step in PARTS[part]}
    ordered = dict.fromkeys(step for steps in PARTS.values() for step in steps if step in names)
    with Limit(args.limit) as limit, tempfile.TemporaryDirectory() as temporary:
        steps = Steps(ordered, limit, report, save)
        try:
            measurement = Measurement(device, args, report, save)
            steps.run('machine', measurement.machine)
            steps.run('compile', measurement.compile)
            steps.run('kernels', measurement.kernels, 'compile')
            steps.run('copies', measurement.copies, 'compile')
            steps.run('decoder', measurement.decoder, 'copies')
            steps.run('queries', measurement.queries, 'copies')
            steps.run('detections', measurement.detections, 'copies')
            steps.run('engine', measurement.engine, 'copies')
            steps.run('path', measurement.path, 'engine')
            steps.run('cameras', measurement.cameras, 'engine')
        finally:
            device.close()
        logs: Path = args.json or Path(temporary) / 'gpu.json'
        for tool in programs.SANITIZER:
            steps.run(tool, partial(programs.sanitize, tool, logs.with_suffix(f'.{tool}.log'),
                                    limit))
        steps.run('tests', partial(_run_tests, report, logs.with_suffix('.tests.log'), limit))
    print(page(report))
    if steps.failed:
        raise SystemExit('benchmark gpu: ' + '; '.join(map(': '.join, steps.failed.items())))
    return report


def _run_tests(report: Report, log: Path, limit: Limit) -> str:
    text, report['memory'] = programs.run_tests(log, limit)
    return text


def _save(report: Report, args: argparse.Namespace) -> None:
    report['written'] = datetime.now(timezone.utc).isoformat(timespec='seconds')
    write_json(args.json, report)
    if args.document is not None:
        args.document.parent.mkdir(parents=True, exist_ok=True)
        args.document.write_text(page(report), encoding='utf-8')
