"""The executor that no callback ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.task import Task

from .mishaps import Mishaps

PAUSE = 0.1
"""Seconds before the next turn where the executor itself failed, which may fail again at once."""


class GuardedExecutor(SingleThreadedExecutor):
    """
    Runs callbacks in the thread that spins, and survives what they raise.

    In rclpy an error while a message is taken leaves its callback, and with it every other one of
    the node, marked as running for good; so both steps are guarded, not only ``spin_once``.

    Parameters
    ----------
    mishaps
        Is told what a callback raised.
    options
        As for ``rclpy.executors.SingleThreadedExecutor``.

    """

    def __init__(self, mishaps: Mishaps, **options: Any) -> None:
        super().__init__(**options)
        self._mishaps = mishaps

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Wait for one callback and run it; raise only when the context was shut down."""
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
    """A service that answers whatever its callback does: a client would wait for ever."""

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
        except Exception as error:      # it holds what a message cannot hold
            self._mishaps.survive(_name(self._service), error)
            self._service.send_response(self.srv_type.Response(), header)


def _name(entity: Any) -> str:
    """Return what a callback belongs to, for people; also of what was destroyed meanwhile."""
    for kind, attribute in (('service', 'srv_name'), ('subscription', 'topic')):
        if hasattr(entity, attribute):
            return f'{kind} {getattr(entity, attribute)}'
    callback = getattr(entity, 'callback', None)
    return f'{type(entity).__name__.lower()} {getattr(callback, "__name__", "")}'.rstrip()
