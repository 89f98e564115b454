"""Doing the steps of one frame while other frames are in other steps; the order stays."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Generic, TypeVar

Item = TypeVar('Item')
Result = TypeVar('Result')

AHEAD = 2
"""How many items wait between two steps at most; more would hold memory and gain nothing."""


def ahead(items: Iterable[Item], work: Callable[[Item], Result],
          most: int = AHEAD) -> Generator[Result, None, None]:
    """
    Yield the results of the items in their order; a thread works on those that come next.

    The items themselves are drawn by the thread that takes the results: a file of sqlite3 is
    read by the thread that opened it. An error of an item comes after the results before it.
    """
    pending: deque[Future[Result]] = deque()
    drawn = iter(items)
    error: Exception | None = None
    pool = ThreadPoolExecutor(1, 'ahead')
    try:
        while True:
            while error is None and len(pending) < most:
                try:
                    pending.append(pool.submit(work, next(drawn)))
                except StopIteration:
                    break
                except Exception as failure:
                    error = failure
            if not pending:
                break
            yield pending.popleft().result()
        if error is not None:
            raise error
    finally:
        pool.shutdown(cancel_futures=True)


class Behind(Generic[Item]):
    """
    A thread that does the last step of each item, in order.

    After an error no further item is taken. The error is raised by the next call, or at the end
    of the block. If the block ends with an error of its own, what was given before is done first.

    Parameters
    ----------
    work
        The last step.
    most
        How many items may wait.

    """

    def __init__(self, work: Callable[[Item], object], most: int = AHEAD) -> None:
        self._work = work
        self._most = most
        self._pool = ThreadPoolExecutor(1, 'behind')
        self._pending: deque[Future[object]] = deque()
        self._failed = False

    def give(self, item: Item) -> None:
        """Let an item be done, after waiting for room."""
        while len(self._pending) >= self._most:
            self._pending.popleft().result()
        self._pending.append(self._pool.submit(self._take, item))

    def __enter__(self) -> Behind[Item]:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        at_once = kind is not None and not issubclass(kind, Exception)      # Ctrl-C, twice
        self._pool.shutdown(cancel_futures=at_once)
        if not at_once:
            for done in self._pending:      # an error of an earlier frame comes first
                done.result()

    def _take(self, item: Item) -> None:
        if self._failed:
            return
        try:
            self._work(item)
        except BaseException:
            self._failed = True
            raise
