"""panoptic.launch.py, by what it asks of stand-ins for launch and launch_ros."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import launch_stand_ins
import pytest
import yaml

from panoptic_ros.node.settings import Settings, own_parameters
from panoptic_ros.resources import share_directory

CONFIG = share_directory() / 'config'


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch):
    launch_stand_ins.install(monkeypatch)


def launch(**arguments):
    return launch_stand_ins.start('panoptic.launch.py', **arguments)


def node_of(entities, executable='panoptic_node'):
    node, = (e for e in entities if e.executable == executable)
    return node


def displays(rviz):
    option, file = rviz.arguments
    assert option == '-d'
    layout = yaml.safe_load(Path(file).read_text())
    return {d['Topic']['Value'] for d in layout['Visualization Manager']['Displays']}


@pytest.mark.parametrize(('file', 'names'), [
    ('panoptic.launch.py', {'image', 'cameras', 'params_file', 'namespace', 'model', 'rviz',
                            'autostart', 'use_sim_time', 'respawn', 'required', 'log_level',
                            'name'}),
    ('replay.launch.py', {'bag', 'rate', 'loop', 'image', 'cameras', 'params_file', 'rviz'})])
def test_arguments_are_few_and_described(file, names):
    arguments = launch_stand_ins.arguments_of(file)
    assert names <= set(arguments)
    assert len(arguments) <= 12
    for argument in arguments.values():
        assert argument.description.endswith('.')
    assert Path(arguments['params_file'].default_value).is_file()


def test_by_default_the_parameter_file_decides():
    node, = launch()
    assert (node.package, node.executable, node.name) == (
        'panoptic_ros', 'panoptic_node', 'panoptic_node')
    assert node.namespace == ''
    file, parameters = node.parameters
    assert file.positional == (str(CONFIG / 'panoptic.yaml'),)
    assert file.allow_substs
    assert parameters == {}


def test_the_end_of_the_node_is_no_end_of_what_includes_it():
    node, = launch()
    assert node.on_exit is None
    assert node.respawn is False
    node, = launch(respawn='true')
    assert (node.respawn, node.respawn_delay) == (True, 2.0)


@pytest.mark.parametrize('code', [1, 2, -9])
def test_the_failure_of_a_required_node_is_that_of_launch(code):
    node, = launch(required='true')
    assert node.parameters[1] == {'required': True}
    event = SimpleNamespace(process_name='panoptic_node-1', returncode=code)
    # launch ends with 1 where a handler raises, and with 0 otherwise
    with pytest.raises(RuntimeError, match=rf'^panoptic_node-1 has ended with exit code {code},'):
        node.on_exit(event, None)


def test_the_end_of_a_required_node_is_the_end_of_launch():
    node, = launch(required='true')
    end = node.on_exit(SimpleNamespace(process_name='panoptic_node-1', returncode=0), None)
    assert (end.kind, end.reason) == ('Shutdown', 'panoptic_node-1 has ended, and is required')


def test_a_node_is_either_required_or_started_again():
    with pytest.raises(ValueError, match=r'^respawn and required are both true: when the node'):
        launch(required='true', respawn='true')


def test_the_node_has_the_name_that_was_asked_for():
    entities = launch(name='front_view', rviz='true')
    assert node_of(entities).name == 'front_view'
    rviz = node_of(entities, 'rviz2')
    assert rviz.name == 'front_view_rviz'
    assert dict(rviz.remappings)['overlay'] == 'front_view/overlay'


def test_a_level_of_the_log_is_handed_on():
    assert launch()[0].ros_arguments is None
    assert launch(log_level='Debug')[0].ros_arguments == ['--log-level', 'debug']
    with pytest.raises(ValueError, match=r"^log_level is 'loud': expected one of debug, info, "):
        launch(log_level='loud')


def test_arguments_become_parameters_that_the_node_declares():
    node, = launch(model='7', autostart='false', use_sim_time='true', namespace='front',
                   params_file='/etc/mine.yaml', image='/image_raw/compressed')
    file, parameters = node.parameters
    assert file.positional == ('/etc/mine.yaml',)
    assert parameters['autostart'] is False
    assert parameters['use_sim_time'] is True
    assert (parameters['model'].positional, parameters['model'].value_type) == (('7',), str)
    assert set(parameters) - {'use_sim_time'} <= set(own_parameters())
    assert node.namespace == 'front'


def test_home_is_expanded(monkeypatch):
    monkeypatch.setenv('HOME', '/home/driver')
    node, = launch(params_file='~/mine.yaml')
    assert node.parameters[0].positional == ('/home/driver/mine.yaml',)


@pytest.mark.parametrize(('text', 'value'), [
    ('true', True), ('True', True), ('1', True), ('FALSE', False), ('0', False)])
def test_a_yes_is_written_as_people_write_it(text, value):
    assert launch(use_sim_time=text)[0].parameters[1] == {'use_sim_time': value}
    assert len(launch(rviz=text)) == 1 + value


@pytest.mark.parametrize('name', ['autostart', 'use_sim_time', 'rviz', 'respawn', 'required'])
def test_what_is_no_yes_and_no_no_is_refused_by_name(name):
    with pytest.raises(ValueError, match=rf"^{name} is 'yes': expected true or false$"):
        launch(**{name: 'yes'})


@pytest.mark.parametrize(('autostart', 'kind'), [
    ('', 'Node'), ('true', 'Node'), ('false', 'LifecycleNode')])
def test_launch_joins_the_graph_only_where_the_node_waits_for_it(autostart, kind):
    assert launch(autostart=autostart)[0].kind == kind


def test_raw_and_compressed_images_are_remapped():
    node, = launch(image='/front/image_raw')
    assert dict(node.remappings) == {'image': '/front/image_raw',
                                     'image/compressed': '/front/image_raw/compressed'}


def test_a_compressed_topic_sets_the_transport():
    node, = launch(image='/front/image_raw/compressed')
    assert node.parameters[1] == {'image_transport': 'compressed'}
    assert dict(node.remappings)['image/compressed'] == '/front/image_raw/compressed'


def test_a_compressed_pattern_sets_the_transport_of_all_cameras():
    node = node_of(launch(image='/{camera}/image_raw/compressed', cameras='front,rear'))
    parameters = node.parameters[1]
    assert dict(node.remappings)['rear/image/compressed'] == '/rear/image_raw/compressed'
    assert Settings(**parameters).named_cameras() == [
        ('front', 'compressed'), ('rear', 'compressed')]


def test_rviz_shows_topics_that_are_remapped():
    rviz = node_of(launch(rviz='true', image='/front/image_raw', namespace='front'), 'rviz2')
    remapped = dict(rviz.remappings)
    assert remapped['image'] == '/front/image_raw'
    assert remapped['overlay'] == 'panoptic_node/overlay'
    assert displays(rviz) == {'image', 'overlay'}
    assert rviz.namespace == 'front'


def test_rviz_takes_compressed_images_where_the_camera_does():
    rviz = node_of(launch(rviz='true', image='/front/image_raw/compressed'), 'rviz2')
    assert displays(rviz) == {'image/compressed', 'overlay'}
    assert dict(rviz.remappings)['image/compressed'] == '/front/image_raw/compressed'
    raw, compressed = (
        yaml.safe_load((CONFIG / name).read_text().replace('image/compressed', 'image'))
        for name in ('panoptic.rviz', 'panoptic_compressed.rviz'))
    assert raw == compressed


@pytest.mark.parametrize(('text', 'parameters'), [
    ('', {}), ('false', {'use_sim_time': False}), ('true', {'use_sim_time': True})])
def test_rviz_has_the_clock_that_was_asked_for(text, parameters):
    assert node_of(launch(rviz='true', use_sim_time=text), 'rviz2').parameters == [parameters]


def test_each_camera_has_its_topic_and_its_window():
    entities = launch(cameras='front, rear/compressed', image='/{camera}/image_raw', rviz='true')
    node = node_of(entities)
    assert node.parameters[1]['cameras'] == ['front', 'rear/compressed']
    assert dict(node.remappings) == {
        'front/image': '/front/image_raw',
        'front/image/compressed': '/front/image_raw/compressed',
        'rear/image': '/rear/image_raw', 'rear/image/compressed': '/rear/image_raw/compressed'}
    windows = [e for e in entities if e.executable == 'rviz2']
    assert [w.name for w in windows] == ['panoptic_rviz_front', 'panoptic_rviz_rear']
    assert [displays(w) for w in windows] == [
        {'image', 'overlay'}, {'image/compressed', 'overlay'}]
    assert dict(windows[1].remappings) == {
        'image': '/rear/image_raw', 'image/compressed': '/rear/image_raw/compressed',
        'overlay': 'panoptic_node/rear/overlay'}


def test_several_cameras_keep_the_topics_of_the_node_by_default():
    remappings = dict(node_of(launch(cameras='front,rear')).remappings)
    assert remappings['rear/image/compressed'] == 'rear/image/compressed'
    assert all(source == target for source, target in remappings.items())


@pytest.mark.parametrize(('arguments', 'reason'), [
    ({'image': '/{camera}/image_raw'}, r"image is '/{camera}/image_raw' and cameras is empty"),
    ({'image': '/image_raw', 'cameras': 'front,rear'},
     r"image is '/image_raw', which all of front, rear would take: write {camera} where")])
def test_a_topic_that_does_not_fit_the_cameras_is_refused(arguments, reason):
    with pytest.raises(ValueError, match=reason):
        launch(**arguments)
