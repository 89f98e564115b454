"""Labels recordings offline without losing a frame: bags, videos or pictures, one or many."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from ..images import MAX_PIXELS, Limits
from ..offline.inputs import is_bag
from ..offline.storage import local
from ..offline.worker import hash_of
from ..pictures import Labelled, find_pictures, label_pictures
from ..report import add_json_argument, p50_p99, print_table, progress_bar, write_json
from ..resources import model_path
from ..segmenter import Segmenter, Setup
from ..videos.sources import Source
from .command import command, say
from .family_arguments import FamilyOptions, add_family_arguments
from .opening import FAILURES, add_device_arguments, open_model
from .segment_inputs import open_source, refuse_video
from .segment_many import add_many_arguments, are_many, segment_many
from .stopping import signals


@command
def main(argv: Sequence[str] | None = None) -> None:
    """
    Label a recording.

    The exit status is 1 if the recording cannot be read or the output cannot be written, 130 after
    Ctrl-C and 143 after SIGTERM. Of a webcam the two are the usual end, with status 0.
    """
    parser = argparse.ArgumentParser(prog='segment', description=__doc__)
    parser.add_argument('input', nargs='+',
                        help='a rosbag2 folder, .mcap or .db3 file; a video file, or the number '
                        'of a webcam; pictures and folders; or several bags, videos and folders '
                        "of them, patterns in quotes ('drives/*.mcap') and URLs (s3://...)")
    parser.add_argument('-o', '--output', required=True,
                        help='bag, .mp4 file or folder to write; a .mp4 file shows the overlays; '
                        'of several recordings the folder of their outputs')
    parser.add_argument('--model', type=model_path, default='streets',
                        help='a file, or the name of a shipped model (default: %(default)s)')
    parser.add_argument('--threads', type=int, default=0,
                        help='threads of the network on the processor; 0: all cores')
    add_device_arguments(parser)
    parser.add_argument('--overwrite', action='store_true',
                        help='replace an output bag or video, or the labels of pictures')
    parser.add_argument('--max-pixels', type=int, default=MAX_PIXELS,
                        help='largest image that is taken (default: %(default)s, 8192x4320)')
    bags = parser.add_argument_group('bags')
    bags.add_argument('--topic', help='camera topic (default: the only one)')
    bags.add_argument('--prefix', default='/panoptic_node',
                      help='prefix of the output topics (default: %(default)s)')
    bags.add_argument('--without-camera', action='store_true',
                      help='do not copy the camera images')
    bags.add_argument('--overlay', action='store_true',
                      help='also write PREFIX/overlay/compressed')
    videos = parser.add_argument_group('bags and videos')
    videos.add_argument('--without-tracking', action='store_true',
                        help='number the things of each frame anew')
    videos.add_argument('--fps', type=float, default=10.0, metavar='N',
                        help='frames per second of a video of pictures (default: %(default)g)')
    add_many_arguments(parser)
    add_family_arguments(parser, 'what the model recommends')
    add_json_argument(parser)
    args = parser.parse_args(argv)
    try:
        if are_many(args):
            segment_many(args)
            return
        args.input, args.output = [*map(local, args.input)], local(args.output)
        report = _label(args)
        _print(report)
        write_json(args.json, report)
    except FAILURES as error:
        sys.exit(f'segment: {error}')


def _label(args: argparse.Namespace) -> dict[str, Any]:
    source: Path = args.input[0]
    options = FamilyOptions.of(args)
    if args.output.suffix.lower() == '.mp4':
        return _label_video(open_source(args.input, args.fps, args.output,
                                        Limits(pixels=args.max_pixels)),
                            args, options)
    refuse_video(args.input, args.output)
    if not is_bag(source):
        return _label_pictures(list(find_pictures(args.input)), args, options)
    if len(args.input) > 1:
        raise ValueError(f'{len(args.input)} inputs: expected one bag, or only pictures')
    return _label_bag(source, args, options)


@contextmanager
def _opened(args: argparse.Namespace, options: FamilyOptions) -> Iterator[Segmenter]:
    """Open the model and warm it up."""
    segmenter = open_model('segment', args.model, args.device or 'auto', options,
                           Setup(threads=args.threads, gpu=args.gpu or 0))
    with closing(segmenter):
        segmenter.warm_up()
        yield segmenter


def _label_pictures(pictures: Sequence[Path], args: argparse.Namespace,
                    options: FamilyOptions) -> dict[str, Any]:
    with _opened(args, options) as segmenter, progress_bar() as bar:
        task = bar.add_task('pictures', total=len(pictures))
        start = perf_counter()
        done = label_pictures(segmenter, pictures, args.output, lambda: bar.advance(task),
                              args.overwrite, Limits(pixels=args.max_pixels))
        return _report(args, segmenter, done, perf_counter() - start)


def _label_video(source: Source, args: argparse.Namespace, options: FamilyOptions
                 ) -> dict[str, Any]:
    from ..videos.labelling import StoppedError, check_output, label_video

    check_output(args.output, args.overwrite)
    with _opened(args, options) as segmenter, progress_bar() as bar, signals() as stop:
        task = bar.add_task(args.output.name, total=source.count)

        def proceed() -> bool:
            bar.advance(task)
            return not stop.is_set()

        start = perf_counter()
        try:
            done = label_video(segmenter, source, args.output, args.overwrite,
                               not args.without_tracking, proceed)
        except StoppedError as error:
            say('segment', str(error))
            sys.exit(128 + stop.number)
        return _report(args, segmenter, done, perf_counter() - start)


def _label_bag(source: Path, args: argparse.Namespace, options: FamilyOptions) -> dict[str, Any]:
    from ..bags.frames import camera_topic
    from ..bags.labelling import Labelling, StoppedError, check_output, label_bag
    from ..bags.reader import Bag

    with Bag(source) as bag:
        for warning in bag.warnings:
            say('segment', warning)
        check_output(bag, args.output, args.overwrite)
        camera = camera_topic(bag, args.topic)
        labelling = Labelling(camera.name, args.prefix, not args.without_camera, args.overlay,
                              not args.without_tracking)
        with _opened(args, options) as segmenter, progress_bar() as bar, signals() as stop:
            labelling = replace(labelling, model=hash_of(args.model))
            task = bar.add_task(camera.name, total=camera.count)

            def proceed() -> bool:
                bar.advance(task)
                return not stop.is_set()

            start = perf_counter()
            try:
                done = label_bag(segmenter, bag, args.output, labelling, args.overwrite, proceed,
                                 Limits(pixels=args.max_pixels))
            except StoppedError as error:
                say('segment', str(error))
                sys.exit(128 + stop.number)
            report = _report(args, segmenter, done, perf_counter() - start, done.resumed)
    return {**report, 'resumed': done.resumed}


def _report(args: argparse.Namespace, segmenter: Segmenter, done: Labelled, elapsed: float,
            resumed: int = 0) -> dict[str, Any]:
    stages = {stage: dict(zip(('p50', 'p99'), p50_p99(1000 * np.array(seconds)), strict=True))
              for stage, seconds in done.seconds.items()}
    return {'output': str(args.output), 'model': str(args.model),
            'runtime': segmenter.description, 'frames': done.frames,
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
