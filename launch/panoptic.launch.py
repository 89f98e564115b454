"""
Segment one camera: ``ros2 launch panoptic_ros panoptic.launch.py image:=/front/image_raw``.

``ros2 launch --show-args panoptic_ros panoptic.launch.py`` lists the arguments.  An argument that
is left empty leaves the matter to the parameter file.
"""

from __future__ import annotations

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    OpaqueFunction,
    SetEnvironmentVariable,
    Shutdown,
)
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

PROFILE_VARIABLES = ('FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE')


def generate_launch_description() -> LaunchDescription:
    config = Path(get_package_share_directory('panoptic_ros')) / 'config'

    def argument(name: str, default: str, description: str,
                 choices: list[str] | None = None) -> DeclareLaunchArgument:
        return DeclareLaunchArgument(name, default_value=default, description=description,
                                     choices=choices)

    return LaunchDescription([
        argument('image', 'image', "The camera's topic; with image_transport compressed its "
                 'name without /compressed.'),
        argument('params_file', str(config / 'panoptic.yaml'), 'Parameters of the node.'),
        argument('namespace', '', 'Namespace of the node and of its relative topics.'),
        argument('model', '', 'Name of a shipped model or path of an .onnx or .plan file.'),
        argument('autostart', '', 'Configure and activate without a lifecycle manager.',
                 ['', 'true', 'false']),
        argument('use_sim_time', '', 'Take the time from /clock.', ['', 'true', 'false']),
        argument('bag', '', 'A bag to play, with its clock: use_sim_time is then true.'),
        argument('rviz', 'false', 'Show camera and overlay in RViz.', ['true', 'false']),
        argument('large_images', 'false', 'Use the Fast DDS profile for large images; the '
                 "camera's process must use it too.", ['true', 'false']),
        OpaqueFunction(function=_launch, args=[config]),
    ])


def _launch(context: LaunchContext, config: Path) -> list[LaunchDescriptionEntity]:
    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    image, bag, namespace = value('image'), value('bag'), value('namespace')
    parameters: dict[str, object] = {
        name: value(name) == 'true' for name in ('autostart', 'use_sim_time') if value(name)}
    if bag:
        parameters['use_sim_time'] = True
    if value('model'):
        # a str even where YAML would read a number
        parameters['model'] = ParameterValue(value('model'), value_type=str)
    entities: list[LaunchDescriptionEntity] = []
    if value('large_images') == 'true':
        entities += [SetEnvironmentVariable(name, str(config / 'fastdds.xml'))
                     for name in PROFILE_VARIABLES]
    # It is a lifecycle node that starts itself, so launch need not drive its states: Node, not
    # LifecycleNode.
    entities.append(Node(
        package='panoptic_ros', executable='panoptic_node', name='panoptic_node',
        namespace=namespace, output='screen', on_exit=Shutdown(),
        parameters=[value('params_file'), parameters],
        remappings=[('image', image), ('image/compressed', f'{image}/compressed')]))
    if value('rviz') == 'true':
        entities.append(Node(
            package='rviz2', executable='rviz2', name='panoptic_rviz', namespace=namespace,
            arguments=['-d', str(config / 'panoptic.rviz')],
            parameters=[{'use_sim_time': parameters.get('use_sim_time', False)}],
            remappings=[('image', image), ('overlay', 'panoptic_node/overlay')]))
    if bag:
        entities.append(ExecuteProcess(cmd=['ros2', 'bag', 'play', '--clock', '100', bag],
                                       output='screen'))
    return entities
