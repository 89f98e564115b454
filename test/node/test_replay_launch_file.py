"""replay.launch.py, by what it asks of stand-ins for launch and launch_ros."""

from __future__ import annotations

import re
from types import SimpleNamespace

import launch_stand_ins
import pytest
from lifecycle_msgs.msg import Transition

RUNNING, ENDING = SimpleNamespace(is_shutdown=False), SimpleNamespace(is_shutdown=True)


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch):
    launch_stand_ins.install(monkeypatch)


class Replay:
    """What replay.launch.py starts with a bag: what it includes, and what follows what."""

    def __init__(self, bag, **arguments):
        entities = launch_stand_ins.start('replay.launch.py', bag=str(bag), **arguments)
        self.include, = (e for e in entities if e.kind == 'IncludeLaunchDescription')
        handlers = [e.positional[0] for e in entities if e.kind == 'RegisterEventHandler']
        self.transitions = {(getattr(h, 'start_state', None), h.goal_state): h
                            for h in handlers if h.kind == 'OnStateTransition'}
        self.started, = (h for h in handlers if h.kind == 'OnProcessStart')
        self.exited, = (h for h in handlers if h.kind == 'OnProcessExit')
        *self.recorders, self.player = self.transitions[None, 'active'].entities


@pytest.fixture
def replay(tmp_path):
    return Replay(tmp_path, image='/front/image_raw', rate='0.5')


def reason_of(actions):
    log, shutdown = actions
    assert (log.kind, shutdown.kind) == ('LogInfo', 'Shutdown')
    assert shutdown.reason in log.msg
    return shutdown.reason


def transition_of(action):
    assert action.kind == 'EmitEvent'
    return action.event.transition_id


def test_the_node_waits_for_launch_and_takes_the_clock_of_the_bag(replay):
    path = launch_stand_ins.LAUNCH / 'panoptic.launch.py'
    assert replay.include.positional[0].positional == (str(path),)
    passed = dict(replay.include.launch_arguments)
    assert passed['image'] == '/front/image_raw'
    assert passed['use_sim_time'] == passed['rviz'] == 'true'
    assert passed['autostart'] == passed['respawn'] == 'false'
    assert set(passed) == set(launch_stand_ins.arguments_of('panoptic.launch.py'))


def test_the_node_is_configured_once_it_is_found(replay):
    counts = {'/front/panoptic_node/transition_event': 0}
    context = SimpleNamespace(ros_node=SimpleNamespace(count_publishers=counts.__getitem__))
    event = SimpleNamespace(action=SimpleNamespace(node_name='/front/panoptic_node'))
    again, = replay.started.on_start(event, context)
    assert again.kind == 'TimerAction'
    counts['/front/panoptic_node/transition_event'] = 1
    action, = again.actions[0].function(context)
    assert transition_of(action) == Transition.TRANSITION_CONFIGURE


def test_the_bag_starts_once_when_the_node_is_active(replay, tmp_path):
    action, = replay.transitions['configuring', 'inactive'].entities
    assert transition_of(action) == Transition.TRANSITION_ACTIVATE
    assert replay.transitions[None, 'active'].handle_once, 'it would play twice'
    command = replay.player.cmd
    assert command[:6] == ['ros2', 'bag', 'play', str(tmp_path), '--clock', '100']
    assert command[command.index('--rate') + 1] == '0.5'
    assert '--loop' not in command


def test_a_node_without_an_engine_ends_all_with_a_reason(replay):
    assert reason_of(replay.transitions[None, 'unconfigured'].entities) == (
        'the node has no engine: it says why above')
    assert 'cannot be activated' in reason_of(
        replay.transitions['activating', 'inactive'].entities)


def test_the_end_of_the_node_ends_all_with_a_reason(replay):
    event = SimpleNamespace(returncode=2)
    assert reason_of(replay.exited.on_exit(event, RUNNING)) == 'the node has ended (exit code 2)'
    assert replay.exited.on_exit(event, ENDING) == []


