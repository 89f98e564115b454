"""
Stand-ins for launch and launch_ros, which no wheel holds: they keep what they are given.

Where the real ones are installed, ``test/launch`` starts the launch files with them.
"""

from __future__ import annotations

import importlib.util
import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from panoptic_ros.resources import share_directory

LAUNCH = share_directory() / 'launch'


class Recorded(SimpleNamespace):
    """An action or substitution: its class's name and its arguments."""


class LaunchConfiguration(Recorded):
    def __init__(self, name):
        super().__init__(name=name)

    def perform(self, context):
        return context[self.name]


class LifecycleNode(Recorded):
    def __init__(self, **arguments):
        super().__init__(kind='LifecycleNode', **arguments)


def recorder(name):
    return lambda *args, **kwargs: Recorded(kind=name, positional=args, **kwargs)


RECORDED = {
    'launch': ('Action', 'LaunchContext', 'LaunchDescription', 'LaunchDescriptionEntity'),
    'launch.actions': ('DeclareLaunchArgument', 'EmitEvent', 'ExecuteProcess',
                       'IncludeLaunchDescription', 'LogInfo', 'OpaqueFunction',
                       'RegisterEventHandler', 'Shutdown', 'TimerAction'),
    'launch.event_handlers': ('OnProcessExit', 'OnProcessStart'),
    'launch.events.process': ('ProcessExited', 'ProcessStarted'),
    'launch.launch_description_sources': ('PythonLaunchDescriptionSource',),
    'launch_ros.actions': ('Node',),
    'launch_ros.event_handlers': ('OnStateTransition',),
    'launch_ros.events.lifecycle': ('ChangeState',),
    'launch_ros.parameter_descriptions': ('ParameterFile', 'ParameterValue')}
OTHERS = {
    'launch.substitutions': {'LaunchConfiguration': LaunchConfiguration},
    'launch_ros': {},
    'launch_ros.actions': {'LifecycleNode': LifecycleNode},
    'launch_ros.events': {},
    'launch_ros.ros_adapters': {'get_ros_node': lambda context: context.ros_node},
    'ament_index_python.packages': {
        'get_package_share_directory':
            lambda package: str({'panoptic_ros': share_directory()}[package])}}


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``import launch`` and the like find the stand-ins."""
    for module in RECORDED | OTHERS:
        stand_in = ModuleType(module)
        for name in RECORDED.get(module, ()):
            setattr(stand_in, name, recorder(name))
        for name, value in OTHERS.get(module, {}).items():
            setattr(stand_in, name, value)
        monkeypatch.setitem(sys.modules, module, stand_in)


def describe(file: str) -> list[Recorded]:
    """Return the entities that a launch file of the package describes."""
    specification = importlib.util.spec_from_file_location('launch_file', LAUNCH / file)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.generate_launch_description().positional[0]


def arguments_of(file: str) -> dict[str, Recorded]:
    """Return the arguments that a launch file declares, by name."""
    return {e.positional[0]: e for e in describe(file) if e.kind == 'DeclareLaunchArgument'}


def start(file: str, **arguments: str) -> list[Any]:
    """Return what a launch file starts with these arguments."""
    declared = arguments_of(file)
    assert set(arguments) <= set(declared)
    defaults = {name: argument.default_value for name, argument in declared.items()
                if hasattr(argument, 'default_value')}
    function, = (e for e in describe(file) if e.kind == 'OpaqueFunction')
    return function.function(defaults | arguments, *function.args)
