"""Labels recordings offline, no frame lost: a bag, pictures, or folders of pictures."""

from __future__ import annotations

import argparse
import hashlib
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from ..images import MAX_PIXELS, Limits
from ..images import files as image_files
from ..pictures import Labelled, find_pictures, label_pictures
from ..report import add_json_argument, p50_p99, print_table, progress_bar, write_json
from ..resources import model_path
from ..segmenter import Segmenter, Setup
from .command import command

_BAGS = ('.mcap', '.db3', '.bag')


@command
def main(argv: Sequence[str] | None = None) -> None:
    """
    Label a recording.

    The exit status is 1 when it cannot be read or nothing be written, 130 after Ctrl-C and 143
    after SIGTERM.
    """
    parser = argparse.ArgumentParser(prog='segment', description=__doc__)
    parser.add_argument('input', nargs='+', type=Path,
                        help='a rosbag2 folder, .mcap or .db3 file; or pictures and folders')
    parser.add_argument('-o', '--output', type=Path, required=True,
                        help='bag or folder to write')
    parser.add_argument('--model', type=model_path, default='streets',
                        help='a file, or the name of a shipped model (default: %(default)s)')
    parser.add_argument('--threads', type=int, default=0, help='of the network; 0: all cores')
    parser.add_argument('--overwrite', action='store_true',
                        help='replace an output bag, or what pictures were labelled as')
    parser.add_argument('--max-pixels', type=int, default=MAX_PIXELS,
                        help='largest image that is taken (default: %(default)s, 8192x4320)')
    bags = parser.add_argument_group('bags')
    bags.add_argument('--topic', help='camera topic (default: the only one)')
    bags.add_argument('--prefix', default='/panoptic_node',
                      help='before the output topics (default: %(default)s)')
    bags.add_argument('--without-camera', action='store_true',
                      help='do not copy the camera images')
    bags.add_argument('--overlay', action='store_true',
                      help='also write PREFIX/overlay/compressed')
    bags.add_argument('--without-tracking', action='store_true',
                      help='number the things of each frame anew')
    add_json_argument(parser)
    args = parser.parse_args(argv)
    try:
        report = _label(args)
        _print(report)
        write_json(args.json, report)
    except (ImportError, OSError, ValueError) as error:
        sys.exit(f'segment: {error}')


def _label(args: argparse.Namespace) -> dict[str, Any]:
    source: Path = args.input[0]
    takes_bag = is_bag(source)
    if takes_bag and len(args.input) > 1:
        raise ValueError(f'{len(args.input)} inputs: expected one bag, or only pictures')
    if takes_bag:
        return _label_bag(source, args)
    pictures = list(find_pictures(args.input))
    with closing(_open(args)) as segmenter, progress_bar() as bar:
        segmenter.warm_up()
        task = bar.add_task('pictures', total=len(pictures))
        start = perf_counter()
        done = label_pictures(segmenter, pictures, args.output, lambda: bar.advance(task),
                              args.overwrite, Limits(pixels=args.max_pixels))
    return _report(args, done, perf_counter() - start)


def _open(args: argparse.Namespace) -> Segmenter:
    return Segmenter.open(args.model, 'cpu', setup=Setup(threads=args.threads))


def is_bag(path: Path) -> bool:
    """Tell a bag, also one whose metadata are missing, from pictures."""
    if path.suffix in _BAGS or not path.is_dir():
        return path.suffix in _BAGS
    parts = [part for part in path.iterdir() if not part.name.startswith('.')]
    if any(part.name == 'metadata.yaml' for part in parts) and any(
            set(part.suffixes) & set(_BAGS) for part in parts):
        return True
    return any(part.suffix in _BAGS or part.name == 'metadata.yaml'
               for part in parts) and not image_files.find(path)


def _label_bag(source: Path, args: argparse.Namespace) -> dict[str, Any]:
    from ..bags.frames import camera_topic
    from ..bags.labelling import Labelling, StoppedError, check_output, label_bag
    from ..bags.reader import Bag

    with Bag(source) as bag:
        for warning in bag.warnings:
            print(f'segment: {warning}', file=sys.stderr)
        check_output(bag, args.output, args.overwrite)
        camera = camera_topic(bag, args.topic)
        options = Labelling(camera.name, args.prefix, not args.without_camera, args.overlay,
                            not args.without_tracking)
        with closing(_open(args)) as segmenter, progress_bar() as bar, _signals() as stop:
            segmenter.warm_up()
            task = bar.add_task(camera.name, total=camera.count)
            start = perf_counter()
            try:
                done = label_bag(segmenter, bag, args.output, options, _hash(args.model),
                                 args.overwrite, lambda: bar.advance(task), stop,
                                 Limits(pixels=args.max_pixels))
            except StoppedError as error:
                print(f'segment: {error}', file=sys.stderr)
                sys.exit(128 + stop.number)
    return {**_report(args, done, perf_counter() - start, done.resumed), 'resumed': done.resumed}


class _Stop(threading.Event):
    """Set by SIGINT or SIGTERM."""

    number = int(signal.SIGINT)


@contextmanager
def _signals() -> Iterator[_Stop]:
    """Let the frame at work be finished when a signal asks for the end; a second one insists."""
    stop = _Stop()

    def take(number: int, frame: Any) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.number = number
        stop.set()

    before = {number: signal.signal(number, take) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _hash(model: Path) -> str:
    digest = hashlib.sha256()
    with model.open('rb') as file:
        while part := file.read(1 << 20):
            digest.update(part)
    return digest.hexdigest()


def _report(args: argparse.Namespace, done: Labelled, elapsed: float,
            resumed: int = 0) -> dict[str, Any]:
    stages = {stage: dict(zip(('p50', 'p99'), p50_p99(1000 * np.array(seconds)), strict=True))
              for stage, seconds in done.seconds.items()}
    return {'output': str(args.output), 'model': str(args.model), 'frames': done.frames,
            'things': done.things, 'seconds': elapsed,
            'frames_per_second': (done.frames - resumed) / elapsed, 'stage_ms': stages}


def _print(report: dict[str, Any]) -> None:
    known = f', {report["resumed"]} of them by an earlier run' if report.get('resumed') else ''
    print(f'{report["output"]}: {report["frames"]} frames{known}, {report["things"]} things, '
          f'{report["frames_per_second"]:.1f} frames/s')
    print_table(
        'Segmenter', ('stage', 'p50 ms', 'p99 ms'),
        [(stage, times['p50'], times['p99']) for stage, times in report['stage_ms'].items()])


if __name__ == '__main__':
    main()