def test_only_the_node_is_driven(replay):
    action, = replay.transitions['configuring', 'inactive'].entities
    for matches in (replay.started.target_action, replay.exited.target_action,
                    action.event.lifecycle_node_matcher):
        assert matches(launch_stand_ins.LifecycleNode(name='panoptic_node'))
        assert not matches(replay.player)


@pytest.mark.parametrize(('rviz', 'returncode', 'kinds'), [
    ('true', 0, ['LogInfo']), ('false', 0, ['TimerAction']),
    ('TRUE', 1, ['LogInfo', 'Shutdown'])])
def test_the_end_of_the_bag(tmp_path, rviz, returncode, kinds):
    player = Replay(tmp_path, rviz=rviz, loop='True').player
    assert player.cmd[-1] == '--loop'
    event = SimpleNamespace(returncode=returncode)
    assert [action.kind for action in player.on_exit(event, RUNNING)] == kinds
    assert player.on_exit(event, ENDING) == []


def test_home_is_expanded(monkeypatch, tmp_path):
    monkeypatch.setenv('HOME', str(tmp_path))
    (tmp_path / 'drive').mkdir()
    assert str(tmp_path / 'drive') in Replay('~/drive').player.cmd


def test_a_bag_that_is_not_there_is_refused():
    with pytest.raises(FileNotFoundError, match=r"bag is '/bags/none': expected the folder of"):
        Replay('/bags/none')


@pytest.mark.parametrize(('arguments', 'recorded', 'left_out'), [
    ({'image': '/front/image_raw/compressed'},
     ['/panoptic_node/panoptic', '/panoptic_node/label_info', '/diagnostics', '/front/image_raw',
      '/front/image_raw/compressed'],
     ['/panoptic_node/overlay', '/clock', '/front/image_raw/theora', '/other/front/image_raw']),
    ({'namespace': 'car', 'cameras': 'front,rear/compressed'},
     ['/car/panoptic_node/front/objects', '/car/front/image', '/car/rear/image/compressed'],
     ['/panoptic_node/front/objects', '/car/left/image', '/car/image']),
    ({'cameras': 'front', 'image': '/{camera}/raw'}, ['/front/raw'], ['/rear/raw'])])
def test_results_and_images_are_recorded(tmp_path, arguments, recorded, left_out):
    (tmp_path / 'drive').mkdir()
    recorder, = Replay(tmp_path / 'drive', record=str(tmp_path / 'out'), **arguments).recorders
    assert recorder.cmd[:5] == ['ros2', 'bag', 'record', '--output', str(tmp_path / 'out')]
    pattern = re.compile(recorder.cmd[recorder.cmd.index('--regex') + 1])
    assert [topic for topic in recorded if not pattern.search(topic)] == []
    assert [topic for topic in left_out if pattern.search(topic)] == []
    event = SimpleNamespace(returncode=1)
    assert 'the results cannot be recorded' in reason_of(recorder.on_exit(event, RUNNING))
    assert recorder.on_exit(event, ENDING) == []
    assert Replay(tmp_path / 'drive').recorders == []


@pytest.mark.parametrize(('name', 'reason'), [
    ('drive', 'which exists: expected a folder to make'), ('drive/out', 'lies in the bag'),
    ('link', 'which exists')])
def test_what_cannot_be_recorded_to_is_refused(tmp_path, name, reason):
    (tmp_path / 'drive').mkdir()
    (tmp_path / 'link').symlink_to(tmp_path / 'nowhere')
    with pytest.raises((FileExistsError, ValueError), match=f'^record is .*{reason}'):
        Replay(tmp_path / 'drive', record=str(tmp_path / name))


@pytest.mark.parametrize('name', ['loop', 'rviz'])
def test_what_is_no_yes_and_no_no_is_refused_by_name(tmp_path, name):
    with pytest.raises(ValueError, match=f"^{name} is 'on': expected true or false"):
        Replay(tmp_path, **{name: 'on'})
