"""
Many recordings: what one worker and two do of the same drives, and what many jobs cost a driver.

The drives are rendered once, as bags. One and two workers (processes here, or Ray with ``--ray``)
label them in turns. What a worker spends in the network is told apart from reading and writing.
``--stubs`` jobs that do nothing show what a driver and Ray cost.
"""

from __future__ import annotations

import argparse
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

from ..arguments import whole
from ..offline import states
from ..offline.driver import Driver, Workers
from ..offline.inputs import find_jobs
from ..offline.jobs import Job, Outcome, Settings
from ..offline.local import Processes
from ..offline.worker import hash_of
from ..report import print_table
from ..resources import model_path
from ..streets import Drive

RATE = 10


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of ``benchmark fleet``."""
    parser.add_argument('--drives', type=whole(1), default=4, help='default: %(default)s')
    parser.add_argument('--frames', type=whole(1), default=20,
                        help='of each (default: %(default)s)')
    parser.add_argument('--rounds', type=whole(1), default=2, help='default: %(default)s')
    parser.add_argument('--model', type=model_path, default='streets',
                        help='default: %(default)s')
    parser.add_argument('--ray', metavar='ADDRESS', help="a Ray cluster, or 'local'")
    parser.add_argument('--stubs', type=whole(0), default=10_000, metavar='N',
                        help='jobs that do nothing, with --ray (default: %(default)s)')


def run(args: argparse.Namespace) -> dict[str, Any]:
    """Measure, print and return what ``--json`` gets."""
    report: dict[str, Any] = {'drives': args.drives, 'frames': args.drives * args.frames}
    with TemporaryDirectory() as name:
        folder = Path(name)
        if args.drives:
            _record(folder / 'in', args.drives, args.frames)
            report['workers'] = _scaling(args, folder)
            _print(report['workers'])
        if args.ray is not None and args.stubs:
            report['stubs'] = _stubs(args, folder)
            stubs = report['stubs']
            print(f'{stubs["jobs"]} jobs of stub work: {stubs["jobs_per_second"]:.0f} a second, '
                  f'driver {stubs["driver_megabytes"]:.0f} MB at most, '
                  f'{stubs["driver_seconds"]:.1f} s of processor')
    return report


def _record(folder: Path, drives: int, frames: int) -> None:
    from ..bags import messages
    from ..bags.writer import BagWriter
    from ..messages import IMAGE

    for number in range(drives):
        drive = Drive(seed=number, size=(512, 1024))
        with BagWriter(folder / f'drive{number}') as writer:
            writer.add_topic('/front', IMAGE)
            for frame in range(frames):
                stamp = 10**18 + frame * 10**9 // RATE
                writer.write('/front', stamp, messages.image(
                    drive.frame(frame / RATE)[0], 'bgr8', messages.header(stamp, 'front')))


def _scaling(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Label all drives with one worker and with two, in turns, each with one thread."""
    settings = Settings(str(args.model), hash_of(args.model), 'cpu', threads=1)
    found: dict[int, list[dict[str, float]]] = {1: [], 2: []}
    for number in range(args.rounds):
        for count in found:
            output = folder / f'out{count}.{number}'
            jobs = find_jobs([str(folder / 'in')], str(output), settings)
            with _workers(args.ray, count) as workers:
                _warm(workers, jobs, folder / f'warm{count}.{number}', count)
                start = perf_counter()
                done = Driver(workers).run(jobs).done
                elapsed = perf_counter() - start
            if len(done) != len(jobs):
                raise ValueError(f'{len(done)} of {len(jobs)} drives were labelled')
            frames = sum(outcome.frames for outcome in done)
            network = sum(outcome.network_seconds for outcome in done)
            busy = sum(outcome.seconds for outcome in done)
            found[count].append({
                'frames_per_second': frames / elapsed, 'network_share': network / busy,
                # of the time that all workers have, how much the network had
                'network_frames_per_second': frames / (network / count)})
    best = {count: {name: max(each[name] for each in rounds) for name in rounds[0]}
            for count, rounds in found.items()}
    return {**{str(count): values for count, values in best.items()},
            'efficiency': best[2]['frames_per_second'] / (2 * best[1]['frames_per_second']),
            'network_efficiency': (best[2]['network_frames_per_second']
                                   / (2 * best[1]['network_frames_per_second']))}


@contextmanager
def _workers(address: str | None, count: int) -> Iterator[Workers]:
    if address is None:
        with Processes(count) as processes:
            yield processes
    else:
        from ..offline.ray import Cluster

        with Cluster(address, count) as cluster:
            yield cluster


def _warm(workers: Workers, jobs: list[Job], folder: Path, count: int) -> None:
    """Let every worker open its model, outside of what is measured."""
    Driver(workers).run([replace(job, output=str(folder / str(number)))
                         for number, job in enumerate(jobs[:1] * 2 * count)])


class _Stub:
    """Does nothing with a job but note it."""

    def __init__(self, gpu: int | None = None) -> None:
        pass

    def __call__(self, job: Job, report: Any) -> Outcome:
        outcome = Outcome(job, 'done', frames=1)
        states.note(outcome)
        return outcome


def _stubs(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    from ..offline.ray import Cluster

    jobs = [Job(f'{folder}/{number}', f'{folder}/stubs/{number}', 'bag', 1, Settings(''))
            for number in range(args.stubs)]
    with Cluster(args.ray, 2, make=_Stub) as cluster:
        Driver(cluster).run(jobs[:10])
        start, processor = perf_counter(), process_time()
        report = Driver(cluster).run(jobs)
        elapsed, used = perf_counter() - start, process_time() - processor
    done = len(report.done)
    if done < len(jobs) - 10:
        raise ValueError(f'{done} of {len(jobs)} jobs were done')
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return {'jobs': done, 'seconds': elapsed, 'jobs_per_second': done / elapsed,
            'driver_seconds': used,
            'driver_megabytes': most / (1024 if sys.platform != 'darwin' else 1 << 20)}


def _print(workers: dict[str, Any]) -> None:
    print_table('One worker and two, a thread of the network each',
                ('workers', 'frames/s', 'network %'),
                [(count, workers[count]['frames_per_second'],
                  100 * workers[count]['network_share']) for count in ('1', '2')])
    print(f'two workers do {100 * workers["efficiency"]:.0f} % of twice as much; of the network '
          f'alone {100 * workers["network_efficiency"]:.0f} %')
