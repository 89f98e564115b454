"""``segment`` of many recordings: in this process, in several, or on a Ray cluster."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from ..offline import storage
from ..offline.driver import Driver, UnableError, Workers
from ..offline.inputs import find_jobs, is_bag, is_pattern, is_video, recordings
from ..offline.jobs import Outcome, Settings
from ..offline.local import Here, Processes
from ..offline.progress import Progress, Report
from ..offline.worker import Worker, hash_of
from ..report import write_json
from .command import say
from .family_arguments import FamilyOptions
from .segment_progress import Shown, shown
from .stopping import Stop, signals

_GIGABYTE = 1 << 30


def add_many_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that concern several recordings."""
    many = parser.add_argument_group(
        'many recordings', 'each has an output of its name in the folder of -o, and a state '
        'beside it (NAME.state.json); the same command again does what is missing')
    many.add_argument('--jobs', type=int, metavar='N',
                      help='processes of this machine, or of --ray local (default: this one)')
    many.add_argument('--ray', metavar='ADDRESS',
                      help="a Ray cluster: its address, 'auto', or 'local' for one of this "
                      'machine')
    many.add_argument('--piece', type=int, default=0, metavar='SECONDS',
                      help='cut longer bags into pieces, so that many workers share one bag; '
                      'the result is the same')
    many.add_argument('--retry', action='store_true',
                      help='also try again what was set aside because workers ended at it')
    many.add_argument('--gpus-per-job', type=float, metavar='X',
                      help='with --ray (default: 1 where the cluster has GPUs)')
    many.add_argument('--staging', metavar='FOLDER',
                      help='where copies from and for object stores are kept meanwhile')
    many.add_argument('--staging-size', type=float, default=20.0, metavar='GB',
                      help='room that each worker may take there (default: %(default)g)')


def are_many(args: argparse.Namespace) -> bool:
    """Tell whether the inputs are many recordings, each with an output of its own."""
    words: list[str] = args.input
    if args.jobs is not None or args.ray is not None or args.piece:
        return True
    if any(storage.is_remote(word) or is_pattern(word) for word in (*words, args.output)):
        return True
    if args.output.lower().endswith('.mp4'):
        return False
    paths = [storage.local(word) for word in words]
    if len(paths) > 1:
        return any(is_bag(path) or (is_video(path.name) and path.is_file())
                   or _holds_recordings(path) for path in paths)
    return _holds_recordings(paths[0])


def _holds_recordings(path: Path) -> bool:
    """Tell whether a folder is no bag and holds bags or videos."""
    if not path.is_dir():
        return False
    try:
        found = list(recordings(str(path)))
    except (OSError, ValueError):
        return False        # what it is instead is said by who takes it
    return any(recording.kind in ('bag', 'video') for recording in found
               if recording.path != str(path))


def segment_many(args: argparse.Namespace) -> None:
    """
    Label all recordings; the exit status is 1 if one failed.

    Raises
    ------
    ImportError, OSError, ValueError
        Nothing can be labelled.

    """
    if args.jobs is not None and args.jobs < 1:
        raise ValueError(f'--jobs is {args.jobs}: expected at least 1')
    settings = _settings(args)
    jobs = find_jobs(args.input, args.output, settings)
    with signals() as stop, shown() as show, _workers(args, show, stop) as workers:
        driver = Driver(workers, show, stop.is_set, args.retry)
        show.of = driver
        try:
            report = driver.run(jobs)
        except UnableError as error:
            say('segment', str(error))      # before the report, which may fail as well
            write_json(args.json, _as_json(args, driver.report, driver.progress, str(error)))
            sys.exit(1)
    progress = driver.progress
    _tell(report, progress)
    write_json(args.json, _as_json(args, report, progress))
    if stop.is_set():
        say('segment', f'stopped: {len(report.stopped)} recordings are left, and the same command '
                       'goes on from there')
        sys.exit(128 + stop.number)
    if report.failed or report.aside:
        sys.exit(1)


def _settings(args: argparse.Namespace) -> Settings:
    path = args.model.resolve()
    if not path.is_file():
        raise FileNotFoundError(f'no model file {args.model}: give the path of an .onnx or .plan '
                                'file')
    if args.threads < 0 or args.piece < 0 or args.staging_size <= 0:
        raise ValueError('expected --threads and --piece from 0 on, and --staging-size above 0')
    return Settings(
        str(path), hash_of(path), args.device or 'auto', args.gpu or 0, args.threads,
        tuple(sorted(FamilyOptions.of(args).values.items())), args.topic, args.prefix,
        not args.without_camera, args.overlay, not args.without_tracking, args.max_pixels,
        args.overwrite, args.piece, args.staging, int(args.staging_size * _GIGABYTE))


@contextmanager
def _workers(args: argparse.Namespace, show: Shown, stop: Stop) -> Iterator[Workers]:
    if args.ray is not None:
        from ..offline.ray import Cluster

        with Cluster(args.ray, args.jobs, args.gpus_per_job, args.threads or 1) as cluster:
            yield cluster
    elif args.jobs is not None:
        with Processes(args.jobs) as processes:
            yield processes
    else:
        with closing(Worker(tell=lambda line: say('segment', line), is_alone=True)) as worker:
            yield Here(worker, show.at_work, stop.is_set)


def _tell(report: Report, progress: Progress) -> None:
    known = f' ({progress.known} of them before)' if progress.known else ''
    print(f'{progress.done} of {progress.jobs} recordings done{known}: {progress.frames} frames, '
          f'{progress.things} things, {progress.rate:.1f} frames/s')
    for outcome in report.failed:
        say('segment', f'{outcome.job.input} failed: {outcome.reason}')
    for outcome in report.aside:
        say('segment', f'{outcome.job.input} is set aside: {outcome.reason}')
    if report.failed:
        say('segment', f'{len(report.failed)} failed: the same command tries only them again')
    if report.aside:
        say('segment', f'{len(report.aside)} set aside: the same command with --retry tries them '
                       'again')


def _as_json(args: argparse.Namespace, report: Report, progress: Progress,
             error: str | None = None) -> dict[str, Any]:
    return {
        'model': str(args.model), 'error': error, 'jobs': progress.jobs, 'done': progress.done,
        'known': progress.known, 'frames': progress.frames, 'resumed': progress.resumed,
        'things': progress.things, 'seconds': progress.seconds,
        'frames_per_second': progress.rate,
        'outputs': [_outcome(outcome) for outcome in report.done],
        'failed': [_outcome(outcome) for outcome in report.failed],
        'aside': [_outcome(outcome) for outcome in report.aside],
        'stopped': [job.input for job in report.stopped]}


def _outcome(outcome: Outcome) -> dict[str, Any]:
    return {'input': outcome.job.input, 'output': outcome.job.output, 'state': outcome.state,
            'reason': outcome.reason, 'frames': outcome.frames, 'things': outcome.things,
            'resumed': outcome.resumed, 'seconds': outcome.seconds,
            'network_seconds': outcome.network_seconds, 'worker': outcome.worker}
