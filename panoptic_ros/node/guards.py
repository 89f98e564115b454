"""
Keeping rclpy alive: an executor that no callback ends, and screens for the node's services.

The executor survives errors of callbacks.  The screens refuse requests that are known to make
rclpy raise, and give a reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.parameter import Parameter
from rclpy.service import Service
from rclpy.task import Task
from rosgraph_msgs.msg import Clock

from .mishaps import Mishaps, publishable

RCLError = rclpy_implementation.RCLError

MOST_PARAMETERS = 1000
"""The largest number of parameters in one request; each is work and needs an answer."""

PAUSE = 0.1
"""Seconds to wait after an error of the executor itself, which may fail again at once."""


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


def screen_parameters(services: Iterable[Service]) -> None:
    """Let a node's services refuse parameters without a type or with an unknown type."""
    for service in services:
        if service.srv_type is SetParameters:
            service.callback = _one_by_one(service.callback)
        elif service.srv_type is SetParametersAtomically:
            service.callback = _all_or_none(service.callback)


def _one_by_one(change: Callable[..., Any]) -> Callable[..., Any]:
    def answer(request: SetParameters.Request,
               response: SetParameters.Response) -> SetParameters.Response:
        many = _too_many(request.parameters)
        for parameter in request.parameters:
            reason = many or _obstacle(parameter)
            result = SetParametersResult(successful=False, reason=reason or '')
            if reason is None:
                result, = change(SetParameters.Request(parameters=[parameter]),
                                 SetParameters.Response()).results
            response.results.append(result)
        return response

    return answer


def _all_or_none(change: Callable[..., Any]) -> Callable[..., Any]:
    def answer(request: SetParametersAtomically.Request,
               response: SetParametersAtomically.Response) -> SetParametersAtomically.Response:
        reason = _too_many(request.parameters) or next(
            filter(None, map(_obstacle, request.parameters)), None)
        if reason is None:
            return change(request, response)
        response.result = SetParametersResult(successful=False, reason=reason)
        return response

    return answer


def _too_many(parameters: list[ParameterMessage]) -> str | None:
    if len(parameters) <= MOST_PARAMETERS:
        return None
    return f'{len(parameters)} parameters in one request: expected {MOST_PARAMETERS} at most'


def _obstacle(parameter: ParameterMessage) -> str | None:
    name = publishable(parameter.name, 100)
    try:
        kind = Parameter.from_parameter_msg(parameter).type_
    except ValueError:
        return (f'{name} has a value of type {parameter.value.type}, which ROS does not have: '
                'expected one of rcl_interfaces/msg/ParameterType, 1 to 9')
    if kind == Parameter.Type.NOT_SET:
        return without_type(name)
    return None


def without_type(name: str) -> str:
    """Return the reason for refusing a parameter whose value has no type."""
    return (f'{name} comes without a type, as an empty list does: give it a value, or '
            'leave it out')


def screen_clock(take: Callable[[Clock], None],
                 tell: Callable[[str, str], None]) -> Callable[[Clock], None]:
    """Return a callback for /clock that ignores negative times, and reports them."""
    def receive(message: Clock) -> None:
        seconds = message.clock.sec
        if seconds < 0:
            tell('subscription /clock', f'a time of {seconds} s is ignored: expected 0 s or more')
        else:
            take(message)

    return receive


def screen_transitions(services: Iterable[Service], state: Callable[[], str],
                       error: Callable[[str], object]) -> None:
    """Refuse a transition that the present state does not have; Jazzy would raise an error."""
    for service in services:
        if service.srv_type is ChangeState:
            service.callback = _if_possible(service.callback, state, error)


def _if_possible(change: Callable[..., Any], state: Callable[[], str],
                 error: Callable[[str], object]) -> Callable[..., Any]:
    def answer(request: ChangeState.Request,
               response: ChangeState.Response) -> ChangeState.Response:
        try:
            return change(request, response)
        except RCLError:
            transition = request.transition
            name = publishable(transition.label or transition.id, 100)
            error(f'transition {name} is not possible while the node is {state()}')
            response.success = False
            return response

    return answer
