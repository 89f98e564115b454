"""Labels recordings offline, no frame lost: a bag, pictures, or folders of pictures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)

from ..engine import ModelError
from ..report import add_json_argument, print_table, write_json
from ..resources import share_directory
from ..segmenter import Segmenter

_BAGS = ('.mcap', '.db3')


def main(argv: Sequence[str] | None = None) -> None:
    """Label a recording; the exit status is 1 when it cannot be read."""
    parser = argparse.ArgumentParser(prog='segment', description=__doc__)
    parser.add_argument('input', nargs='+', type=Path,
                        help='a rosbag2 folder, .mcap or .db3 file; or pictures and folders')
    parser.add_argument('-o', '--output', type=Path, required=True,
                        help='bag or folder to write')
    parser.add_argument('--model', type=Path, help='default: the shipped models/streets.onnx')
    parser.add_argument('--threads', type=int, default=0, help='of the network; 0: all cores')
    parser.add_argument('--overwrite', action='store_true', help='replace an output bag')
    bags = parser.add_argument_group('bags')
    bags.add_argument('--topic', help='camera topic (default: the only one)')
    bags.add_argument('--prefix', default='/panoptic_node',
                      help='before the output topics (default: %(default)s)')
    bags.add_argument('--without-camera', action='store_true',
                      help='do not copy the camera images')
    bags.add_argument('--overlay', action='store_true',
                      help='also write PREFIX/overlay/compressed')
    add_json_argument(parser)
    args = parser.parse_args(argv)
    try:
        report = _label(args)
    except (FileNotFoundError, ImportError, ModelError, ValueError) as error:
        sys.exit(f'segment: {error}')
    _print(report)
    write_json(args.json, report)


def _label(args: argparse.Namespace) -> dict[str, Any]:
    from ..bags import labelling
    from ..bags.frames import camera_topic
    from ..bags.reader import Bag, BagError
    from ..bags.writer import BagWriter

    source: Path = args.input[0]
    is_bag = source.suffix in _BAGS or (source / 'metadata.yaml').is_file()
    if is_bag and len(args.input) > 1:
        raise ValueError(f'{len(args.input)} inputs: expected one bag, or only pictures')
    model = args.model or share_directory() / 'models' / 'streets.onnx'
    pictures = [] if is_bag else list(labelling.find_pictures(args.input))
    segmenter = Segmenter.open(model, threads=args.threads)
    segmenter.warm_up()
    columns = (TextColumn('{task.description}'), BarColumn(), MofNCompleteColumn(),
               TimeRemainingColumn())
    try:
        with Progress(*columns) as progress:
            start = perf_counter()
            if is_bag:
                with Bag(source) as bag:
                    camera = camera_topic(bag, args.topic)
                    task = progress.add_task(camera.name, total=camera.count)
                    with BagWriter(args.output, args.overwrite) as writer:
                        done = labelling.label_bag(
                            segmenter, bag, writer, camera.name, args.prefix,
                            not args.without_camera, args.overlay,
                            lambda: progress.advance(task))
            else:
                task = progress.add_task('pictures', total=len(pictures))
                done = labelling.label_pictures(segmenter, pictures, args.output,
                                                lambda: progress.advance(task))
    except BagError as error:
        raise ValueError(error) from error
    finally:
        segmenter.close()
    elapsed = perf_counter() - start
    stages = {stage: {'p50': float(1000 * np.quantile(seconds, 0.5)),
                      'p99': float(1000 * np.quantile(seconds, 0.99))}
              for stage, seconds in done.seconds.items()}
    return {'output': str(args.output), 'model': str(model), 'frames': done.frames,
            'things': done.things, 'seconds': elapsed, 'frames_per_second': done.frames / elapsed,
            'stage_ms': stages}


def _print(report: dict[str, Any]) -> None:
    print(f'{report["output"]}: {report["frames"]} frames, {report["things"]} things, '
          f'{report["frames_per_second"]:.1f} frames/s')
    print_table(
        'Segmenter', ('stage', 'p50 ms', 'p99 ms'),
        [(stage, times['p50'], times['p99']) for stage, times in report['stage_ms'].items()])


if __name__ == '__main__':
    main()
