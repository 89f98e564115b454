"""Processes that work for this one: how many suit the machine, how they begin and end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context, parent_process, resource_tracker
from typing import Any, ParamSpec, TypeVar

P = ParamSpec('P')
T = TypeVar('T')

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end a command; a terminal sends them to its processes as well."""


def cores() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


class ProcessPool(ProcessPoolExecutor):
    """
    Processes that do what this one submits.

    This process answers the signals that end a command; the others ignore them from their first
    moment on. When this process is gone, however it ended, they end as well.

    Parameters
    ----------
    count
        How many processes.
    prepare, arguments
        What each process calls before its first work; both are picklable.

    """

    def __init__(self, count: int, prepare: Callable[..., object] | None = None,
                 *arguments: Any) -> None:
        super().__init__(count, get_context('spawn'), _begin, (prepare, arguments))

    def submit(self, call: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Let a process call a function; see ``Executor.submit``, which may start a process."""
        resource_tracker.ensure_running()       # its own start would let the signals through
        before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)      # a process inherits it
        try:
            return super().submit(call, *args, **kwargs)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _begin(prepare: Callable[..., object] | None, arguments: tuple[Any, ...]) -> None:
    """Prepare a process; what it inherited blocked it may receive when it ignores it."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if prepare is not None:
        prepare(*arguments)


def _end_with_parent() -> None:
    """Let this process end with the one that it works for, also if that was killed."""
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
