"""
Jobs on a Ray cluster; the only home of Ray.

Each job is a task of Ray's, which chooses its machine, starts more machines where a cluster can,
and keeps the processes. A process keeps its model in a variable of this module.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from time import monotonic
from types import TracebackType
from typing import Any

from ..libraries import needed
from .jobs import Job, Outcome
from .local import Call
from .worker import Worker

INSTALL = "pip install 'panoptic_ros[fleet]'"
LOCAL = 'local'
"""In place of a cluster's address: one that lasts as long as the command."""

_WINDOW = 500
"""Jobs that Ray knows at once; an autoscaler sees by them that more machines are wanted."""
_OBJECTS = 200 << 20
"""Bytes of Ray's object store on a local cluster: jobs and outcomes are small."""
_STARTS = 3
"""How often a local cluster is started: on a busy machine Ray gives up after half a minute."""
_VARIABLES = {'RAY_USAGE_STATS_ENABLED': '0',
              # A process may get another GPU with its next job: all stay visible, and the
              # worker is told which one is its own.
              'RAY_EXPERIMENTAL_NOSET_CUDA_VISIBLE_DEVICES': '1',
              'RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO': '0'}


def load() -> Any:
    """
    Import Ray, which then reports to nobody.

    Raises
    ------
    ImportError
        It is not installed; the message has the line that installs it.

    """
    os.environ |= _VARIABLES
    with needed('labelling on a cluster', 'ray', INSTALL, 'Ray'):
        import ray
    return ray


def connect(address: str, cpus: int | None = None) -> Any:
    """
    Connect to a cluster, or start one; return Ray.

    Parameters
    ----------
    address
        ``LOCAL``, 'auto' or HOST:PORT.
    cpus
        Of a local cluster, how many jobs may be at work that take one core each.

    Raises
    ------
    ImportError
        Ray is not installed.
    OSError
        There is no cluster at the address.

    """
    ray = load()
    words: dict[str, Any] = {'log_to_driver': False, 'logging_level': logging.ERROR,
                             'runtime_env': {'env_vars': dict(_VARIABLES)}}
    if address == LOCAL:
        words |= {'num_cpus': cpus, 'include_dashboard': False, 'object_store_memory': _OBJECTS}
    tries = _STARTS if address == LOCAL else 1
    for left in reversed(range(tries)):
        try:
            ray.init(address=address, **words)
            return ray
        except Exception as error:      # it raises Exception itself when its start takes too long
            ray.shutdown()
            if not left:
                raise OSError(f'no cluster of Ray at {address} ({error}): expected {LOCAL!r}, or '
                              'the address that `ray start --head` told') from error
    raise AssertionError(tries)


