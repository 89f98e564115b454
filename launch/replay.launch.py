"""
Play a bag to the node and watch: ``ros2 launch panoptic_ros replay.launch.py bag:=/bags/drive``.

The bag starts when the node is active, so that none of it is lost while the model loads.  It is
played with its clock.  When the bag ends, RViz stays; without RViz everything ends.  Everything
also ends when the node ends or cannot start.  ``record:=DIR`` records what the node publishes,
with the camera's images.  The other arguments of ``panoptic.launch.py`` are taken, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import Action, LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    EmitEvent,
    ExecuteProcess,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
    TimerAction,
)
from launch.event_handlers import OnProcessExit, OnProcessStart
from launch.events.process import ProcessExited, ProcessStarted
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState
from launch_ros.ros_adapters import get_ros_node
from lifecycle_msgs.msg import Transition

from panoptic_ros.arguments import flag
from panoptic_ros.resources import expand_home

DISCOVERY = '1.0'
"""Seconds before the player's first message, in which its topics are found."""

POLL = 0.2
"""Seconds between two checks whether the node is there."""

LAST_FRAMES = 3.0
"""Seconds after the end of the bag, in which the node finishes its last frames."""

RECORDED = ('panoptic', 'objects', 'label_info', 'statistics')
"""The topics of each camera that are recorded; drawings are made only for a subscriber."""

PASSED_ON = {
    'image': ('image', "The camera's topic in the bag; TOPIC/compressed takes CompressedImage. "
              'For several cameras, write {camera} where their names stand.'),
    'cameras': ('', 'Names of several cameras, as in front,rear/compressed.'),
    'model': ('', 'Name of a shipped model or path of an .onnx or .plan file.'),
    'namespace': ('', 'Namespace of the node and of its relative topics.'),
    'rviz': ('true', 'true: show camera and overlay in RViz.')}
"""Arguments of panoptic.launch.py, with defaults and descriptions."""


def generate_launch_description() -> LaunchDescription:
    """Return the contents of panoptic.launch.py, and the player."""
    share = Path(get_package_share_directory('panoptic_ros'))
    return LaunchDescription([
        DeclareLaunchArgument('bag', description='The bag to play: a folder or one of its files.'),
        DeclareLaunchArgument('rate', default_value='1.0',
                              description='How much faster than recorded.'),
        DeclareLaunchArgument('loop', default_value='false',
                              description='true: start again when the bag has ended.'),
        DeclareLaunchArgument('record', default_value='', description='A folder to make: a bag '
                              "of the node's results and the camera's images."),
        *(DeclareLaunchArgument(name, default_value=default, description=description)
          for name, (default, description) in PASSED_ON.items()),
        DeclareLaunchArgument('params_file', description='Parameters of the node.',
                              default_value=str(share / 'config' / 'panoptic.yaml')),
        # It includes panoptic.launch.py; included here, --show-args would list all its arguments.
        OpaqueFunction(function=_launch, args=[share]),
    ])


def _launch(context: LaunchContext, share: Path) -> list[LaunchDescriptionEntity]:
    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    bag, stays = expand_home(value('bag')), flag('rviz', value('rviz'))
    if not bag.exists():
        raise FileNotFoundError(f'bag is {str(bag)!r}: expected the folder of a rosbag2, or a '
                                'file of it')

    def ended(event: ProcessExited, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        if context.is_shutdown:
            return []
        if event.returncode:
            return _end(f'the bag cannot be played (exit code {event.returncode})')
        if stays:
            return [LogInfo(msg='The bag has ended; Ctrl-C ends the rest.')]
        return [TimerAction(period=LAST_FRAMES, actions=_end('the bag has ended'))]

    recorder = _recorder(value, bag) if value('record') else None
    player = ExecuteProcess(
        cmd=['ros2', 'bag', 'play', str(bag), '--clock', '100', '--delay', DISCOVERY,
             '--rate', value('rate'), '--disable-keyboard-controls',
             *(['--loop'] if flag('loop', value('loop')) else [])],
        output='screen', on_exit=ended)
    return [
        *_drive_node([recorder, player] if recorder else [player]),
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource(str(share / 'launch' / 'panoptic.launch.py')),
            launch_arguments=[*((name, value(name)) for name in ('params_file', *PASSED_ON)),
                              ('use_sim_time', 'true'), ('autostart', 'false'),
                              ('respawn', 'false'), ('required', 'false'),
                              ('name', 'panoptic_node'), ('log_level', '')])]


