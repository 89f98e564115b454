"""
Segment one camera or many.

``ros2 launch panoptic_ros panoptic.launch.py image:=/front/image_raw``, or
``ros2 launch panoptic_ros panoptic.launch.py cameras:=front,rear image:=/{camera}/image_raw``.
``--show-args`` lists the arguments; one that is left empty leaves the matter to the parameter
file.  Included more than once, each needs a ``GroupAction`` of its own, or what is set for the
first would hold for the second.
"""

from __future__ import annotations

from pathlib import Path

from ament_index_python.packages import get_package_share_directory
from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterFile, ParameterValue

PLACEHOLDER = '{camera}'


def generate_launch_description() -> LaunchDescription:
    """Return the node, and RViz where it is asked for."""
    config = Path(get_package_share_directory('panoptic_ros')) / 'config'

    def argument(name: str, default: str, description: str,
                 choices: list[str] | None = None) -> DeclareLaunchArgument:
        return DeclareLaunchArgument(name, default_value=default, description=description,
                                     choices=choices)

    return LaunchDescription([
        argument('image', 'image', "The camera's topic; of several cameras, with {camera} where "
                 'their name stands (without that, each on NAME/image). Of compressed images the '
                 'name without /compressed.'),
        argument('cameras', '', 'Names of several cameras, as in front,rear/compressed; '
                 'NAME/compressed takes CompressedImage.'),
        argument('params_file', str(config / 'panoptic.yaml'), 'Parameters of the node; '
                 'substitutions such as $(env HOME) are performed.'),
        argument('namespace', '', 'Namespace of the node and of its relative topics.'),
        argument('model', '', 'Name of a shipped model or path of an .onnx or .plan file.'),
        argument('autostart', '', 'Configure and activate without a lifecycle manager.',
                 ['', 'true', 'false']),
        argument('use_sim_time', '', 'Take the time from /clock.', ['', 'true', 'false']),
        argument('rviz', 'false', 'Show camera and overlay in RViz, a window for each camera.',
                 ['true', 'false']),
        OpaqueFunction(function=_launch, args=[config]),
    ])


def _launch(context: LaunchContext, config: Path) -> list[LaunchDescriptionEntity]:
    def value(name: str) -> str:
        return LaunchConfiguration(name).perform(context)

    namespace = value('namespace')
    cameras = [entry.strip() for entry in value('cameras').split(',') if entry.strip()]
    topics = _topics(value('image'), [entry.removesuffix('/compressed') for entry in cameras])
    parameters: dict[str, object] = {
        name: value(name) == 'true' for name in ('autostart', 'use_sim_time') if value(name)}
    if value('model'):
        # a str even where YAML would read a number
        parameters['model'] = ParameterValue(value('model'), value_type=str)
    if cameras:
        parameters['cameras'] = cameras
    remappings = [(f'{camera}image{suffix}', f'{topic}{suffix}')
                  for camera, topic in topics.items() for suffix in ('', '/compressed')]
    entities: list[LaunchDescriptionEntity] = []
    # It is a lifecycle node that starts itself, so launch need not drive its states: Node, not
    # LifecycleNode.
    entities.append(Node(
        package='panoptic_ros', executable='panoptic_node', name='panoptic_node',
        namespace=namespace, output='screen', on_exit=Shutdown(),
        parameters=[ParameterFile(value('params_file'), allow_substs=True), parameters],
        remappings=remappings))
    if value('rviz') == 'true':
        entities += [Node(
            package='rviz2', executable='rviz2', namespace=namespace,
            name=f'panoptic_rviz_{camera}'.rstrip('/_'),
            arguments=['-d', str(config / 'panoptic.rviz')],
            parameters=[{'use_sim_time': parameters.get('use_sim_time', False)}],
            remappings=[('image', topic), ('overlay', f'panoptic_node/{camera}overlay')])
            for camera, topic in topics.items()]
    return entities


def _topics(image: str, cameras: list[str]) -> dict[str, str]:
    """Return the images' topic of each camera, by what stands before the node's own topics."""
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
