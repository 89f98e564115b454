"""
Mishaps: errors that the node survives, logs once in a while, and reports in diagnostics.

``GuardedExecutor`` survives what callbacks raise.  What is known to make rclpy raise is refused
where it comes in, by ``parameters`` and ``panoptic_node``.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import Any

from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.task import Task

RCLError = rclpy_implementation.RCLError

LASTS = 10.0
"""Seconds for which diagnostics report a mishap after it last happened."""

LONGEST = 2000
"""Most characters of a published text; nobody reads more in a log or a dashboard."""

PAUSE = 0.1
"""Seconds to wait after an error of the executor itself, which may fail again at once."""


def publishable(text: object, longest: int = LONGEST) -> str:
    """
    Return a text that ROS can send in full, and that is not too long.

    ROS refuses a lone surrogate, which a model file, a file name or an error may contain.  ROS
    also ends a text at its first NUL.  Both are written as Python's escapes.
    """
    whole = str(text)
    safe = whole[:longest].replace('\0', '\\x00').encode(errors='backslashreplace').decode()
    return safe if len(whole) <= longest else f'{safe}... ({len(whole)} characters)'


def described(error: Exception) -> str:
    """Return the kind and the text of an error, even if making the text fails."""
    try:
        text = str(error)
    except Exception:       # the error of a library whose own text fails
        text = 'it cannot say why'
    return f'{type(error).__name__}: {text}'


class ThrottledLog:
    """
    Logs a kind of error when it is new, and then at most once per period; from any thread.

    Parameters
    ----------
    logger
        A logger of rclpy.
    period
        Seconds for which further errors of one kind are only counted.

    """

    def __init__(self, logger: Any, period: float = 10.0) -> None:
        self._logger = logger
        self._period = period
        self._last: dict[str, float] = {}
        self._silenced: dict[str, int] = {}
        self._lock = Lock()

    def error(self, kind: str, text: str) -> None:
        """Log an error, or only count it if one of its kind was logged within the period."""
        now = time.monotonic()
        with self._lock:
            if now - self._last.get(kind, -self._period) < self._period:
                self._silenced[kind] = self._silenced.get(kind, 0) + 1
                return
            self._last[kind] = now
            more = self._silenced.pop(kind, 0)
        self._logger.error(
            publishable(text) + (f' (and {more} like it before)' if more else ''))


class Mishaps:
    """
    Remembers the last mishap of each callback, from any thread.

    Parameters
    ----------
    logger
        A logger of rclpy.

    """

    def __init__(self, logger: Any) -> None:
        self._logger = logger
        self._log = ThrottledLog(logger, LASTS)
        self._last: dict[str, tuple[float, str]] = {}
        self._lock = Lock()
        self.count = 0
        """Number of all mishaps since the start."""

    def tell(self, callback: str, cause: str, kind: str = '') -> None:
        """Log a mishap of a callback, throttled for each ``kind``, and remember it."""
        cause = publishable(cause)
        with self._lock:
            self.count += 1
            self._last[callback] = time.monotonic(), cause
        self._log.error(f'{callback} {kind}', f'{callback}: {cause}; the node goes on')

    def survive(self, callback: str, error: Exception) -> None:
        """Log an error that a callback raised, and remember it."""
        with suppress(Exception):       # making the error's text may fail; see ``described``
            self._logger.debug(publishable(''.join(traceback.format_exception(error)), 20_000))
        self.tell(callback, described(error), type(error).__name__)

    @contextmanager
    def survived(self, callback: str) -> Iterator[None]:
        """Log and remember any error in this block, and go on behind the block."""
        try:
            yield
        except Exception as error:      # no error may end the process
            self.survive(callback, error)

    def lately(self) -> dict[str, str]:
        """Return the causes of the mishaps of the last ``LASTS`` seconds, by their callbacks."""
        now = time.monotonic()
        with self._lock:
            self._last = {callback: (then, cause) for callback, (then, cause)
                          in self._last.items() if now - then < LASTS}
            return {callback: cause for callback, (_, cause) in self._last.items()}


class GuardedExecutor(SingleThreadedExecutor):
    """
    Runs callbacks in the thread that spins, and survives their errors.

    In rclpy, an error while a message is taken leaves its callback marked as running for good, and
    with it all other callbacks of the node.  So taking a message and running its callback are
    guarded, and not only ``spin_once``.

    Parameters
    ----------
    mishaps
        Receives the errors of callbacks.
    options
        As for ``rclpy.executors.SingleThreadedExecutor``.

    """

    def __init__(self, mishaps: Mishaps, **options: Any) -> None:
        super().__init__(**options)
        self._mishaps = mishaps

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Wait for one callback and run it; raise only if the context was shut down."""
        try:
            super().spin_once(timeout_sec)
        except ExternalShutdownException:
            raise
        except Exception as error:      # the wait itself, or a task of a future
            self._mishaps.survive('executor', error)
            time.sleep(PAUSE)

    def _make_handler(self, entity: Any, node: Any,
                      take_from_wait_list: Callable[[Any], Any]) -> Task:
        name = _name(entity)

        def take(entity: Any) -> Callable[[], Any] | None:
            work = None
            with self._mishaps.survived(name):
                work = take_from_wait_list(entity)
            if work is None:
                return None

            async def run() -> None:
                with self._mishaps.survived(name):
                    await work()

            return run

        return super()._make_handler(entity, node, take)

    def _take_service(self, srv: Any) -> Any:
        answering: Any = _Answering(srv, self._mishaps)
        return super()._take_service(answering)


class _Answering:
    """A service that answers even if its callback fails; a client would wait for ever."""

    def __init__(self, service: Any, mishaps: Mishaps) -> None:
        self._service, self._mishaps = service, mishaps
        self.handle, self.srv_type = service.handle, service.srv_type

    def callback(self, request: Any, response: Any) -> Any:
        with self._mishaps.survived(_name(self._service)):
            return self._service.callback(request, response)
        return self.srv_type.Response()

    def send_response(self, response: Any, header: Any) -> None:
        try:
            self._service.send_response(response, header)
        except Exception as error:      # a field of the response has a value that ROS refuses
            self._mishaps.survive(_name(self._service), error)
            self._service.send_response(self.srv_type.Response(), header)


def _name(entity: Any) -> str:
    """Return in words what a callback belongs to, even if that was destroyed meanwhile."""
    for kind, attribute in (('service', 'srv_name'), ('subscription', 'topic')):
        if hasattr(entity, attribute):
            return f'{kind} {getattr(entity, attribute)}'
    callback = getattr(entity, 'callback', None)
    return f'{type(entity).__name__.lower()} {getattr(callback, "__name__", "")}'.rstrip()
