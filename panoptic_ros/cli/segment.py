"""Labels recordings offline, no frame lost: a bag, pictures, or folders of pictures."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from rich.progress import Progress, TaskID

from ..pictures import Labelled, find_pictures, label_pictures
from ..report import add_json_argument, p50_p99, print_table, progress_bar, write_json
from ..resources import model_path
from ..segmenter import Segmenter
from .command import command

_BAGS = ('.mcap', '.db3')


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Label a recording; the exit status is 1 when it cannot be read or nothing be written."""
    parser = argparse.ArgumentParser(prog='segment', description=__doc__)
    parser.add_argument('input', nargs='+', type=Path,
                        help='a rosbag2 folder, .mcap or .db3 file; or pictures and folders')
    parser.add_argument('-o', '--output', type=Path, required=True,
                        help='bag or folder to write')
    parser.add_argument('--model', type=model_path, default='streets',
                        help='a file, or the name of a shipped model (default: %(default)s)')
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
    is_bag = source.suffix in _BAGS or (source / 'metadata.yaml').is_file()
    if is_bag and len(args.input) > 1:
        raise ValueError(f'{len(args.input)} inputs: expected one bag, or only pictures')
    pictures = [] if is_bag else list(find_pictures(args.input))
    with closing(Segmenter.open(args.model, threads=args.threads)) as segmenter, \
            progress_bar() as bar:
        segmenter.warm_up()
        task = bar.add_task(source.name if is_bag else 'pictures', total=len(pictures) or None)
        start = perf_counter()
        done = (_label_bag(segmenter, source, args, bar, task) if is_bag else
                label_pictures(segmenter, pictures, args.output, lambda: bar.advance(task)))
    elapsed = perf_counter() - start
    stages = {stage: dict(zip(('p50', 'p99'), p50_p99(1000 * np.array(seconds)), strict=True))
              for stage, seconds in done.seconds.items()}
    return {'output': str(args.output), 'model': str(args.model), 'frames': done.frames,
            'things': done.things, 'seconds': elapsed, 'frames_per_second': done.frames / elapsed,
            'stage_ms': stages}


def _label_bag(segmenter: Segmenter, source: Path, args: argparse.Namespace, bar: Progress,
               task: TaskID) -> Labelled:
    from ..bags.frames import camera_topic
    from ..bags.labelling import label_bag
    from ..bags.reader import Bag
    from ..bags.writer import BagWriter

    with Bag(source) as bag:
        camera = camera_topic(bag, args.topic)
        bar.update(task, description=camera.name, total=camera.count)
        with BagWriter(args.output, args.overwrite) as writer:
            return label_bag(segmenter, bag, writer, camera.name, args.prefix,
                             not args.without_camera, args.overlay, not args.without_tracking,
                             lambda: bar.advance(task))


def _print(report: dict[str, Any]) -> None:
    print(f'{report["output"]}: {report["frames"]} frames, {report["things"]} things, '
          f'{report["frames_per_second"]:.1f} frames/s')
    print_table(
        'Segmenter', ('stage', 'p50 ms', 'p99 ms'),
        [(stage, times['p50'], times['p99']) for stage, times in report['stage_ms'].items()])


if __name__ == '__main__':
    main()
