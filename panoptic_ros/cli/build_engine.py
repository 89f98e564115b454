"""Builds the TensorRT plan of an ONNX model, and the kernels that belong to the plan."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt

from ..engine.build import BuildCancelled, BuildOptions, build_engine
from ..engine.cache import PlanCache
from ..engine.calibration import LIMIT, CalibrationImages
from ..engine.monitor import poll
from ..engine.onnx_file import OnnxFile
from ..engine.plan import read_plan
from ..engine.precision import PRECISIONS
from ..pipelines.contract import contract, family_of
from ..report import add_json_argument, write_json
from ..resources import model_path
from .building import Building
from .command import command, say

_Image = npt.NDArray[np.uint8]
_SPECIAL = 'static_batch', 'workspace', 'optimization_level', 'dla'
"""Options of plans that the node does not look for in its cache."""
_INTERRUPTED = 130      # a shell reports this status for a command that Ctrl-C ended


@dataclass(frozen=True)
class _Gpu:
    name: str
    target: str


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Build one plan; the exit status is 1 if that fails and 130 if it is interrupted."""
    parser = _parser()
    args = parser.parse_args(argv)
    try:
        with Building() as building:
            report = _build(args, building)
    # A device, the compiler and TensorRT raise RuntimeError; a model or a bag raises ValueError.
    except (RuntimeError, ValueError, ImportError, OSError) as error:
        sys.exit(f'{parser.prog}: {error}')
    except (BuildCancelled, KeyboardInterrupt):
        say(parser.prog, 'interrupted, nothing was written')
        sys.exit(_INTERRUPTED)
    print(f'{report["file"]}: {report["bytes"] / 1e6:.1f} MB in {report["seconds"]:.1f} s, for '
          f'{report["gpu"]}, target {report["target"]}, by {report["tensorrt"]}; '
          f'{report["checked"]}; {report["batch"][0]} to {report["batch"][2]} images at once')
    write_json(args.json, report)


def _build(args: argparse.Namespace, building: Building) -> dict[str, Any]:
    special = [f'--{name.replace("_", "-")}' for name in _SPECIAL
               if getattr(args, name) is not None]
    if special and args.output is None:
        raise ValueError(f'{", ".join(special)}: the node asks its cache for plans without; name '
                         'a plan to write with --output, and give it to the node as its model')
    options = BuildOptions(
        precision=args.precision, target=args.target, batch=args.batch,
        static_batch=bool(args.static_batch), workspace=args.workspace,
        optimization_level=args.optimization_level, dla_core=args.dla)
    start = perf_counter()
    onnx = OnnxFile.read(args.model, contract)
    gpu = None if args.target else _this_gpu()
    kernels = family_of(onnx.metadata).kernels
    calibration = _calibration(args, onnx, building)
    if args.output is None:
        plan = PlanCache().find_or_build(
            onnx, options, gpu, building.log, kernels=kernels, calibration=calibration,
            progress=building.show, cancelled=building.cancelled)
    else:
        plan = args.output
        build_engine(onnx, plan, options, kernels=kernels, gpu=gpu, calibration=calibration,
                     progress=building.show, cancelled=building.cancelled)
    content, info = read_plan(plan)
    return {'file': str(plan), 'bytes': len(content), 'seconds': perf_counter() - start,
            'precision': info.precision, 'checked': info.checked, 'gpu': info.gpu,
            'target': info.target, 'tensorrt': info.tensorrt, 'batch': list(info.batch),
            'created': info.created, 'key': info.key}


def _this_gpu() -> _Gpu:
    """Return name and target of this machine's GPU, and close the GPU."""
    from ..device import Device
    try:
        device = Device.open()
    except (RuntimeError, ImportError) as error:
        raise RuntimeError(f'{error}; without a GPU, name what to build for, such as '
                           '--target sm_89') from error
    try:
        return _Gpu(device.name, device.target)
    finally:
        device.close()


def _calibration(args: argparse.Namespace, onnx: OnnxFile,
                 building: Building) -> CalibrationImages | None:
    """Read the calibration images for int8 from a folder of pictures or from a bag."""
    source: Path | None = args.calibrate
    if source is None:
        return None
    if args.precision != 'int8':
        raise ValueError(f'--calibrate is of use with --precision int8 only, not with '
                         f'{args.precision}')
    from ..offline.inputs import is_bag

    size, padding = onnx.metadata.input_size, onnx.metadata.padding
    if source.is_dir() and not is_bag(source):
        return CalibrationImages.from_folder(source, size, args.images, padding)
    from ..bags.frames import camera_frames, camera_topic
    from ..bags.reader import Bag
    with Bag(source) as bag:
        for warning in bag.warnings:
            say('build_engine', warning)
        topic = camera_topic(bag, args.topic)
        frames = _watch((frame.image for frame in camera_frames(bag, topic)), topic.count,
                        building)
        return CalibrationImages.from_images(frames, size, args.images, topic.count,
                                             padding)


def _watch(images: Iterator[_Image], total: int, building: Building) -> Iterator[_Image]:
    """Yield the images of a bag, show progress, and end after Ctrl-C."""
    for number, image in enumerate(images):
        poll(building.cancelled)
        building.show('Reading the bag', number / total)
        yield image


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='build_engine', description=__doc__)
    parser.add_argument('model', type=model_path, metavar='MODEL',
                        help='an .onnx file, or the name of a shipped model')
    parser.add_argument('-o', '--output', type=Path, metavar='FILE.plan',
                        help='plan to write, with .plan.json and .cubin beside it (default: into '
                        'the cache that the node looks into)')
    parser.add_argument('--precision', choices=PRECISIONS, default='fp16',
                        help='default: %(default)s')
    parser.add_argument('--target', metavar='SM',
                        help='compute capability to build for, such as sm_89 (default: the GPU of '
                        'this machine); other than that, with TensorRT-RTX only')
    parser.add_argument('--batch', type=int, default=1, metavar='N',
                        help='most images at once, as many as there are cameras (default: 1)')
    parser.add_argument('--static-batch', action='store_true', default=None,
                        help='N images, never fewer')
    parser.add_argument('--workspace', type=int, metavar='MIB',
                        help="most device memory for temporaries (default: TensorRT's)")
    parser.add_argument('--optimization-level', type=int, metavar='0-5',
                        help="0 builds soonest, 5 runs fastest (default: TensorRT's)")
    parser.add_argument('--dla', type=int, metavar='CORE',
                        help='run on a deep-learning accelerator, where there is one')
    images = parser.add_argument_group('calibration, for int8')
    images.add_argument('--calibrate', type=Path, metavar='FOLDER_OR_BAG',
                        help='images such as the camera takes')
    images.add_argument('--images', type=int, default=LIMIT, metavar='N',
                        help='how many of them, evenly spaced (default: %(default)s)')
    images.add_argument('--topic', help='camera topic of a bag (default: the only one)')
    add_json_argument(parser)
    return parser


if __name__ == '__main__':
    main()
