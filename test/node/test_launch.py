"""
The launch file, by what it asks of stand-ins for launch and launch_ros, which no wheel holds.

Where the real ones are installed, the last test starts the node with them.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import fields
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import yaml
from ros_harness import Process

from panoptic_ros.node.parameters import Settings
from panoptic_ros.resources import share_directory

FILE = share_directory() / 'launch' / 'panoptic.launch.py'
CONFIG = share_directory() / 'config'


class Recorded(SimpleNamespace):
    """An action or substitution: its class's name and its arguments."""


def recorder(name):
    return lambda *args, **kwargs: Recorded(kind=name, positional=args, **kwargs)


class LaunchConfiguration(Recorded):
    def __init__(self, name):
        super().__init__(name=name)

    def perform(self, context):
        return context[self.name]


NAMES = {
    'launch': ('LaunchContext', 'LaunchDescription', 'LaunchDescriptionEntity'),
    'launch.actions': ('DeclareLaunchArgument', 'ExecuteProcess', 'OpaqueFunction',
                       'SetEnvironmentVariable', 'Shutdown'),
    'launch.substitutions': (),
    'launch_ros': (),
    'launch_ros.actions': ('Node',),
    'launch_ros.parameter_descriptions': ('ParameterValue',),
    'ament_index_python.packages': (),
}


@pytest.fixture
def description(monkeypatch):
    """What the launch file describes, to stand-ins for launch."""
    for module, names in NAMES.items():
        stand_in = ModuleType(module)
        for name in names:
            setattr(stand_in, name, recorder(name))
        monkeypatch.setitem(sys.modules, module, stand_in)
    sys.modules['launch.substitutions'].LaunchConfiguration = LaunchConfiguration
    sys.modules['ament_index_python.packages'].get_package_share_directory = (
        lambda package: str({'panoptic_ros': share_directory()}[package]))
    specification = importlib.util.spec_from_file_location('panoptic_launch', FILE)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module.generate_launch_description().positional[0]


@pytest.fixture
def launch(description):
    """A function of launch arguments that returns what they start."""
    defaults = {e.positional[0]: e.default_value for e in description
                if e.kind == 'DeclareLaunchArgument'}
    function, = (e for e in description if e.kind == 'OpaqueFunction')

    def start(**arguments):
        assert set(arguments) <= set(defaults)
        return function.function(defaults | arguments, *function.args)

    return start


def node_of(entities, executable='panoptic_node'):
    node, = (e for e in entities if getattr(e, 'executable', None) == executable)
    return node


def test_arguments_are_few_and_described(description):
    arguments = {e.positional[0]: e for e in description if e.kind == 'DeclareLaunchArgument'}
    assert {'image', 'params_file', 'namespace', 'model', 'rviz', 'autostart',
            'use_sim_time'} <= set(arguments)
    assert len(arguments) < 10
    for argument in arguments.values():
        assert argument.description.endswith('.')
        assert argument.choices is None or argument.default_value in argument.choices
    assert Path(arguments['params_file'].default_value).is_file()


def test_by_default_the_parameter_file_decides(launch):
    node, = launch()
    assert (node.package, node.executable, node.name) == (
        'panoptic_ros', 'panoptic_node', 'panoptic_node')
    assert node.on_exit.kind == 'Shutdown'
    assert node.namespace == ''
    assert node.parameters == [str(CONFIG / 'panoptic.yaml'), {}]


def test_arguments_become_parameters_that_the_node_declares(launch):
    node = node_of(launch(model='7', autostart='false', use_sim_time='true', namespace='front',
                          params_file='/etc/mine.yaml'))
    file, parameters = node.parameters
    assert file == '/etc/mine.yaml'
    assert parameters['autostart'] is False
    assert parameters['use_sim_time'] is True
    assert (parameters['model'].positional, parameters['model'].value_type) == (('7',), str)
    assert set(parameters) - {'use_sim_time'} <= {p.name for p in fields(Settings)}
    assert node.namespace == 'front'


def test_raw_and_compressed_images_are_remapped(launch):
    node = node_of(launch(image='/front/image_raw'))
    assert dict(node.remappings) == {'image': '/front/image_raw',
                                     'image/compressed': '/front/image_raw/compressed'}


def test_rviz_shows_topics_that_are_remapped(launch):
    rviz = node_of(launch(rviz='true', image='/front/image_raw', namespace='front'), 'rviz2')
    remapped = dict(rviz.remappings)
    assert remapped == {'image': '/front/image_raw', 'overlay': 'panoptic_node/overlay'}
    option, file = rviz.arguments
    layout = yaml.safe_load(Path(file).read_text())
    displays = layout['Visualization Manager']['Displays']
    assert option == '-d'
    assert {d['Topic']['Value'] for d in displays} == set(remapped)
    assert rviz.namespace == 'front'


def test_a_bag_brings_its_clock(launch):
    entities = launch(bag='/bags/drive', rviz='true')
    player, = (e for e in entities if e.kind == 'ExecuteProcess')
    assert player.cmd[:4] == ['ros2', 'bag', 'play', '--clock']
    assert player.cmd[-1] == '/bags/drive'
    assert node_of(entities).parameters[1]['use_sim_time'] is True
    assert node_of(entities, 'rviz2').parameters[0]['use_sim_time'] is True


def test_the_profile_for_large_images_is_asked_for(launch):
    assert all(e.kind != 'SetEnvironmentVariable' for e in launch())
    entities = launch(large_images='true')
    variables = {e.positional for e in entities if e.kind == 'SetEnvironmentVariable'}
    assert variables == {(name, str(CONFIG / 'fastdds.xml')) for name in (
        'FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')}
    kinds = [e.kind for e in entities]
    assert kinds.index('SetEnvironmentVariable') < kinds.index('Node')


@pytest.mark.ros
def test_with_the_real_launch(domain, client, tiny_onnx):
    pytest.importorskip('launch.actions', reason='launch comes with a ROS distribution')
    pytest.importorskip('launch_ros.actions', reason='launch_ros comes with a ROS distribution')
    program = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
service = LaunchService()
service.include_launch_description(LaunchDescription([IncludeLaunchDescription(
    PythonLaunchDescriptionSource(sys.argv[1]),
    launch_arguments=[a.split(':=') for a in sys.argv[2:]])]))
sys.exit(service.run())
"""
    command = [sys.executable, '-c', program, str(FILE), 'namespace:=launched',
               f'model:={tiny_onnx}', 'image:=/launched/camera']
    with Process(command, domain) as process:
        process.wait_for_output('waiting for images on /launched/camera')
        assert client.state('/launched/panoptic_node') == 'active'
        assert process.stop() == 0
        assert 'process has finished cleanly' in process.output
