"""What is refused where it comes in, with a reason, before rclpy stumbles over it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from lifecycle_msgs.srv import ChangeState
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.parameter import Parameter
from rclpy.service import Service
from rosgraph_msgs.msg import Clock

from .text import publishable

RCLError = rclpy_implementation.RCLError

MOST_PARAMETERS = 1000
"""In one request: setting each is work, and is answered."""


def screen_parameters(services: Iterable[Service]) -> None:
    """Let a node's services refuse to set what is of no type of ROS or without a type."""
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
    """Return why a parameter is refused whose value has no type."""
    return (f'{name} comes without a type, as an empty list does: give it a value, or '
            'leave it out')


def screen_clock(take: Callable[[Clock], None],
                 tell: Callable[[str, str], None]) -> Callable[[Clock], None]:
    """Return a callback for /clock that leaves out times that ROS does not have, and tells it."""
    def receive(message: Clock) -> None:
        seconds = message.clock.sec
        if seconds < 0:
            tell('subscription /clock', f'a time of {seconds} s is ignored: expected 0 s or more')
        else:
            take(message)

    return receive


def screen_transitions(services: Iterable[Service], state: Callable[[], str],
                       error: Callable[[str], object]) -> None:
    """Refuse a transition that the present state lacks; in Jazzy it would raise."""
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
