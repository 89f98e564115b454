"""Jobs in this process, or in processes of this machine."""

from __future__ import annotations

import multiprocessing
import pickle
import queue
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from time import monotonic
from typing import Any

from ..processes import ProcessPool, cores
from .jobs import Job, Outcome
from .worker import Worker

Call = Callable[[Job, Callable[[str, int], bool]], Outcome]
"""What does a job: ``Worker``, or a double of it."""


class Here:
    """
    Does the jobs in this process, one after the other.

    Parameters
    ----------
    worker
        What does them.
    show
        Called after every frame, so that progress can be shown while a job is at work.
    stopped
        Returns whether to end early.

    """

    window = 1
    patience = 1

    def __init__(self, worker: Call, show: Callable[[dict[str, int]], object] = lambda _: None,
                 stopped: Callable[[], bool] = lambda: False) -> None:
        self._worker = worker
        self._show = show
        self._stopped = stopped
        self._waiting: list[Job] = []
        self._frames: dict[str, int] = {}
        self._shown = 0.0

    def submit(self, job: Job, avoid: frozenset[str]) -> None:
        """Take a job; see ``driver.Workers``."""
        self._waiting.append(job)

    def finished(self, timeout: float) -> list[Outcome]:
        """Do the jobs that were taken."""
        waiting, self._waiting = self._waiting, []
        if not waiting:
            threading.Event().wait(timeout)
        return [self._do(job) for job in waiting]

    def frames(self) -> dict[str, int]:
        """Return nothing: between two calls no job is at work."""
        return {}

    def machines(self) -> set[str]:
        """Return this machine, which has no name here."""
        return {''}

    def stop(self) -> None:
        """Do nothing: ``stopped`` tells the worker."""

    def _do(self, job: Job) -> Outcome:
        if self._stopped():
            return Outcome(job, 'partial', 'it was stopped')
        return self._worker(job, self._report)

    def _report(self, name: str, frames: int) -> bool:
        if monotonic() - self._shown > 0.5:
            self._shown = monotonic()
            self._show({name: frames})
        return not self._stopped()


class Processes:
    """
    Does the jobs in processes of this machine.

    Each of so many threads has a process of its own. When a process ends, it is known at which
    job, and the thread starts another one.

    Parameters
    ----------
    count
        How many processes.
    make
        Makes what does the jobs, in each process; it must be picklable.

    """

    patience = 3

    def __init__(self, count: int, make: Callable[[], Call] = Worker) -> None:
        self.window = 2 * count
        self._context = multiprocessing.get_context('spawn')
        # Without locks: a process that is killed may hold one.
        self._stopping: Any = self._context.RawValue('b', 0)
        self._reports: list[Connection] = []
        self._make = pickle.dumps((make, max(1, cores() // count)))
        self._own = threading.local()
        self._pools: list[ProcessPool] = []
        self._threads = ThreadPoolExecutor(count, 'jobs')
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._frames: dict[str, int] = {}

    def __enter__(self) -> Processes:
        return self

    def __exit__(self, *error: object) -> None:
        self._stopping.value = 1
        self._threads.shutdown(cancel_futures=True)
        for pool in self._pools:
            pool.shutdown()

    def submit(self, job: Job, avoid: frozenset[str]) -> None:
        """Let a process do a job; see ``driver.Workers``."""
        self._threads.submit(self._run, job)

    def finished(self, timeout: float) -> list[Outcome]:
        """Return the outcomes since the last call, after waiting for the first of them."""
        found = []
        with suppress(queue.Empty):
            found.append(self._outcomes.get(timeout=timeout))
            while True:
                found.append(self._outcomes.get_nowait())
        for reports in list(self._reports):
            try:
                while reports.poll():
                    name, frames = reports.recv()
                    self._frames[name] = frames
            except (EOFError, OSError):
                self._reports.remove(reports)
        for outcome in found:
            self._frames.pop(outcome.job.name, None)
        return found

    def frames(self) -> dict[str, int]:
        """Return how many frames of each job at work are done."""
        return dict(self._frames)

    def machines(self) -> set[str]:
        """Return this machine, which has no name here."""
        return {''}

    def stop(self) -> None:
        """Let the jobs at work end after the frame at which they are."""
        self._stopping.value = 1

    def _run(self, job: Job) -> None:
        try:
            self._outcomes.put(self._done_in_process(job))
        except Exception as error:      # the driver waits for an outcome of every job
            self._outcomes.put(Outcome(job, 'hindered', f'{type(error).__name__}: {error}'))

    def _done_in_process(self, job: Job) -> Outcome:
        if self._stopping.value:
            return Outcome(job, 'partial', 'it was stopped')
        try:
            future = self._pool().submit(_do, job)
        except BrokenProcessPool:       # its process ended between two jobs
            self._own.pool = None
            future = self._pool().submit(_do, job)
        try:
            return future.result()
        except BrokenProcessPool:
            self._own.pool = None
            return Outcome(job, 'lost', 'its worker was ended (by a signal, or for want of '
                           'memory)')

    def _pool(self) -> ProcessPool:
        """Return the process of this thread; start it if there is none."""
        pool: ProcessPool | None = getattr(self._own, 'pool', None)
        if pool is None:
            reports, sender = self._context.Pipe(duplex=False)
            self._reports.append(reports)
            pool = self._own.pool = ProcessPool(1, _begin, self._make, sender, self._stopping)
            self._pools.append(pool)
        return pool


_worker: tuple[Call, Connection, Any, int] | None = None


def _begin(make: bytes, reports: Connection, stopping: Any) -> None:
    """Prepare a process, which the driver tells when to stop."""
    global _worker
    what, threads = pickle.loads(make)
    _worker = what(), reports, stopping, threads


def _do(job: Job) -> Outcome:
    assert _worker is not None
    worker, reports, stopping, threads = _worker
    reported = 0.0

    def report(name: str, frames: int) -> bool:
        nonlocal reported
        if monotonic() - reported > 0.5:
            reported = monotonic()
            reports.send((name, frames))
        return not stopping.value

    if not job.settings.threads:
        given = replace(job, settings=replace(job.settings, threads=threads))
        return replace(worker(given, report), job=job)
    return worker(job, report)
