"""The time of each stage from a camera image to its labels."""

from __future__ import annotations

import argparse
from typing import Any

from rich.progress import track

from ..arguments import image_size, whole
from ..pipelines.opening import DEVICES
from ..report import p50_p99, print_table
from ..resources import model_path
from ..segmenter import Segmenter, Setup
from ..streets import FIRST_HELD_OUT_SEED, Drive


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``benchmark segmenter``."""
    parser.add_argument('--model', type=model_path, default='streets',
                        help='a file, or the name of a shipped model (default: %(default)s)')
    parser.add_argument('--size', type=image_size, default='512x1024', metavar='HxW',
                        help='camera resolution (default: %(default)s)')
    parser.add_argument('--frames', type=whole(1), default=60,
                        help='frames to measure (default: %(default)s)')
    parser.add_argument('--device', choices=DEVICES, default='auto',
                        help='where the model runs (default: %(default)s)')
    parser.add_argument('--threads', type=whole(0), default=0,
                        help='threads of the network on a CPU (default: one per core)')


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Segment a drive frame by frame and report median and 99th percentile per stage."""
    height, width = args.size
    drive = Drive(seed=FIRST_HELD_OUT_SEED, size=(height, width))
    # All images are rendered first, because rendering would leave cold caches behind.
    images = [drive.frame(index / 10)[0] for index in track(range(args.frames), 'rendering')]
    segmenter = Segmenter.open(args.model, args.device, setup=Setup(threads=args.threads))
    segmenter.warm_up((height, width))
    taken: dict[str, list[float]] = {stage: [] for stage in (*segmenter.stages, 'total')}
    things = 0
    for image in track(images, 'segmenting'):
        (panoptic,), seconds = segmenter.segment([image])
        things += len(panoptic.things)
        for stage, value in (seconds | {'total': sum(seconds.values())}).items():
            taken[stage].append(value * 1e3)
    stages = {stage: dict(zip(('p50_ms', 'p99_ms'), p50_p99(values), strict=True))
              for stage, values in taken.items()}
    rate = 1e3 / stages['total']['p50_ms']
    print_table(f'{segmenter.metadata.network} at {height}x{width}, {segmenter.description}: '
                f'{rate:.1f} frames/s, {things / args.frames:.1f} things a frame',
                ('stage', 'p50 ms', 'p99 ms'),
                ((stage, t['p50_ms'], t['p99_ms']) for stage, t in stages.items()))
    return {'model': str(args.model), 'runtime': segmenter.description, 'size': [height, width],
            'frames': args.frames, 'stages': stages, 'frames_per_second': rate,
            'things_per_frame': things / args.frames}
