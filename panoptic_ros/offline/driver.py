"""
Bringing jobs to workers until every one is done, failed, or set aside.

Whoever runs the jobs decides where and when: Ray, or a pool of processes. Here is decided only
what comes after: a piece's bag is joined, what was hindered is tried again, and a recording that
ends its workers is set aside.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from time import monotonic
from typing import Protocol

from . import states
from .jobs import Job, Outcome
from .progress import Progress, Report

DEATHS = 2
"""A job at which so many workers ended is set aside."""
TRIES = 3
"""How often a job is tried that something hinders."""
ORPHANED = 10
"""How often a job is tried whose machine goes away: spot machines often do."""
PAUSE = 2.0
"""Seconds before a job that was hindered is tried again; twice as many each time."""


class Workers(Protocol):
    """What runs jobs."""

    window: int
    """How many jobs are wanted at once: enough that no worker waits."""
    patience: int
    """How often workers may be unable to work, on all machines, before the command ends."""

    def submit(self, job: Job, avoid: frozenset[str]) -> None:
        """Let a job be done, if possible not by machines of these names."""

    def finished(self, timeout: float) -> list[Outcome]:
        """Return the outcomes since the last call, after waiting for the first of them."""

    def frames(self) -> dict[str, int]:
        """Return how many frames of each job at work are done, by the jobs' names."""

    def machines(self) -> set[str]:
        """Return the machines that may get jobs, by their names in ``Outcome.node``."""

    def stop(self) -> None:
        """Let the jobs at work end soon; their outcomes come as those of others."""


class UnableError(ValueError):
    """No worker can do any job; ``Driver.report`` has what was done until then."""


@dataclass
class _Bag:
    """A bag that was cut into pieces."""

    job: Job
    pieces: list[Job]
    missing: set[str]
    failed: Outcome | None = None