def _recorder(value: Callable[[str], str], bag: Path) -> ExecuteProcess:
    """Return the recorder of the node's results, which records them at the time of arrival."""
    folder = expand_home(value('record'))
    if folder.exists() or folder.is_symlink():
        raise FileExistsError(f'record is {str(folder)!r}, which exists: expected a folder to '
                              'make')
    if bag.resolve() in folder.resolve().parents:
        raise ValueError(f'record is {str(folder)!r}, which lies in the bag that is played: '
                         'choose another folder')

    def ended(event: ProcessExited, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        if context.is_shutdown:
            return []
        return _end(f'the results cannot be recorded (exit code {event.returncode})')

    def absolute(name: str) -> str:
        return name if name.startswith('/') else '/'.join(
            ['', *filter(None, (value('namespace').strip('/'), name))])

    cameras = [entry.strip().removesuffix('/compressed')
               for entry in value('cameras').split(',') if entry.strip()]
    image = value('image').removesuffix('/compressed')
    image = '{camera}/image' if cameras and image == 'image' else image
    images = [absolute(image.replace('{camera}', camera)) for camera in cameras or ['']]
    topics = [f'{absolute("panoptic_node")}/(.+/)?({"|".join(RECORDED)})', '/diagnostics',
              *(f'{topic}(/compressed)?' for topic in dict.fromkeys(images))]
    # by a pattern, as distributions spell lists of topics differently; not in simulated time,
    # as what is latched comes before the first /clock
    return ExecuteProcess(cmd=['ros2', 'bag', 'record', '--output', str(folder), '--regex',
                               f'^({"|".join(topics)})$'], output='screen', on_exit=ended)


def _drive_node(bags: Sequence[ExecuteProcess]) -> list[LaunchDescriptionEntity]:
    """Return the handlers of the node's states: they activate it, start the bags, or end all."""
    def exited(event: ProcessExited, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        if context.is_shutdown:
            return []
        return _end(f'the node has ended (exit code {event.returncode})')

    return [RegisterEventHandler(handler) for handler in (
        OnProcessStart(target_action=_is_node, on_start=_configure),
        OnProcessExit(target_action=_is_node, on_exit=exited),
        OnStateTransition(start_state='configuring', goal_state='inactive',
                          entities=[_change_state(Transition.TRANSITION_ACTIVATE)]),
        OnStateTransition(goal_state='active', entities=list(bags), handle_once=True),
        OnStateTransition(start_state='activating', goal_state='inactive',
                          entities=_end('the node cannot be activated: it says why above')),
        OnStateTransition(goal_state='unconfigured',
                          entities=_end('the node has no engine: it says why above')))]


def _configure(event: ProcessStarted, context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """Configure the node once it can be found: a waiting request would break a shutdown."""
    if get_ros_node(context).count_publishers(f'{event.action.node_name}/transition_event'):
        return [_change_state(Transition.TRANSITION_CONFIGURE)]
    again = OpaqueFunction(function=lambda context: _configure(event, context))
    return [TimerAction(period=POLL, actions=[again])]


def _change_state(transition: int) -> EmitEvent:
    return EmitEvent(event=ChangeState(lifecycle_node_matcher=_is_node, transition_id=transition))


def _is_node(action: Action) -> bool:
    return isinstance(action, LifecycleNode)


def _end(reason: str) -> list[LaunchDescriptionEntity]:
    return [LogInfo(msg=f'The end: {reason}.'), Shutdown(reason=reason)]    # launch logs none
