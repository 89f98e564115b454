"""
Play a bag to the node and watch: ``ros2 launch panoptic_ros replay.launch.py bag:=/bags/drive``.

The bag starts when the node takes images, so that none is lost while it loads, and brings its
clock.  When it ends RViz stays; without RViz everything ends.  The other arguments of
``panoptic.launch.py`` are taken too.
"""

from __future__ import annotations

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    Shutdown,
    TimerAction,
)
from launch.event_handlers import OnProcessIO
from launch.events.process import ProcessExited, ProcessIO
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration

READY = b'waiting for images'
"""What the node logs when it is active."""

DISCOVERY = '1.0'
"""Seconds in which the player's topics are found before its first message."""

LAST_FRAMES = 3.0
"""Seconds for what the node has at work when the bag ends."""

PASSED_ON = {
    'image': ('image', "The camera's topic in the bag; of several cameras, with {camera} where "
              'their name stands.'),
    'cameras': ('', 'Names of several cameras, as in front,rear/compressed.'),
    'model': ('', 'Name of a shipped model or path of an .onnx or .plan file.'),
    'namespace': ('', 'Namespace of the node and of its relative topics.'),
    'rviz': ('true', 'Show camera and overlay in RViz.')}
"""Arguments of panoptic.launch.py, with defaults and descriptions."""


def generate_launch_description() -> LaunchDescription:
    """Return what panoptic.launch.py does, and the player."""
    share = Path(get_package_share_directory('panoptic_ros'))
    return LaunchDescription([
        DeclareLaunchArgument('bag', description='The bag to play: a folder or one of its files.'),
        DeclareLaunchArgument('rate', default_value='1.0',
                              description='How much faster than recorded.'),
        DeclareLaunchArgument('loop', default_value='false', choices=['true', 'false'],
                              description='Start again when the bag has ended.'),
        *(DeclareLaunchArgument(name, default_value=default, description=description,
                                choices=['true', 'false'] if name == 'rviz' else None)
          for name, (default, description) in PASSED_ON.items()),
        DeclareLaunchArgument('params_file', description='Parameters of the node.',
                              default_value=str(share / 'config' / 'panoptic.yaml')),
        # here and not beside it: --show-args would add what has nothing to do with a bag
        OpaqueFunction(function=_launch, args=[share]),
    ])


def _launch(context: LaunchContext, share: Path) -> list[LaunchDescriptionEntity]:
    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    bag, stays = value('bag'), value('rviz') == 'true'
    if not Path(bag).exists():
        raise FileNotFoundError(f'bag is {bag!r}: expected the folder of a rosbag2, or a file '
                                'of it')

    def ended(event: ProcessExited, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        if context.is_shutdown:
            return []
        if event.returncode:
            return [Shutdown(reason=f'the bag cannot be played (exit code {event.returncode})')]
        if stays:
            return [LogInfo(msg='The bag has ended; Ctrl-C ends the rest.')]
        return [TimerAction(period=LAST_FRAMES, actions=[Shutdown(reason='the bag has ended')])]

    players = [ExecuteProcess(
        cmd=['ros2', 'bag', 'play', bag, '--clock', '100', '--delay', DISCOVERY,
             '--rate', value('rate'), '--disable-keyboard-controls',
             *(['--loop'] if value('loop') == 'true' else [])],
        output='screen', on_exit=ended)]

    def start(event: ProcessIO) -> list[LaunchDescriptionEntity]:
        ready = event.process_name.startswith('panoptic_node') and READY in event.text
        return [players.pop()] if ready and players else []

    return [
        RegisterEventHandler(OnProcessIO(on_stdout=start, on_stderr=start)),
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource(str(share / 'launch' / 'panoptic.launch.py')),
            launch_arguments=[*((name, value(name)) for name in ('params_file', *PASSED_ON)),
                              ('use_sim_time', 'true')])]