class Driver:
    """
    Lets workers do jobs.

    Parameters
    ----------
    workers
        What runs them.
    show
        Receives the progress, about once a second.
    stopped
        Returns whether to end early.
    retry
        Whether to try again what was set aside by an earlier run.
    pause
        Seconds before a job that was hindered is tried again.

    """

    def __init__(self, workers: Workers, show: Callable[[Progress], object] = lambda _: None,
                 stopped: Callable[[], bool] = lambda: False, retry: bool = False,
                 pause: float = PAUSE) -> None:
        self._workers = workers
        self._show = show
        self._stopped = stopped
        self._retry = retry
        self._pause = pause
        self._waiting: deque[Job] = deque()
        self._later: list[tuple[float, Job]] = []
        self._flying: dict[str, Job] = {}       # by their outputs
        self._deaths: Counter[str] = Counter()
        self._orphaned: Counter[str] = Counter()
        self._avoid: dict[str, frozenset[str]] = {}
        self._bags: dict[str, _Bag] = {}        # by the outputs of their pieces
        self._unable: Counter[str] = Counter()      # by machines
        self._is_able = False
        self.report = Report()

    def run(self, jobs: Sequence[Job]) -> Report:
        """
        Do all jobs that are not done, and tell what became of them.

        Raises
        ------
        UnableError
            No worker can do any job, as when none finds the model.

        """
        self.progress = Progress(len(jobs), sum(job.size for job in jobs))
        for number, job in enumerate(jobs):
            if self._stopped():     # a store may take long to tell so many states
                self.report.stopped += jobs[number:]
                break
            self._sort(job)
            self._show(self.progress)
        stopping = False
        while self._waiting or self._later or self._flying:
            if self._stopped() and not stopping:
                stopping = True
                self._workers.stop()
            if stopping:
                self._drop()
            self._fill()
            for outcome in self._workers.finished(0.5):
                del self._flying[outcome.job.output]
                self._take(outcome)
            self.progress.running = self._workers.frames()
            self._is_able |= any(self.progress.running.values())
            self._show(self.progress)
        return self.report

    def _sort(self, job: Job) -> None:
        """Put a job among those that wait, unless it needs no work."""
        known = states.read(job)
        if states.is_done(job, known):
            self.report.known.append(job)
            self.progress.done += 1
            self.progress.known += 1
            self.progress.bytes_done += job.size
            self.progress.bytes_known += job.size
            return
        if known and known.state == 'aside' and known.key == job.key and not self._retry:
            self._end(Outcome(job, 'aside', known.reason, worker=known.worker), self.report.aside)
            return
        if known and known.key == job.key and not (self._retry and known.state == 'aside'):
            self._deaths[job.output] = known.deaths
        self._waiting.append(job)

    def _drop(self) -> None:
        """Begin none of the jobs that wait."""
        self.report.stopped += [*self._waiting, *(job for _, job in self._later)]
        self._waiting.clear()
        self._later.clear()

    def _fill(self) -> None:
        """Give the workers as many jobs as they want."""
        now = monotonic()
        due = [job for at, job in self._later if at <= now]
        self._later = [(at, job) for at, job in self._later if at > now]
        self._waiting.extendleft(due)
        while self._waiting and len(self._flying) < self._workers.window:
            job = self._waiting.popleft()
            self._flying[job.output] = job
            self.report.tries[job.output] += 1
            self._workers.submit(job, self._avoid.get(job.output, frozenset()))

    def _take(self, outcome: Outcome) -> None:
        job = outcome.job
        self._is_able |= outcome.state in ('done', 'cut') or outcome.frames > 0
        if outcome.about_worker and not self._is_able:
            self._unable[outcome.node] += 1
            if (self._unable.total() >= self._workers.patience
                    and self._workers.machines() <= set(self._unable)):
                self._workers.stop()
                self._drop()
                self.report.stopped += [job, *self._flying.values()]
                raise UnableError(outcome.reason)
        if outcome.state == 'done':
            self._done(outcome)
        elif outcome.state == 'cut':
            self._cut(job, outcome)
        elif outcome.state == 'partial' or (
                outcome.state in ('hindered', 'lost', 'orphaned') and self._stopped()):
            self.report.stopped.append(job)
        elif outcome.state == 'failed':
            self._fail(outcome)
        elif outcome.state == 'lost':
            self._lost(outcome)
        elif outcome.state == 'orphaned':
            self._orphaned[job.output] += 1
            if self._orphaned[job.output] < ORPHANED:
                self._waiting.appendleft(job)
            else:
                self._fail(replace(outcome, state='failed', reason=(
                    f'{outcome.reason}; {ORPHANED} machines went away while they were at it')))
        else:
            self._hindered(outcome)

    def _hindered(self, outcome: Outcome) -> None:
        """Try again, elsewhere if there is another machine."""
        job = outcome.job
        tries = self.report.tries[job.output] - self._orphaned[job.output]
        if tries >= TRIES:
            self._fail(replace(outcome, state='failed',
                               reason=f'{outcome.reason} (tried {tries} times)'))
            return
        self._avoid[job.output] = self._avoid.get(job.output, frozenset()) | {outcome.node} - {''}
        self._later.append((monotonic() + self._pause * 2 ** (tries - 1), job))

    def _lost(self, outcome: Outcome) -> None:
        """Count the end of a worker against its job, also for later runs."""
        job = outcome.job
        self._deaths[job.output] += 1
        deaths = self._deaths[job.output]
        ended = replace(outcome, state='aside' if deaths >= DEATHS else 'partial', reason=(
            f'{outcome.reason}; workers that ended while they were at it: {deaths}'))
        self._note(ended, deaths)
        if deaths >= DEATHS:
            self._fail(ended)
        else:
            self._waiting.appendleft(job)

    def _cut(self, job: Job, outcome: Outcome) -> None:
        """Let the pieces be done first, so that no bag waits half done for long."""
        pieces = job.cut(list(outcome.parts))
        bag = _Bag(job, pieces, {piece.output for piece in pieces
                                  if not states.is_done(piece, states.read(piece))})
        self._bags |= {piece.output: bag for piece in pieces}
        todo = [piece for piece in pieces if piece.output in bag.missing]
        if not todo:
            todo = [job.joining(pieces)]
        self._waiting.extendleft(reversed(todo))

    def _done(self, outcome: Outcome) -> None:
        bag = self._bags.get(outcome.job.output)
        if bag is None:
            self.report.done.append(outcome)
            self.progress.done += 1
            self.progress.frames += outcome.frames
            self.progress.things += outcome.things
            self.progress.resumed += outcome.resumed
            self.progress.bytes_done += outcome.job.size
            return
        bag.missing.discard(outcome.job.output)
        if not bag.missing and bag.failed is None:
            self._waiting.appendleft(bag.job.joining(bag.pieces))

    def _fail(self, outcome: Outcome) -> None:
        """Note what is not tried again; of a piece, its bag fails, once."""
        bag = self._bags.get(outcome.job.output)
        if bag is not None:
            if bag.failed is not None:
                return
            bag.failed = outcome
            inside = {piece.output for piece in bag.pieces}
            self._waiting = deque(job for job in self._waiting if job.output not in inside)
            outcome = replace(outcome, job=bag.job)
        deaths = self._deaths[outcome.job.output]
        if bag is not None or outcome.state == 'failed':
            self._note(outcome, deaths)
        self._end(outcome, self.report.aside if outcome.state == 'aside' else self.report.failed)

    def _end(self, outcome: Outcome, among: list[Outcome]) -> None:
        among.append(outcome)
        self.progress.failed += 1
        self.progress.bytes_done += outcome.job.size

    @staticmethod
    def _note(outcome: Outcome, deaths: int) -> None:
        """Write a state that the worker could not write; nothing is written over a foreign one."""
        known = states.read(outcome.job)
        if known is not None and known.key != outcome.job.key:
            return
        if known is None and states.is_there(outcome.job):
            return
        states.note(outcome, deaths)


