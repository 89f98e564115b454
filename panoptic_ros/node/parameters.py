"""Declaring the parameters of the node and of the families, with descriptions and limits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import Field
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node
from rclpy.parameter import Parameter

from .guards import without_type
from .settings import Settings, family_parameters, own_parameters
from .subscription import check_topics

DEEPEST = 1_000_000
"""The largest number of messages that a QoS override may ask to keep."""


def declare(node: Node) -> Settings:
    """
    Declare every parameter and return the values the node was started with.

    Raises
    ------
    ValueError
        A value given at the start is out of range, or has no type.
    rclpy.exceptions.ParameterException
        A value given at the start has the wrong type.

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
    return settings


def _check_override(parameter: Parameter) -> None:
    """Refuse a value that rclpy would take and fail on later."""
    name, value = parameter.name, parameter.value
    if parameter.type_ == Parameter.Type.NOT_SET:
        raise ValueError(without_type(name))
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
