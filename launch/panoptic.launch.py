"""
Segment one camera or many.

``ros2 launch panoptic_ros panoptic.launch.py image:=/front/image_raw``, or
``ros2 launch panoptic_ros panoptic.launch.py cameras:=front,rear image:=/{camera}/image_raw``.
``--show-args`` lists the arguments.  An argument that is left empty leaves the matter to the
parameter file.  docs/integration.md says how to include this file: in a ``GroupAction`` of its
own, because otherwise it takes arguments that were set for other files.
"""

from __future__ import annotations

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch.events.process import ProcessExited
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode, Node
from launch_ros.parameter_descriptions import ParameterFile, ParameterValue

from panoptic_ros.arguments import choice, flag
from panoptic_ros.resources import expand_home

PLACEHOLDER = '{camera}'

COMPRESSED = '/compressed'
"""The end of a topic's or camera's name that makes the node take CompressedImage."""

RESPAWN_DELAY = 2.0
"""Seconds before a node that ended starts again."""

LOG_LEVELS = ('debug', 'info', 'warn', 'error', 'fatal')


def generate_launch_description() -> LaunchDescription:
    """Return the node, and RViz if it is asked for."""
    config = Path(get_package_share_directory('panoptic_ros')) / 'config'

    def argument(name: str, default: str, description: str) -> DeclareLaunchArgument:
        return DeclareLaunchArgument(name, default_value=default, description=description)

    return LaunchDescription([
        argument('image', 'image', "The camera's topic; TOPIC/compressed takes CompressedImage. "
                 'With several cameras, write {camera} where their names stand (without it, each '
                 'is taken from NAME/image).'),
        argument('cameras', '', 'Names of several cameras, as in front,rear/compressed; '
                 'NAME/compressed takes CompressedImage.'),
        argument('params_file', str(config / 'panoptic.yaml'), 'Parameters of the node; '
                 'substitutions such as $(env HOME) are performed.'),
        argument('name', 'panoptic_node', "Name of the node; its outputs' topics begin with it."),
        argument('namespace', '', 'Namespace of the node and of its relative topics.'),
        argument('model', '', 'Name of a shipped model or path of an .onnx or .plan file.'),
        argument('autostart', '', 'true: configure and activate without a lifecycle manager; '
                 'false: wait for one, or for ChangeState events of launch.'),
        argument('use_sim_time', '', 'true: take the time from /clock.'),
        argument('rviz', 'false', 'true: show camera and overlay in RViz, a window for each '
                 'camera.'),
        argument('respawn', 'false', f'true: start the node again {RESPAWN_DELAY:.0f} s after it '
                 'ended.'),
        argument('required', 'false', 'true: when the node ends, launch ends, with exit code 1 if '
                 'the node failed; a node that cannot start itself ends.'),
        argument('log_level', '', f'What the node logs: {", ".join(LOG_LEVELS)}.'),
        OpaqueFunction(function=_launch, args=[config]),
    ])


def _launch(context: LaunchContext, config: Path) -> list[LaunchDescriptionEntity]:
    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    name, namespace, image = value('name'), value('namespace'), value('image')
    cameras = [entry.strip() for entry in value('cameras').split(',') if entry.strip()]
    topics = _topics(image.removesuffix(COMPRESSED),
                     [entry.removesuffix(COMPRESSED) for entry in cameras])
    parameters: dict[str, object] = {
        name: flag(name, value(name)) for name in ('autostart', 'use_sim_time') if value(name)}
    if value('model'):
        # a str even if YAML would read a number
        parameters['model'] = ParameterValue(value('model'), value_type=str)
    if cameras:
        parameters['cameras'] = cameras
    if image.endswith(COMPRESSED):
        parameters['image_transport'] = 'compressed'
    respawn, required = (flag(name, value(name)) for name in ('respawn', 'required'))
    if respawn and required:
        raise ValueError('respawn and required are both true: when the node has ended, either it '
                         'starts again or launch ends too')
    if required:
        parameters['required'] = True
    log_level = choice('log_level', value('log_level'), LOG_LEVELS) if value('log_level') else ''
    # A node that starts itself does not need launch in the ROS graph, where SROS2 would ask for an
    # enclave. For a node that does not, launch joins the graph, so that lifecycle events reach it.
    action = Node if parameters.get('autostart', True) else LifecycleNode
    entities: list[LaunchDescriptionEntity] = [action(
        package='panoptic_ros', executable='panoptic_node', name=name,
        namespace=namespace, output='screen', respawn=respawn, respawn_delay=RESPAWN_DELAY,
        on_exit=_end_too if required else None,
        ros_arguments=['--log-level', log_level] if log_level else None,
        parameters=[ParameterFile(str(expand_home(value('params_file'))), allow_substs=True),
                    parameters],
        remappings=[remapping for camera, topic in topics.items()
                    for remapping in _remappings(f'{camera}image', topic)])]
    if flag('rviz', value('rviz')):
        # RViz takes the transport from the end of a topic's name, so each has a layout
        entities += [Node(
            package='rviz2', executable='rviz2', namespace=namespace,
            name=f'{name.removesuffix("_node")}_rviz_{camera}'.rstrip('/_'),
            arguments=['-d', str(config / (
                'panoptic_compressed.rviz' if image.endswith(COMPRESSED)
                or f'{camera}compressed' in cameras else 'panoptic.rviz'))],
            parameters=[{name: parameters[name] for name in ('use_sim_time',)
                         if name in parameters}],
            remappings=[*_remappings('image', topic),
                        ('overlay', f'{name}/{camera}overlay')])
            for camera, topic in topics.items()]
    return entities


def _end_too(event: ProcessExited, context: LaunchContext) -> Shutdown:
    """End launch with the node: with 0, or 1 if the node failed; launch knows no other codes."""
    if event.returncode:
        # only an exception in a handler gives another exit code than 0
        raise RuntimeError(f'{event.process_name} has ended with exit code {event.returncode}, '
                           'and is required')
    return Shutdown(reason=f'{event.process_name} has ended, and is required')


def _remappings(name: str, topic: str) -> list[tuple[str, str]]:
    return [(f'{name}{suffix}', f'{topic}{suffix}') for suffix in ('', COMPRESSED)]


def _topics(image: str, cameras: list[str]) -> dict[str, str]:
    """Return the topic of each camera's images, by the prefix of the node's own topic."""
    if not cameras:
        if PLACEHOLDER in image:
            raise ValueError(f'image is {image!r} and cameras is empty: name the cameras, as in '
                             'cameras:=front,rear, or write the topic of the one')
        return {'': image}
    if len(cameras) > 1 and PLACEHOLDER not in image and image != 'image':
        raise ValueError(f'image is {image!r}, which all of {", ".join(cameras)} would take: '
                         f'write {PLACEHOLDER} where their name stands, as in '
                         f'image:=/{PLACEHOLDER}/image_raw')
    return {f'{camera}/': f'{camera}/image' if image == 'image' else
            image.replace(PLACEHOLDER, camera) for camera in cameras}
