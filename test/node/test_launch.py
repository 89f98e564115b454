"""
The launch files, by what they ask of stand-ins for launch and launch_ros, which no wheel holds.

Where the real ones are installed, ``test/launch`` starts the node with them.
"""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import fields
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import yaml

from panoptic_ros.node.parameters import Settings
from panoptic_ros.resources import share_directory

LAUNCH = share_directory() / 'launch'
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
    'launch.actions': ('DeclareLaunchArgument', 'ExecuteProcess', 'IncludeLaunchDescription',
                       'LogInfo', 'OpaqueFunction', 'RegisterEventHandler',
                       'Shutdown', 'TimerAction'),
    'launch.event_handlers': ('OnProcessIO',),
    'launch.events.process': ('ProcessExited', 'ProcessIO'),
    'launch.launch_description_sources': ('PythonLaunchDescriptionSource',),
    'launch.substitutions': (),
    'launch_ros': (),
    'launch_ros.actions': ('Node',),
    'launch_ros.parameter_descriptions': ('ParameterFile', 'ParameterValue'),
    'ament_index_python.packages': (),
}


@pytest.fixture
def describe(monkeypatch):
    """A function of a launch file that returns what it describes, to stand-ins for launch."""
    for module, names in NAMES.items():
        stand_in = ModuleType(module)
        for name in names:
            setattr(stand_in, name, recorder(name))
        monkeypatch.setitem(sys.modules, module, stand_in)
    sys.modules['launch.substitutions'].LaunchConfiguration = LaunchConfiguration
    sys.modules['ament_index_python.packages'].get_package_share_directory = (
        lambda package: str({'panoptic_ros': share_directory()}[package]))

    def describe(file):
        specification = importlib.util.spec_from_file_location('launch_file', LAUNCH / file)
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        return module.generate_launch_description().positional[0]

    return describe


def arguments_of(description):
    return {e.positional[0]: e for e in description if e.kind == 'DeclareLaunchArgument'}


def starter(description):
    """A function of launch arguments that returns what they start."""
    defaults = {name: argument.default_value for name, argument in
                arguments_of(description).items() if hasattr(argument, 'default_value')}
    function, = (e for e in description if e.kind == 'OpaqueFunction')

    def start(**arguments):
        assert set(arguments) <= set(arguments_of(description))
        return function.function(defaults | arguments, *function.args)

    return start


@pytest.fixture
def launch(describe):
    return starter(describe('panoptic.launch.py'))


@pytest.fixture
def replay(describe):
    return starter(describe('replay.launch.py'))


def node_of(entities, executable='panoptic_node'):
    node, = (e for e in entities if getattr(e, 'executable', None) == executable)
    return node


@pytest.mark.parametrize(('file', 'names'), [
    ('panoptic.launch.py', {'image', 'cameras', 'params_file', 'namespace', 'model', 'rviz',
                            'autostart', 'use_sim_time'}),
    ('replay.launch.py', {'bag', 'rate', 'loop', 'image', 'cameras', 'params_file', 'rviz'})])
def test_arguments_are_few_and_described(describe, file, names):
    arguments = arguments_of(describe(file))
    assert names <= set(arguments)
    assert len(arguments) < 10
    for argument in arguments.values():
        assert argument.description.endswith('.')
        if getattr(argument, 'choices', None):
            assert argument.default_value in argument.choices
    assert Path(arguments['params_file'].default_value).is_file()


def test_by_default_the_parameter_file_decides(launch):
    node, = launch()
    assert (node.package, node.executable, node.name) == (
        'panoptic_ros', 'panoptic_node', 'panoptic_node')
    assert node.on_exit.kind == 'Shutdown'
    assert node.namespace == ''
    file, parameters = node.parameters
    assert file.positional == (str(CONFIG / 'panoptic.yaml'),)
    assert file.allow_substs
    assert parameters == {}


