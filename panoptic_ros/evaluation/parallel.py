"""Evaluating many image pairs over worker processes, in bounded memory."""

from __future__ import annotations

import os
import pickle
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from contextlib import closing
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

import cv2

from ..labels import LabelSpace
from ..processes import ProcessPool, cores
from .evaluation import Evaluation, Pair

Item = TypeVar('Item')
M = TypeVar('M', bound='Measure')


class Measure(Protocol):
    """What counts pairs one by one, and can be added."""

    def update(self, prediction: Any, truth: Any, seconds: float) -> object:
        """Count the parts of a ``Pair``."""
        ...

    def merge(self: M, other: M) -> object:
        """Add what another one of the kind has counted."""
        ...


Spread = Callable[[Callable[[Any], Any], Iterable[Any]], Generator[Any, None, None]]
"""Yields what a function returns for each item, in the order of the items, computed anywhere."""

_WAITING_PER_WORKER = 2


def evaluate(items: Iterable[Item], label_space: LabelSpace,
             load: Callable[[Item], Pair], workers: int = 1,
             progress: Callable[[int], object] | None = None) -> Evaluation:
    """
    Evaluate all items and return the sum, the same to the last digit for any number of workers.

    Parameters
    ----------
    items
        What ``load`` turns into image pairs: indices, paths.  They are drawn only as fast as they
        are evaluated, so they may be endless footage: about three items per worker are in memory
        at once.
    label_space
        The classes of both images.
    load
        Makes a pair of an item, in the worker: reads files, or renders and predicts.  With
        several workers it must be picklable (a function of a module, or an instance of a class
        of one); each worker keeps its own copy, so what it opens stays open.
    workers
        Processes; 1 evaluates in this one.  The calling script needs the usual
        ``if __name__ == '__main__'``, since workers are spawned.
    progress
        Called with the number of items done after each.

    Raises
    ------
    ValueError
        ``workers`` is under 1, or a pair cannot be evaluated; the message gives its position.

    """
    return accumulate(partial(Evaluation, label_space), items, load, workers, progress)


def accumulate(empty: Callable[[], M], items: Iterable[Item], load: Callable[[Item], Pair],
               workers: int = 1, progress: Callable[[int], object] | None = None,
               spread: Spread | None = None) -> M:
    """
    Count all items as ``evaluate`` does, with a measure of one's own.

    ``empty`` makes one that has counted nothing; with several workers it must be picklable.
    ``spread`` computes the parts in place of processes of this machine. They are added here, in
    the order of the items, so that the sums are the same to the last digit.

    Raises
    ------
    ValueError
        ``workers`` is under 1, or a pair cannot be counted; the message gives its position.

    """
    if workers < 1:
        raise ValueError(f'workers is {workers}: expected at least 1')
    total = empty()
    count = _Counter(empty, load)
    numbered = enumerate(items)
    with closing(spread(count, numbered) if spread is not None
                 else _in_processes(count, numbered, workers) if workers > 1
                 else (count(one) for one in numbered)) as parts:
        for done, part in enumerate(parts, 1):
            total.merge(part)
            if progress is not None:
                progress(done)
    return total


class _Counter(Generic[M]):
    """Counts one numbered item."""

    def __init__(self, empty: Callable[[], M], load: Callable[[Any], Pair]) -> None:
        self._empty = empty
        self._load = load

    def __call__(self, numbered: tuple[int, Any]) -> M:
        index, item = numbered
        counted = self._empty()
        try:
            counted.update(*self._load(item))
        except ValueError as error:
            name = f' ({item})' if isinstance(item, str) else ''
            raise ValueError(f'image pair {index}: {error}{name}') from error
        return counted


def _in_processes(count: _Counter[M], numbered: Iterable[tuple[int, Any]],
                  workers: int) -> Generator[M, None, None]:
    """Yield the results in the order of the items, with a bounded number of them in flight."""
    pool = ProcessPool(workers, _start, pickle.dumps(count), max(1, cores() // workers))
    pending: deque[Future[M]] = deque()
    try:
        for item in numbered:
            pending.append(pool.submit(_count, item))
            if len(pending) > _WAITING_PER_WORKER * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(cancel_futures=True)


_counter: _Counter[Any] | None = None


def _start(counter: bytes, threads: int) -> None:
    """Prepare a worker: libraries share the cores, and what the loader opens stays open."""
    global _counter
    os.environ['NUMBA_NUM_THREADS'] = str(threads)      # read when the loader imports numba
    cv2.setNumThreads(threads)
    _counter = pickle.loads(counter)


def _count(numbered: tuple[int, Any]) -> Any:
    assert _counter is not None
    return _counter(numbered)
