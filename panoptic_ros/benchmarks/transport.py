"""The latency of the node's transport, beside that of a plain relay of rclpy."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from rich.progress import Progress

from ..arguments import image_size, whole
from ..demo.domain import private_domain
from ..memory import PROFILE_VARIABLES, TRANSPORT_VARIABLES
from ..report import p50_p99, print_table
from ..resources import share_directory
from .transport_ends import IMAGE, LABELS
from .transport_plot import plot_latencies

ENDS, NODE = 'panoptic_ros.benchmarks.transport_ends', 'panoptic_ros.benchmarks.transport_node'

MIDDLES = {
    'relay': [ENDS, 'relay'],
    'node': [NODE, '--ros-args', '-r', f'image:={IMAGE}', '-r', f'~/panoptic:={LABELS}']}
"""The process between camera and consumer, by name."""

_MALLOC = {'MALLOC_MMAP_THRESHOLD_': str(1 << 30), 'MALLOC_TRIM_THRESHOLD_': str(2**31 - 1)}
_WARM_UP = 1.0
"""Seconds at the start whose frames are not counted."""
_PATIENCE = 120.0
"""Seconds that a process has beside those that it measures."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``benchmark transport``."""
    parser.add_argument('--size', type=image_size, default='1080x1920', metavar='HxW',
                        help='camera resolution (default: %(default)s)')
    parser.add_argument('--rate', type=float, default=20.0,
                        help='frames per second (default: %(default)s)')
    parser.add_argument('--seconds', type=float, default=15.0,
                        help='seconds to measure each rival (default: %(default)s)')
    parser.add_argument('--rounds', type=whole(1), default=3,
                        help='rounds, in each of which every rival has a turn (default: '
                        '%(default)s)')
    parser.add_argument('--plot', type=Path, metavar='PNG', help='also draw the distributions')


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure relay and node in turns, first untuned, then with all processes tuned."""
    rivals = [(f'{"tuned " if tuned else ""}{middle}', middle, tuned)
              for tuned in (False, True) for middle in MIDDLES]
    sent = dict.fromkeys((name for name, _, _ in rivals), 0)
    latencies: dict[str, list[float]] = {name: [] for name in sent}
    with Progress(transient=True) as progress, private_domain() as domain:
        task = progress.add_task('measuring', total=args.rounds * len(rivals))
        for _ in range(args.rounds):
            for name, middle, tuned in rivals:
                progress.update(task, description=name)
                stamps, taken = _measure(MIDDLES[middle], _environment(domain, tuned), args)
                counted = set(stamps[round(_WARM_UP * args.rate):])
                sent[name] += len(counted)
                latencies[name] += [(arrival - stamp) * 1e-6 for stamp, arrival in taken
                                    if stamp in counted]
                progress.advance(task)
    silent = [name for name, times in latencies.items() if not times]
    if silent:
        raise RuntimeError(f'nothing came through {", ".join(silent)}')
    figures = {name: {**dict(zip(('p50_ms', 'p99_ms'), p50_p99(times), strict=True)),
                      'max_ms': max(times), 'received': len(times), 'sent': sent[name]}
               for name, times in latencies.items()}
    ratios = {f'{name} / {rival}': {quantile: figures[name][quantile] / figures[rival][quantile]
                                    for quantile in ('p50_ms', 'p99_ms')}
              for name, rival in (('node', 'relay'), ('tuned node', 'tuned relay'))}
    height, width = args.size
    print_table(f'published to received, {width}x{height} bgr8 at {args.rate:g} Hz',
                ('', 'p50 ms', 'p99 ms', 'max ms', 'received'),
                ((name, f['p50_ms'], f['p99_ms'], f['max_ms'], f'{f["received"]}/{f["sent"]}')
                 for name, f in figures.items()))
    print_table('ratios', ('', 'p50', 'p99'),
                ((name, *ratio.values()) for name, ratio in ratios.items()))
    if args.plot:
        plot_latencies(args.plot, latencies)
    return {'size': [height, width], 'rate': args.rate, 'rivals': figures, 'ratios': ratios}


def _environment(domain: int, tuned: bool) -> dict[str, str]:
    """Return the environment of all three processes, without the variables that tune them."""
    variables = {name: value for name, value in os.environ.items()
                 if name not in (*TRANSPORT_VARIABLES, *_MALLOC)}
    variables['ROS_DOMAIN_ID'] = str(domain)
    if tuned:
        profile = str(share_directory() / 'config' / 'fastdds.xml')
        variables |= _MALLOC | dict.fromkeys(PROFILE_VARIABLES, profile)
    return variables


def _measure(middle: list[str], environment: dict[str, str],
             args: argparse.Namespace) -> tuple[list[int], list[list[int]]]:
    """Return the stamps that the camera sent, and stamp and arrival of each received image."""
    height, width = args.size
    frames = round((_WARM_UP + args.seconds / args.rounds) * args.rate)
    processes: list[subprocess.Popen[str]] = []

    def start(*words: object) -> subprocess.Popen[str]:
        processes.append(subprocess.Popen(
            [sys.executable, '-m', *map(str, words)], env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE))
        return processes[-1]

    try:
        consumer = start(ENDS, 'consumer')
        start(*middle)
        camera = start(ENDS, 'camera', height, width, frames, args.rate)
        patience = _PATIENCE + args.seconds
        stamps = _answer(camera, patience)
        consumer.send_signal(signal.SIGINT)
        return stamps, _answer(consumer, patience)
    finally:
        for process in processes:
            process.kill()
            process.communicate()


def _answer(process: subprocess.Popen[str], patience: float) -> Any:
    output, errors = process.communicate(timeout=patience)
    if not output:
        raise RuntimeError(f'{process.args!r} failed: {errors.strip()}')
    return json.loads(output.splitlines()[-1])
