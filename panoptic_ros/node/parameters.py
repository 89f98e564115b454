"""The node's parameters: what they mean, what they may be, when they may change."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node
from rclpy.parameter import Parameter

from ..engine.precision import PRECISIONS
from ..families import deeplab
from ..images import MAX_PIXELS, Limits
from ..resources import expand_home, model_path
from .image_topic import check_topics
from .screens import without_type

TRANSPORTS = ('raw', 'compressed')
RUNTIMES = ('auto', 'onnxruntime', 'tensorrt')
_THRESHOLDS = ('center_threshold', 'nms_kernel', 'top_k', 'stuff_area')
_NAME = re.compile(r'[A-Za-z][A-Za-z0-9_]*')
MOST_CAMERAS = 64
"""Each has a dozen topics, and its images wait for the turns of all the others."""

LONGEST_PATH = 4096
"""Characters, as in Linux."""

DEEPEST = 1_000_000
"""Messages that a QoS override may ask to be kept."""

_FROM_MODEL = '-1 takes what the model file recommends.'


def _parameter(default: Any, description: str, limits: tuple[float, float] | None = None, *,
               constraints: str = '', read_only: bool = False, structural: bool = False) -> Any:
    return field(default=default, metadata={
        'description': description, 'limits': limits, 'constraints': constraints,
        'read_only': read_only, 'structural': structural})


@dataclass(frozen=True)
class Settings:
    """
    The values of all parameters at one moment; a field is a parameter.

    Raises
    ------
    ValueError
        A value is out of range; the message is the reason that whoever sets it is given.

    """

    autostart: bool = _parameter(
        True, 'Configure and activate without a lifecycle manager.', read_only=True)
    required: bool = _parameter(
        False, 'End the process with exit code 1 where autostart cannot configure and activate '
        'the node at the start; false: it waits to be repaired.', read_only=True)
    build_only: bool = _parameter(
        False, 'Build the engine for this GPU, and end.', read_only=True)
    model: str = _parameter(
        'streets', 'Name of a shipped model or path of an .onnx or .plan file.', structural=True)
    runtime: str = _parameter(
        'auto', 'What executes an .onnx model: TensorRT on a GPU, ONNX Runtime on the CPU; auto '
        'takes a GPU where there is one.', constraints='auto, onnxruntime or tensorrt',
        structural=True)
    precision: str = _parameter(
        'fp16', 'In which a GPU computes an .onnx model; int8 needs a plan that build_engine has '
        'calibrated.', constraints='fp32, fp16 or int8', structural=True)
    gpu: int = _parameter(0, 'Number of the GPU.', (0, 63), structural=True)
    engine_cache: str = _parameter(
        '', 'Folder of built engines; ~/.cache/panoptic_ros by default.', structural=True)
    threads: int = _parameter(
        0, 'CPU threads of the network; 0 takes all cores.', (0, 1024), structural=True)
    cameras: tuple[str, ...] = _parameter(
        ('',), 'Names of several cameras, each with its images on NAME/image and its outputs '
        'under ~/NAME; NAME/compressed takes CompressedImage. Empty for one camera on image.',
        constraints='different names of letters, digits and _, each with or without /compressed',
        structural=True)
    image_transport: str = _parameter(
        'raw', 'Take sensor_msgs/Image from image, or CompressedImage from image/compressed.',
        constraints='raw or compressed', structural=True)
    center_threshold: float = _parameter(
        -1.0, f'Score that the center of an instance must exceed. {_FROM_MODEL}', (-1.0, 1.0),
        constraints='-1, or 0 to less than 1')
    nms_kernel: int = _parameter(
        -1, 'Side in pixels of the square in which a center must be the maximum. '
        f'{_FROM_MODEL}', (-1, 255), constraints='-1, or an odd number')
    top_k: int = _parameter(
        -1, f'Most instances in an image. {_FROM_MODEL}', (-1, 1000),
        constraints='-1, or 1 to 1000')
    stuff_area: int = _parameter(
        -1, 'Stuff classes that cover fewer pixels of the image are unlabelled. '
        f'{_FROM_MODEL}', (-1, 1 << 26))
    max_pixels: int = _parameter(
        MAX_PIXELS, 'Largest image that is taken, in pixels; 35389440 are 8192x4320.',
        (1, 1 << 28))
    tracking: bool = _parameter(
        True, 'Things keep their numbers from frame to frame; off, each frame counts anew.')
    overlay_opacity: float = _parameter(
        0.5, 'How much the colors of ~/overlay hide the camera image.', (0.0, 1.0))
    jpeg_quality: int = _parameter(90, 'JPEG quality of ~/overlay/compressed.', (1, 100))
    stall_timeout: float = _parameter(
        2.0, 'Seconds without an image after which the camera is diagnosed as stalled.',
        (0.1, 3600.0))
    label_timeout: float = _parameter(
        5.0, 'Seconds that labels may be due for an image that came, and that a frame may be at '
        'work, before the camera and the engine are diagnosed as faulty.', (0.1, 3600.0))
    max_stamp_age: float = _parameter(
        5.0, 'Seconds by which a stamp may lie behind the clock before diagnostics warn; '
        '0 never warns.', (0.0, 86400.0))
    max_age: float = _parameter(
        0.0, 'Seconds by which a stamp may lie behind the clock before its frame is dropped '
        'instead of segmented; 0 never drops.', (0.0, 3600.0))
    min_rate: float = _parameter(
        0.0, 'Frames per second and camera below which diagnostics warn while images come; 0 '
        'never warns.', (0.0, 1000.0))
    latency_limit: float = _parameter(
        0.5, 'Seconds from publish of an image to publish of its labels that 99 % of frames may '
        'take before diagnostics warn; 0 never warns.', (0.0, 3600.0))

    def __post_init__(self) -> None:
        if not self.model:
            raise ValueError("model is '': expected the name of a shipped model or a path")
        for name in ('model', 'engine_cache'):
            if len(getattr(self, name)) > LONGEST_PATH:
                raise ValueError(f'{name} has {len(getattr(self, name))} characters: expected '
                                 f'{LONGEST_PATH} at most')
        if self.image_transport not in TRANSPORTS:
            raise ValueError(f'image_transport is {self.image_transport!r}: expected one of '
                             f'{", ".join(TRANSPORTS)}')
        object.__setattr__(self, 'cameras', tuple(self.cameras))    # ROS has lists
        self._check_cameras()
        for name, choices in (('runtime', RUNTIMES), ('precision', PRECISIONS)):
            if getattr(self, name) not in choices:
                raise ValueError(f'{name} is {getattr(self, name)!r}: expected one of '
                                 f'{", ".join(choices)}')
        if self.build_only and self.runtime == 'onnxruntime':
            raise ValueError('build_only is true and runtime is onnxruntime, for which nothing is '
                             'built: take tensorrt')
        self.grouping(deeplab.Options())

    def grouping(self, recommended: deeplab.Options) -> deeplab.Options:
        """Return the thresholds: those that are set, and the model's own for the others."""
        chosen = {name: getattr(self, name) for name in _THRESHOLDS}
        return replace(recommended, **{k: v for k, v in chosen.items() if v != -1})

    @property
    def limits(self) -> Limits:
        """What an image may be."""
        return Limits(pixels=self.max_pixels)

    def model_path(self) -> Path:
        """Return the file that ``model`` means, which need not exist."""
        return model_path(self.model)

    def _check_cameras(self) -> None:
        names = [name for name, _ in self.named_cameras()]
        if len(names) > MOST_CAMERAS:
            raise ValueError(f'cameras has {len(names)} names: expected {MOST_CAMERAS} at most')
        for entry, name in zip(filter(None, self.cameras), names, strict=True):
            if not _NAME.fullmatch(name) or names.count(name) > 1:
                raise ValueError(f'cameras has {entry!r}: expected different names of letters, '
                                 'digits and _, each with or without /compressed')

    def named_cameras(self) -> list[tuple[str, str]]:
        """Return name and transport of each camera of ``cameras``; none means one without name."""
        return [(entry.removesuffix('/compressed'),
                 'compressed' if entry.endswith('/compressed') else self.image_transport)
                for entry in self.cameras if entry]

    def every_camera(self) -> list[tuple[str, str]]:
        """Return name and transport of each camera, the empty name where there is one only."""
        return self.named_cameras() or [('', self.image_transport)]

    def cache_folder(self) -> Path | None:
        """Return the folder of built engines; None for the usual one."""
        return expand_home(self.engine_cache) if self.engine_cache else None

    def change(self, changes: Mapping[str, Any], configured: bool) -> Settings:
        """
        Return the settings after a change.

        Raises
        ------
        ValueError
            A value is out of range, or cannot change while the node is configured.

        """
        for parameter in fields(self):
            name = parameter.name
            if (configured and parameter.metadata['structural'] and name in changes
                    and _plain(changes[name]) != getattr(self, name)):
                raise ValueError(f'{name} cannot change while the node is configured: '
                                 'deactivate and clean up, set it, and configure again')
        own = {parameter.name for parameter in fields(self)}
        return replace(self, **{k: v for k, v in changes.items() if k in own})