class Cluster:
    """
    Does the jobs on a cluster.

    Parameters
    ----------
    address, cpus
        As for ``connect``.
    gpus
        GPUs of each job, which may be a fraction; None: one where the cluster has any.
    cores
        Cores of each job.
    make
        Makes what does the jobs, in each process, from the number of its GPU.

    Raises
    ------
    ImportError, OSError
        As for ``connect``.

    """

    window = _WINDOW
    patience = 3

    def __init__(self, address: str, cpus: int | None = None, gpus: float | None = None,
                 cores: int = 1, make: Callable[[int | None], Call] | None = None) -> None:
        self._ray = connect(address, cpus)
        if gpus is None:
            gpus = 1.0 if self._ray.cluster_resources().get('GPU') else 0.0
        self._cores, self._gpus = cores, gpus
        # max_calls: by default a process with a GPU ends after each task, and its model with it
        self._task = self._ray.remote(
            num_cpus=cores, num_gpus=gpus, max_retries=0, max_calls=0,
            scheduling_strategy='SPREAD')(_do)
        self._watch = self._ray.remote(_Watch).options(num_cpus=0).remote()
        self._make = self._ray.put(make or _worker_of)
        self._flying: dict[Any, Job] = {}
        self._frames: dict[str, int] = {}
        self._asked = (0.0, None)

    def __enter__(self) -> Cluster:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self._ray.shutdown()

    def submit(self, job: Job, avoid: frozenset[str]) -> None:
        """Let Ray do a job; see ``driver.Workers``."""
        options: dict[str, Any] = {'name': f'segment {job.name}'}
        others = sorted(self.machines() - avoid) if avoid else []
        if others:      # it may still go away: then any machine will do
            from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
            options['scheduling_strategy'] = NodeAffinitySchedulingStrategy(
                others[len(self._flying) % len(others)], soft=True)
        self._flying[self._task.options(**options).remote(
            self._make, job, self._watch, self._cores)] = job

    def finished(self, timeout: float) -> list[Outcome]:
        """Return the outcomes since the last call, after waiting for the first of them."""
        flying = list(self._flying)
        ready, _ = self._ray.wait(flying, num_returns=1, timeout=timeout) if flying else ([], [])
        if ready:       # what else is ready by now
            ready, _ = self._ray.wait(flying, num_returns=len(flying), timeout=0)
        return [self._outcome(reference) for reference in ready]

    def frames(self) -> dict[str, int]:
        """Return how many frames of each job at work are done, as of a moment ago."""
        asked, answer = self._asked
        if answer is not None:
            ready, _ = self._ray.wait([answer], timeout=0)
            if ready:
                with suppress(Exception):       # the watch's machine is gone: nothing to show
                    self._frames = self._ray.get(answer)
                self._asked = (asked, None)
        elif monotonic() - asked > 1.0:
            self._asked = (monotonic(), self._watch.read.remote())
        return self._frames

    def machines(self) -> set[str]:
        """Return the machines of the cluster that have what a job needs."""
        return {node['NodeID'] for node in self._ray.nodes()
                if node['Alive'] and self._suits(node)}

    def stop(self) -> None:
        """Let the jobs at work end, and forget those that wait."""
        for reference in self._flying:
            self._ray.cancel(reference)

    def _suits(self, node: dict[str, Any]) -> bool:
        has = node['Resources']
        return bool(has.get('CPU', 0) >= self._cores and has.get('GPU', 0) >= self._gpus)

    def _outcome(self, reference: Any) -> Outcome:
        job = self._flying.pop(reference)
        errors = self._ray.exceptions
        try:
            outcome: Outcome = self._ray.get(reference)
            return outcome
        except errors.TaskCancelledError:
            return Outcome(job, 'partial', 'it was stopped')
        except errors.OutOfMemoryError as error:
            return Outcome(job, 'lost', f'its worker was ended for want of memory '
                                        f'({line_of(error)})')
        except errors.NodeDiedError as error:
            return Outcome(job, 'orphaned', f'its machine went away ({line_of(error)})')
        except errors.WorkerCrashedError:
            return Outcome(job, 'lost', 'its worker was ended (by a signal, or by a library)')
        except errors.RayTaskError as error:
            if isinstance(error.cause, KeyboardInterrupt):
                return Outcome(job, 'partial', 'it was stopped')
            return Outcome(job, 'hindered', line_of(error.cause or error))
        except errors.RayError as error:        # such as an outcome whose machine went away
            return Outcome(job, 'orphaned', f'{type(error).__name__}: {line_of(error)}')


class _Watch:
    """Knows how many frames of each job are done; an actor."""

    def __init__(self) -> None:
        self._frames: dict[str, int] = {}

    def note(self, name: str, frames: int | None) -> None:
        """Take a worker's word; None when the job is at work no more."""
        if frames is None:
            self._frames.pop(name, None)
        else:
            self._frames[name] = frames

    def read(self) -> dict[str, int]:
        """Return all of it."""
        return self._frames


_kept: dict[int | None, Call] = {}
"""What does the jobs in this process, by the number of its GPU: one at a time."""


def _worker_of(gpu: int | None) -> Call:
    return Worker(gpu=gpu)


def _do(make: Callable[[int | None], Call], job: Job, watch: Any, cores: int) -> Outcome:
    """Do a job, in a process of the cluster."""
    import ray

    logging.basicConfig(level=logging.INFO, format='%(asctime)s %(levelname)s %(message)s')
    node = ray.get_runtime_context().get_node_id()
    try:
        call = _call(make, ray.get_gpu_ids())
    except Exception as error:      # whatever the job: each worker of this machine is such a one
        return Outcome(job, 'hindered', f'{type(error).__name__}: {error}', node=node,
                       about_worker=True)
    reported = monotonic()
    noted = False

    def report(name: str, frames: int) -> bool:
        nonlocal reported, noted
        if monotonic() - reported > 1.0:
            reported, noted = monotonic(), True
            watch.note.remote(name, frames)
        return True

    given = job if job.settings.threads else replace(
        job, settings=replace(job.settings, threads=cores))
    try:
        outcome = call(given, report)
    finally:
        if noted:
            watch.note.remote(job.name, None)
    return replace(outcome, job=job, node=node)


def _call(make: Callable[[int | None], Call], ids: list[Any]) -> Call:
    """Return what does the jobs in this process, on the GPU that Ray gave to this one."""
    gpu = index_of(ids[0], os.environ.get('CUDA_VISIBLE_DEVICES')) if ids else None
    if gpu not in _kept:
        for other in _kept.values():
            getattr(other, 'close', lambda: None)()
        _kept.clear()
        _kept[gpu] = make(gpu)
    return _kept[gpu]


def index_of(name: object, visible: str | None) -> int:
    """Return a GPU's number among those that a process may use, by Ray's name of it."""
    names = [word.strip() for word in visible.split(',')] if visible else []
    return names.index(str(name)) if str(name) in names else int(str(name))


def line_of(error: object) -> str:
    """Return the first line of what Ray says of an error."""
    return next((line for line in str(error).splitlines() if line.strip()), type(error).__name__)
