"""
Recorded drive in, panoptic images and objects out, over DDS.

A recorded drive is replayed in real time to the lifecycle node, which is a process of its own.
The node's messages are recorded, measured against the drive's ground truth and drawn.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.progress import Progress, TaskID

from ..arguments import image_size
from ..libraries import why_not
from ..report import add_json_argument, print_table, progress_bar, write_json
from ..resources import model_path
from .command import command


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Run the demo; the exit status is 1 if something is missing or fails."""
    try:
        from ..demo import stages
        options, json = _parse(argv)
    except ImportError as error:
        why = why_not(error, 'the demo', 'rclpy', 'make demo` or source a ROS 2 distribution that '
                      'has vision_msgs, such as with `source /opt/ros/DISTRO/setup.bash', 'ROS 2')
        sys.exit(f'demo: {why}')
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with progress_bar() as progress:
            report = stages.run(options, _Bars(progress))
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as error:
        if not _is_expected(error):
            raise
        sys.exit(f'demo: {error}')
    for path in (options.folder / 'report.json', json):
        write_json(path, report)
    _print(report)
    for name, what in stages.OUTPUTS.items():
        print(f'{options.folder / name}  {what}')


class _Bars:
    """A progress bar for each stage."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int) -> None:
        if stage not in self._tasks:
            for task in self._tasks.values():
                self._progress.stop_task(task)
            self._tasks[stage] = self._progress.add_task(stage, total=total)
        self._progress.update(self._tasks[stage], completed=done)


def _is_expected(error: Exception) -> bool:
    """Return whether a user can mend an error, so that it is no fault of the program."""
    from ..bags.reader import BagError
    from ..demo.node_process import NodeError
    return isinstance(error, (BagError, NodeError, OSError, ImportError, TimeoutError))


def _parse(argv: Sequence[str] | None) -> tuple[Any, Path | None]:
    from ..demo.recording import Recipe
    from ..demo.stages import Options
    recipe = Recipe()
    parser = argparse.ArgumentParser(prog='demo', description=(__doc__ or '').strip())
    parser.add_argument('--frames', type=int, default=recipe.frames,
                        help='frames of the drive (default: %(default)s)')
    parser.add_argument('--fps', type=float, default=recipe.fps,
                        help="the camera's frames per second (default: %(default)s)")
    parser.add_argument('--size', type=image_size, default=(recipe.height, recipe.width),
                        metavar='HxW', help='size of the camera images (default: 512x1024)')
    parser.add_argument('--seed', type=int, default=recipe.seed,
                        help='seed of the street (default: %(default)s; training uses lower '
                        'seeds)')
    parser.add_argument('--model', type=model_path, default='streets',
                        help='a file, or the name of a shipped model (default: %(default)s)')
    parser.add_argument('--rate', type=float, default=1.0,
                        help='speed of the replay, times real time (default: %(default)s)')
    parser.add_argument('--folder', type=Path, default=Path('demo'),
                        help='folder for all files (default: %(default)s)')
    parser.add_argument('--domain', type=int, metavar='ID',
                        help='ROS domain, so that other tools can join (default: a free one)')
    add_json_argument(parser)
    args = parser.parse_args(argv)
    try:
        recipe = Recipe(args.seed, args.frames, args.fps, *args.size)
        return Options(args.model, args.folder, recipe, args.rate, args.domain), args.json
    except ValueError as error:
        parser.error(str(error))


def _print(report: dict[str, Any]) -> None:
    model, drive = report['model'], report['drive']
    print(f'{model.get("model")}: network {model.get("network")} at {model.get("input")}, '
          f'{model.get("runtime")}')
    frames = {name: count for name, count in report['frames'].items() if count is not None}
    print_table(f'Frames, {drive["fps"] * drive["rate"]:g} Hz for '
                f'{drive["frames"] / drive["fps"] / drive["rate"]:g} s',
                ('', *frames), [('frames', *frames.values())])
    print_table('Latency', ('stage', 'p50 ms', 'p99 ms'), [
        (stage, times['p50'], times['p99']) for stage, times in report['latency_ms'].items()])
    quality = report['quality']
    print_table('Quality', ('', 'PQ %', 'SQ %', 'RQ %', 'classes'), [
        (group, *(_percent(quality[group][key]) for key in ('pq', 'sq', 'rq')),
         quality[group]['classes']) for group in ('all', 'things', 'stuff')])


def _percent(value: float | None) -> str:
    return '-' if value is None else f'{value:.1f}'


if __name__ == '__main__':
    main()