def _plain(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def declare(node: Node) -> Settings:
    """
    Declare every parameter and return the values the node was started with.

    Raises
    ------
    ValueError
        A value given at the start is out of range, or has no type.
    rclpy.exceptions.ParameterException
        A value given at the start has the wrong type.

    """
    given = getattr(node, '_parameter_overrides', {})      # rclpy's own affair
    own = {parameter.name for parameter in fields(Settings)}
    for name, parameter in given.items():
        if name in own or node.has_parameter(name) or name.startswith('qos_overrides.'):
            _check_override(parameter)
    given.update({parameter.name: parameter for parameter in as_floats(list(given.values()))})
    values = {parameter.name: node.declare_parameter(
        parameter.name, parameter.default, _descriptor(parameter.default, parameter.metadata)
    ).value for parameter in fields(Settings)}
    settings = Settings(**values)
    check_topics(node, settings.every_camera())
    return settings


def _check_override(parameter: Parameter) -> None:
    """Refuse what rclpy would take and then stumble over."""
    name, value = parameter.name, parameter.value
    if parameter.type_ == Parameter.Type.NOT_SET:
        raise ValueError(without_type(name))
    if (name.startswith('qos_overrides.') and name.endswith('.depth')
            and parameter.type_ == Parameter.Type.INTEGER and not 0 <= value <= DEEPEST):
        raise ValueError(f'{name} is {value}: expected 0 to {DEEPEST}')


def as_floats(changed: Sequence[Parameter]) -> list[Parameter]:
    """Return parameters with 1.0 in place of the integer 1 where a float is meant."""
    floats = {field.name for field in fields(Settings) if isinstance(field.default, float)}
    return [Parameter(parameter.name, Parameter.Type.DOUBLE, float(parameter.value))
            if parameter.name in floats and parameter.type_ == Parameter.Type.INTEGER
            else parameter for parameter in changed]


def _descriptor(default: Any, metadata: Mapping[str, Any]) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(
        description=metadata['description'], read_only=metadata['read_only'],
        additional_constraints=metadata['constraints'])
    if metadata['structural']:
        descriptor.additional_constraints = '; '.join(
            filter(None, [metadata['constraints'], 'changes only while unconfigured']))
    limits = metadata['limits']
    if limits is not None and isinstance(default, float):
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=limits[0], to_value=limits[1])]
    elif limits is not None:
        descriptor.integer_range = [IntegerRange(from_value=limits[0], to_value=limits[1], step=1)]
    return descriptor
