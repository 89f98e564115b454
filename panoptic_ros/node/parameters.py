"""The node's parameters in ROS: declared with descriptions and limits, screened, and taken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import Field
from difflib import get_close_matches
from functools import partial
from typing import Any

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.node import Node
from rclpy.parameter import Parameter

from ..families import Family
from .mishaps import publishable
from .settings import Settings, family_parameters, own_parameters
from .subscription import check_topics

DEEPEST = 1_000_000
"""The largest number of messages that a QoS override may ask to keep."""

MOST_TOLD = 10
"""The most unknown parameters that are named."""

MOST_PARAMETERS = 1000
"""The largest number of parameters in one request; each is work and needs an answer."""


class Parameters:
    """
    The parameters of the node and of the families.

    Parameters
    ----------
    node
        The node, whose services for parameters exist already.
    family
        Returns the family of the loaded model; None while the node is not configured.

    Raises
    ------
    ValueError
        A value given at the start is out of range, or has no type.
    rclpy.exceptions.ParameterException
        A value given at the start has the wrong type.

    """

    def __init__(self, node: Node, family: Callable[[], Family | None]) -> None:
        self._node, self._family = node, family
        self.settings = declare(node)
        """The present values."""
        node.add_pre_set_parameters_callback(as_floats)
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._take)
        for service in node.services:
            if service.srv_type is SetParameters:
                service.callback = partial(_set_each, service.callback)
            elif service.srv_type is SetParametersAtomically:
                service.callback = partial(_set_all, service.callback)

    def _check(self, changed: list[Parameter]) -> SetParametersResult:
        try:
            settings = self._changed(changed)
            if settings.every_camera() != self.settings.every_camera():
                check_topics(self._node, settings.every_camera())
        except ValueError as error:
            return SetParametersResult(successful=False, reason=publishable(error))
        return SetParametersResult(successful=True)

    def _take(self, changed: list[Parameter]) -> None:
        self.settings = self._changed(changed)

    def _changed(self, changed: list[Parameter]) -> Settings:
        return self.settings.change({parameter.name: parameter.value for parameter in changed},
                                    self._family())


def declare(node: Node) -> Settings:
    """
    Declare every parameter and return the values the node was started with.

    Errors are those of ``Parameters``.
    """
    given = getattr(node, '_parameter_overrides', {})      # private in rclpy
    declared = own_parameters() | family_parameters()
    for name, parameter in given.items():
        if (name in declared or node.has_parameter(name) or name.startswith('qos_overrides.')):
            _check_override(parameter)
    given.update({parameter.name: parameter for parameter in as_floats(list(given.values()))})
    settings = Settings().change({
        name: node.declare_parameter(name, parameter.default, _descriptor(parameter)).value
        for name, parameter in declared.items()}, None)
    check_topics(node, settings.every_camera())
    _tell_unknown(node, [name for name in given if not (
        node.has_parameter(name) or name.startswith('qos_overrides.'))])
    return settings


def _tell_unknown(node: Node, names: list[str]) -> None:
    """Warn of parameters that nothing takes, such as misspelt ones."""
    known = [*own_parameters(), *family_parameters()]
    told = [publishable(name, 100) + ''.join(
        f' (did you mean {near}?)' for near in get_close_matches(name, known, 1, 0.8))
        for name in sorted(names)[:MOST_TOLD]]
    if more := len(names) - len(told):
        told.append(f'{more} more')
    if told:
        node.get_logger().warning(f'unknown parameters have no effect: {", ".join(told)}')


def _check_override(parameter: Parameter) -> None:
    """Refuse a value that rclpy would take and fail on later."""
    name, value = parameter.name, parameter.value
    if parameter.type_ == Parameter.Type.NOT_SET:
        raise ValueError(_without_type(name))
    if (name.startswith('qos_overrides.') and name.endswith('.depth')
            and parameter.type_ == Parameter.Type.INTEGER and not 0 <= value <= DEEPEST):
        raise ValueError(f'{name} is {value}: expected 0 to {DEEPEST}')


def as_floats(changed: Sequence[Parameter]) -> list[Parameter]:
    """Return parameters in which integers are floats where the parameter is a float."""
    floats = {name for name, parameter in (own_parameters() | family_parameters()).items()
              if isinstance(parameter.default, float)}
    return [Parameter(parameter.name, Parameter.Type.DOUBLE, float(parameter.value))
            if parameter.name in floats and parameter.type_ == Parameter.Type.INTEGER
            else parameter for parameter in changed]


def _descriptor(parameter: Field[Any]) -> ParameterDescriptor:
    metadata = parameter.metadata
    constraints = [metadata['constraints'], 'changes only while unconfigured'
                   if metadata['structural'] else '']
    descriptor = ParameterDescriptor(
        description=metadata['description'], read_only=metadata['read_only'],
        additional_constraints='; '.join(filter(None, constraints)))
    if metadata['limits'] is not None:
        least, most = metadata['limits']
        if isinstance(parameter.default, float):
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=float(least), to_value=float(most))]
        else:
            descriptor.integer_range = [
                IntegerRange(from_value=least, to_value=most, step=1)]
    return descriptor


def _set_each(change: Callable[..., Any], request: SetParameters.Request,
              response: SetParameters.Response) -> SetParameters.Response:
    """Change parameters one by one, but refuse what rclpy would fail on."""
    many = _too_many(request.parameters)
    for parameter in request.parameters:
        reason = many or _obstacle(parameter)
        result = SetParametersResult(successful=False, reason=reason or '')
        if reason is None:
            result, = change(SetParameters.Request(parameters=[parameter]),
                             SetParameters.Response()).results
        response.results.append(result)
    return response


def _set_all(change: Callable[..., Any], request: SetParametersAtomically.Request,
             response: SetParametersAtomically.Response) -> SetParametersAtomically.Response:
    """Change all parameters or none; refuse what rclpy would fail on."""
    reason = _too_many(request.parameters) or next(
        filter(None, map(_obstacle, request.parameters)), None)
    if reason is None:
        return change(request, response)
    response.result = SetParametersResult(successful=False, reason=reason)
    return response


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
    return _without_type(name) if kind == Parameter.Type.NOT_SET else None


def _without_type(name: str) -> str:
    return f'{name} comes without a type, as an empty list does: give it a value, or leave it out'