def test_arguments_become_parameters_that_the_node_declares(launch):
    node = node_of(launch(model='7', autostart='false', use_sim_time='true', namespace='front',
                          params_file='/etc/mine.yaml'))
    file, parameters = node.parameters
    assert file.positional == ('/etc/mine.yaml',)
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


def test_each_camera_has_its_topic_and_its_window(launch):
    entities = launch(cameras='front, rear/compressed', image='/{camera}/image_raw', rviz='true')
    node = node_of(entities)
    assert node.parameters[1]['cameras'] == ['front', 'rear/compressed']
    assert dict(node.remappings) == {
        'front/image': '/front/image_raw',
        'front/image/compressed': '/front/image_raw/compressed',
        'rear/image': '/rear/image_raw', 'rear/image/compressed': '/rear/image_raw/compressed'}
    windows = [e for e in entities if getattr(e, 'executable', None) == 'rviz2']
    assert [w.name for w in windows] == ['panoptic_rviz_front', 'panoptic_rviz_rear']
    assert dict(windows[1].remappings) == {'image': '/rear/image_raw',
                                           'overlay': 'panoptic_node/rear/overlay'}


def test_several_cameras_keep_the_topics_of_the_node_by_default(launch):
    remappings = dict(node_of(launch(cameras='front,rear')).remappings)
    assert remappings['rear/image/compressed'] == 'rear/image/compressed'
    assert all(source == target for source, target in remappings.items())


@pytest.mark.parametrize(('arguments', 'reason'), [
    ({'image': '/{camera}/image_raw'}, r"image is '/{camera}/image_raw' and cameras is empty"),
    ({'image': '/image_raw', 'cameras': 'front,rear'},
     r"image is '/image_raw', which all of front, rear would take: write {camera} where")])
def test_a_topic_that_does_not_fit_the_cameras_is_refused(launch, arguments, reason):
    with pytest.raises(ValueError, match=reason):
        launch(**arguments)


def test_the_bag_starts_once_the_node_takes_images(replay, describe, tmp_path):
    handler, include = replay(bag=str(tmp_path), image='/front/image_raw', rate='0.5')
    assert include.positional[0].positional == (str(LAUNCH / 'panoptic.launch.py'),)
    passed = dict(include.launch_arguments)
    assert passed['image'] == '/front/image_raw'
    assert passed['use_sim_time'] == passed['rviz'] == 'true'
    assert set(passed) <= set(arguments_of(describe('panoptic.launch.py')))
    io, = handler.positional
    said = SimpleNamespace(process_name='panoptic_node-1', text=b'model loaded')
    assert io.on_stderr(said) == []
    said.text = b'[INFO] waiting for images on /front/image_raw'
    player, = io.on_stderr(said)
    assert player.cmd[:4] == ['ros2', 'bag', 'play', str(tmp_path)]
    assert player.cmd[4:6] == ['--clock', '100']
    assert player.cmd[player.cmd.index('--rate') + 1] == '0.5'
    assert '--loop' not in player.cmd
    assert io.on_stderr(said) == [], 'it would play twice'


@pytest.mark.parametrize(('rviz', 'returncode', 'kind'), [
    ('true', 0, 'LogInfo'), ('false', 0, 'TimerAction'), ('true', 1, 'Shutdown')])
def test_the_end_of_the_bag(replay, tmp_path, rviz, returncode, kind):
    handler, _ = replay(bag=str(tmp_path), rviz=rviz, loop='true')
    player, = handler.positional[0].on_stdout(SimpleNamespace(
        process_name='panoptic_node-1', text=b'waiting for images on /image'))
    assert player.cmd[-1] == '--loop'
    event = SimpleNamespace(returncode=returncode)
    action, = player.on_exit(event, SimpleNamespace(is_shutdown=False))
    assert action.kind == kind
    assert player.on_exit(event, SimpleNamespace(is_shutdown=True)) == []


def test_a_bag_that_is_not_there_is_refused(replay):
    with pytest.raises(FileNotFoundError, match=r"bag is '/bags/none': expected the folder of"):
        replay(bag='/bags/none')
